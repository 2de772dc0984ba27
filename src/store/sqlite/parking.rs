//! Conversations that wait; the same rules as in `postgres/parking.rs`. The one writer is the lock.

use std::time::Duration;

use sqlx::{
    Row, SqliteConnection,
    sqlite::{SqlitePool, SqliteRow},
};
use uuid::Uuid;

use super::{
    SqliteStore, operator,
    outbox::{ago, millis, now},
    to_its_end,
};
use crate::{
    bus::{Offset, Record, Topic, TopicPartition},
    event::ConversationId,
    store::{
        Kept, PARKED_RECORDS_MAX, ParkedConversation, ParkedDecision, ParkedFate, ParkedLease, ParkedRecord,
        ParkedTurn, ParkedVerb, StoreError, ToPark, Why, row,
    },
};

impl SqliteStore {
    /// Lets a record wait.
    ///
    /// # Errors
    /// [`StoreError`] when it was not kept.
    pub async fn park(&self, to_park: ToPark) -> Result<Kept, StoreError> {
        to_its_end(park(self.writer_pool.clone(), to_park)).await
    }

    /// Leases conversations whose time has come.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was leased.
    pub async fn claim_parked(
        &self,
        group: &'static str,
        limit: u32,
        lease: Duration,
    ) -> Result<Vec<ParkedTurn>, StoreError> {
        to_its_end(claim(self.writer_pool.clone(), group, limit, lease)).await
    }

    /// Commits what became of a waiting record.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was committed.
    pub async fn settle_parked(&self, lease: ParkedLease, fate: ParkedFate) -> Result<bool, StoreError> {
        to_its_end(settle(self.writer_pool.clone(), lease, fate)).await
    }

    /// Conversations that wait, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn parked_conversations(&self, limit: u32) -> Result<Vec<ParkedConversation>, StoreError> {
        let mut reader = self.readers.acquire().await?;
        let now = now(&mut reader).await?;
        let rows = sqlx::query(
            "SELECT consumer_group, conversation_id, class, held, attempts, parked_at,
               (SELECT count(*) FROM parked_record r WHERE r.consumer_group = p.consumer_group AND r.conversation_id = p.conversation_id)
             FROM parked_conversation p ORDER BY parked_at LIMIT ?",
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
    pub async fn decide_parked(&self, decision: ParkedDecision) -> Result<Option<u64>, StoreError> {
        to_its_end(decide(self.writer_pool.clone(), decision)).await
    }
}

fn place_of(row: &SqliteRow, from: usize) -> Result<TopicPartition, StoreError> {
    Ok(TopicPartition {
        topic: Topic::new(row.try_get::<String, _>(from)?),
        partition: row.try_get(from + 1)?,
    })
}

async fn is_parked(
    connection: &mut SqliteConnection,
    group: &str,
    conversation_id: &str,
) -> Result<bool, StoreError> {
    let found =
        sqlx::query("SELECT 1 FROM parked_conversation WHERE consumer_group = ? AND conversation_id = ?");
    Ok(found.bind(group).bind(conversation_id).fetch_optional(connection).await?.is_some())
}

async fn park(pool: SqlitePool, to_park: ToPark) -> Result<Kept, StoreError> {
    let ToPark { key, record, why } = to_park;
    let (group, conversation_id) = (key.group, key.conversation_id.as_str());
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let now = now(&mut transaction).await?;
    let has_room: bool = sqlx::query(
        "SELECT count(*) < ?2 FROM (SELECT 1 FROM parked_record WHERE consumer_group = ?1 LIMIT ?2)",
    )
    .bind(group)
    .bind(i64::from(PARKED_RECORDS_MAX))
    .fetch_one(&mut *transaction)
    .await?
    .try_get(0)?;
    let has_turn = match why {
        Why::Failed { .. } => true,
        Why::Follows => is_parked(&mut transaction, group, conversation_id).await?,
    };
    match (has_turn, has_room) {
        (false, _) => return Ok(Kept::Free),
        (true, false) => return Ok(Kept::Full),
        (true, true) => {}
    }
    if let Why::Failed { class, held } = why {
        sqlx::query(
            "INSERT INTO parked_conversation (consumer_group, conversation_id, class, held, parked_at, due_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT DO NOTHING",
        )
        .bind(group)
        .bind(conversation_id)
        .bind(class)
        .bind(held)
        .bind(now)
        .execute(&mut *transaction)
        .await?;
        // Whoever had looked before decides anew.
        sqlx::query(
            "INSERT INTO conversation (consumer_group, conversation_id, version, last_seq) VALUES (?, ?, 1, 0)
             ON CONFLICT DO UPDATE SET version = version + 1",
        )
        .bind(group)
        .bind(conversation_id)
        .execute(&mut *transaction)
        .await?;
    }
    sqlx::query(
        "INSERT INTO parked_record (consumer_group, conversation_id, event_id, topic, partition, record_offset, timestamp_ms,
           key, value, headers, kept_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(group)
    .bind(conversation_id)
    .bind(key.event_id.as_bytes().as_slice())
    .bind(record.place.topic.as_str())
    .bind(record.place.partition)
    .bind(record.offset.0)
    .bind(record.timestamp_ms)
    .bind(&record.key)
    .bind(&record.value)
    .bind(row::headers_text(&record.headers)?)
    .bind(now)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Kept::Parked)
}

async fn claim(
    pool: SqlitePool,
    group: &'static str,
    limit: u32,
    lease: Duration,
) -> Result<Vec<ParkedTurn>, StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let now = now(&mut transaction).await?;
    let leased = sqlx::query(
        "UPDATE parked_conversation SET lease_generation = lease_generation + 1, lease_until = ?2 + ?4
         WHERE consumer_group = ?1 AND conversation_id IN
           (SELECT conversation_id FROM parked_conversation
            WHERE consumer_group = ?1 AND held = 0 AND due_at <= ?2 AND (lease_until IS NULL OR lease_until < ?2)
            ORDER BY due_at LIMIT ?3)
         RETURNING conversation_id, lease_generation, attempts",
    )
    .bind(group)
    .bind(now)
    .bind(i64::from(limit))
    .bind(millis(lease))
    .fetch_all(&mut *transaction)
    .await?;
    let mut turns = Vec::with_capacity(leased.len());
    for one in &leased {
        let conversation_id: String = one.try_get(0)?;
        let first = sqlx::query(
            "SELECT topic, partition, record_offset, timestamp_ms, key, value, headers, kept_at, pos FROM parked_record
             WHERE consumer_group = ? AND conversation_id = ? ORDER BY pos LIMIT 1",
        )
        .bind(group)
        .bind(&conversation_id)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(first) = first else { continue };
        turns.push(ParkedTurn {
            lease: ParkedLease {
                group,
                conversation_id: row::conversation_of(conversation_id)?,
                generation: one.try_get(1)?,
                pos: first.try_get(8)?,
            },
            record: Record {
                place: place_of(&first, 0)?,
                offset: Offset(first.try_get(2)?),
                timestamp_ms: first.try_get(3)?,
                key: first.try_get(4)?,
                value: first.try_get(5)?,
                headers: row::headers_of(first.try_get(6)?)?,
            },
            attempts: one.try_get(2)?,
            age: ago(now, first.try_get(7)?).unwrap_or_default(),
        });
    }
    transaction.commit().await?;
    Ok(turns)
}

async fn settle(pool: SqlitePool, lease: ParkedLease, fate: ParkedFate) -> Result<bool, StoreError> {
    let (group, conversation_id) = (lease.group, lease.conversation_id.as_str());
    let (after, class) = match fate {
        ParkedFate::Done => (None, None),
        ParkedFate::Later(after) => (Some(millis(after)), None),
        ParkedFate::Held { class } => (Some(0), Some(class)),
    };
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let now = now(&mut transaction).await?;
    let held = sqlx::query(
        "UPDATE parked_conversation SET lease_until = NULL, attempts = CASE WHEN ?4 IS NULL THEN 0 ELSE attempts + 1 END,
           due_at = ?6 + COALESCE(?4, 0), held = ?5 IS NOT NULL, class = COALESCE(?5, class)
         WHERE consumer_group = ?1 AND conversation_id = ?2 AND lease_generation = ?3 AND lease_until IS NOT NULL",
    )
    .bind(group)
    .bind(conversation_id)
    .bind(lease.generation)
    .bind(after)
    .bind(class)
    .bind(now)
    .execute(&mut *transaction)
    .await?;
    if held.rows_affected() == 0 {
        return Ok(false);
    }
    if fate == ParkedFate::Done {
        sqlx::query("DELETE FROM parked_record WHERE pos = ?")
            .bind(lease.pos)
            .execute(&mut *transaction)
            .await?;
        free(&mut transaction, group, conversation_id).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

/// A conversation of which nothing waits does not wait any more.
async fn free(
    connection: &mut SqliteConnection,
    group: &str,
    conversation_id: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM parked_conversation WHERE consumer_group = ?1 AND conversation_id = ?2
           AND NOT EXISTS (SELECT 1 FROM parked_record WHERE consumer_group = ?1 AND conversation_id = ?2)",
    )
    .bind(group)
    .bind(conversation_id)
    .execute(connection)
    .await?;
    Ok(())
}

async fn decide(pool: SqlitePool, decision: ParkedDecision) -> Result<Option<u64>, StoreError> {
    let (group, conversation_id) = (decision.group.as_str(), decision.conversation_id.as_str());
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let found = sqlx::query(
        "UPDATE parked_conversation SET held = 0, attempts = 0, due_at = ?3, lease_until = NULL,
           lease_generation = lease_generation + 1
         WHERE consumer_group = ?1 AND conversation_id = ?2",
    )
    .bind(group)
    .bind(conversation_id)
    .bind(now(&mut transaction).await?)
    .execute(&mut *transaction)
    .await?;
    if found.rows_affected() == 0 {
        return Ok(None);
    }
    let limit = match decision.verb {
        ParkedVerb::Resume => 0,
        ParkedVerb::Skip => 1,
        ParkedVerb::Drop => -1,
    };
    let dropped = sqlx::query(
        "DELETE FROM parked_record WHERE pos IN
           (SELECT pos FROM parked_record WHERE consumer_group = ? AND conversation_id = ? ORDER BY pos LIMIT ?)",
    )
    .bind(group)
    .bind(conversation_id)
    .bind(limit)
    .execute(&mut *transaction)
    .await?;
    free(&mut transaction, group, conversation_id).await?;
    operator::note_one(&mut transaction, &decision.audit()).await?;
    transaction.commit().await?;
    Ok(Some(dropped.rows_affected()))
}
