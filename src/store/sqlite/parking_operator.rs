//! What a person sees of conversations that wait, and decides about them; the same rules as in
//! `postgres/parking_operator.rs`.

use sha2::{Digest, Sha256};
use sqlx::{
    Row, SqliteConnection,
    sqlite::{SqlitePool, SqliteRow},
};
use uuid::Uuid;

use super::{
    SqliteStore, operator,
    outbox::{ago, now},
    parking::{free, move_on, place_of},
    to_its_end,
};
use crate::{
    bus::Offset,
    event::{ConversationId, EventId},
    store::{ParkedConversation, ParkedDecision, ParkedRecord, ParkedVerb, StoreError, row},
};

impl SqliteStore {
    /// Conversations that wait, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn parked_conversations(&self, limit: u32) -> Result<Vec<ParkedConversation>, StoreError> {
        let mut reader = self.readers.acquire().await?;
        let now = now(&mut reader).await?;
        let rows = sqlx::query(
            "SELECT consumer_group, conversation_id, class, held, attempts, parked_at, records
             FROM parked_conversation ORDER BY parked_at LIMIT ?",
        )
        .bind(i64::from(limit))
        .fetch_all(&mut *reader)
        .await?;
        let one = |row: &SqliteRow| -> Result<ParkedConversation, StoreError> {
            Ok(ParkedConversation {
                group: row.try_get(0)?,
                conversation_id: row::conversation_of(row.try_get(1)?)?,
                class: row.try_get(2)?,
                held: row.try_get(3)?,
                attempts: row.try_get(4)?,
                age: ago(now, row.try_get(5)?).unwrap_or_default(),
                records: u64::try_from(row.try_get::<i64, _>(6)?).unwrap_or_default(),
            })
        };
        rows.iter().map(one).collect()
    }

    /// The first waiting records of a conversation.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn parked_records(
        &self,
        group: &str,
        conversation_id: &ConversationId,
        limit: u32,
    ) -> Result<Vec<ParkedRecord>, StoreError> {
        let mut reader = self.readers.acquire().await?;
        let now = now(&mut reader).await?;
        let rows = sqlx::query(
            "SELECT topic, partition, record_offset, event_id, COALESCE(length(value), 0), kept_at FROM parked_record
             WHERE consumer_group = ? AND conversation_id = ? ORDER BY pos LIMIT ?",
        )
        .bind(group)
        .bind(conversation_id.as_str())
        .bind(i64::from(limit))
        .fetch_all(&mut *reader)
        .await?;
        let one = |row: &SqliteRow| -> Result<ParkedRecord, StoreError> {
            let id = Uuid::from_slice(row.try_get(3)?);
            Ok(ParkedRecord {
                place: place_of(row, 0)?,
                offset: Offset(row.try_get(2)?),
                event_id: id.map_err(|_| StoreError::Unreadable { what: "event id" })?.into(),
                bytes: u64::try_from(row.try_get::<i64, _>(4)?).unwrap_or_default(),
                age: ago(now, row.try_get(5)?).unwrap_or_default(),
            })
        };
        rows.iter().map(one).collect()
    }

    /// Carries out a person's decision.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was committed.
    pub async fn decide_parked(&self, decision: ParkedDecision) -> Result<Option<Vec<EventId>>, StoreError> {
        to_its_end(decide(self.writer_pool.clone(), decision)).await
    }
}

async fn decide(pool: SqlitePool, decision: ParkedDecision) -> Result<Option<Vec<EventId>>, StoreError> {
    let (group, conversation_id) = (decision.group.as_str(), decision.conversation_id.as_str());
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let now = now(&mut transaction).await?;
    let found = sqlx::query(
        "UPDATE parked_conversation SET held = 0, attempts = 0, begun = 0, due_at = ?3, lease_until = NULL,
           lease_generation = lease_generation + 1
         WHERE consumer_group = ?1 AND conversation_id = ?2",
    )
    .bind(group)
    .bind(conversation_id)
    .bind(now)
    .execute(&mut *transaction)
    .await?;
    if found.rows_affected() == 0 {
        return Ok(None);
    }
    move_on(&mut transaction, group, conversation_id).await?;
    let gone = match decision.verb {
        ParkedVerb::Resume => {
            // The time of the first one counts anew.
            sqlx::query(
                "UPDATE parked_record SET kept_at = ?3 WHERE pos =
                   (SELECT min(pos) FROM parked_record WHERE consumer_group = ?1 AND conversation_id = ?2)",
            )
            .bind(group)
            .bind(conversation_id)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
            Vec::new()
        }
        ParkedVerb::Skip(event_id) => {
            let gone = let_go(&mut transaction, &decision, Some(event_id)).await?;
            if gone.is_empty() {
                return Ok(None);
            }
            gone
        }
        ParkedVerb::Drop => let_go(&mut transaction, &decision, None).await?,
    };
    recount(&mut transaction, group, conversation_id).await?;
    free(&mut transaction, group, conversation_id).await?;
    operator::note_one(&mut transaction, &decision.audit(&gone)).await?;
    transaction.commit().await?;
    Ok(Some(gone))
}

/// What is left after some were let go.
async fn recount(
    connection: &mut SqliteConnection,
    group: &str,
    conversation_id: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE parked_conversation SET (records, bytes) =
           (SELECT count(*), COALESCE(sum(bytes), 0) FROM parked_record WHERE consumer_group = ?1 AND conversation_id = ?2)
         WHERE consumer_group = ?1 AND conversation_id = ?2",
    )
    .bind(group)
    .bind(conversation_id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Lets records go, the first when it is this event or all; they count as worked on.
async fn let_go(
    connection: &mut SqliteConnection,
    decision: &ParkedDecision,
    event_id: Option<EventId>,
) -> Result<Vec<EventId>, StoreError> {
    let rows = sqlx::query(
        "DELETE FROM parked_record WHERE consumer_group = ?1 AND conversation_id = ?2 AND (?3 IS NULL OR
           (event_id = ?3 AND pos = (SELECT min(pos) FROM parked_record WHERE consumer_group = ?1 AND conversation_id = ?2)))
         RETURNING event_id, value",
    )
    .bind(&decision.group)
    .bind(decision.conversation_id.as_str())
    .bind(event_id.map(|id| id.as_bytes().to_vec()))
    .fetch_all(&mut *connection)
    .await?;
    let mut gone = Vec::with_capacity(rows.len());
    for row in &rows {
        let (id, value): (Vec<u8>, Option<Vec<u8>>) = (row.try_get(0)?, row.try_get(1)?);
        let fingerprint: [u8; 32] = Sha256::digest(value.as_deref().unwrap_or_default()).into();
        sqlx::query("INSERT INTO inbox (consumer_group, event_id, fingerprint) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
            .bind(&decision.group)
            .bind(&id)
            .bind(fingerprint.as_slice())
            .execute(&mut *connection)
            .await?;
        let id = Uuid::from_slice(&id).map_err(|_| StoreError::Unreadable { what: "event id" })?;
        gone.push(id.into());
    }
    Ok(gone)
}
