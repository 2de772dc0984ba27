//! Conversations that wait; the same rules as in `postgres/parking.rs`. The one writer is the lock.

use std::time::Duration;

use super::{
    SqliteStore,
    outbox::{ago, millis, now},
    to_its_end,
};
use crate::{
    bus::{Offset, Record, TimestampType, Topic, TopicPartition},
    store::{
        Kept, PUT_OFF_LIMIT, ParkedFate, ParkedLease, ParkedSize, ParkedTurn, StoreError, ToPark, Why, row,
    },
};
use sqlx::{
    Row, SqliteConnection,
    sqlite::{SqlitePool, SqliteRow},
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

    /// Whoever has a lease begins its round.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted.
    pub async fn parked_begun(
        &self,
        lease: &ParkedLease,
        begun: u32,
        anew: Duration,
    ) -> Result<bool, StoreError> {
        to_its_end(note_begun(self.writer_pool.clone(), lease.clone(), begun, anew)).await
    }

    /// Whether a lease is still the newest one.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn has_parked_lease(&self, lease: &ParkedLease) -> Result<bool, StoreError> {
        let found = sqlx::query(
            "SELECT 1 FROM parked_conversation WHERE consumer_group = ? AND conversation_id = ? AND lease_generation = ?
               AND lease_until IS NOT NULL",
        )
        .bind(lease.group)
        .bind(lease.conversation_id.as_str())
        .bind(lease.generation)
        .fetch_optional(&self.readers)
        .await?;
        Ok(found.is_some())
    }
}

pub(super) fn place_of(row: &SqliteRow, from: usize) -> Result<TopicPartition, StoreError> {
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
    let ToPark { key, why, room, .. } = &to_park;
    let (group, conversation_id) = (key.group, key.conversation_id.as_str());
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let now = now(&mut transaction).await?;
    let waiting = sqlx::query(
        "SELECT COALESCE(sum(records), 0), COALESCE(sum(bytes), 0),
           COALESCE(sum(records) FILTER (WHERE conversation_id = ?2), 0),
           COALESCE(sum(bytes) FILTER (WHERE conversation_id = ?2), 0)
         FROM parked_conversation WHERE consumer_group = ?1",
    )
    .bind(group)
    .bind(conversation_id)
    .fetch_one(&mut *transaction)
    .await?;
    let all = ParkedSize::of(waiting.try_get(0)?, waiting.try_get(1)?);
    let has_room = room.has_room(all, ParkedSize::of(waiting.try_get(2)?, waiting.try_get(3)?));
    let waits = match why {
        Why::First { .. } => true,
        Why::Follows => is_parked(&mut transaction, group, conversation_id).await?,
    };
    let is_done = sqlx::query("SELECT 1 FROM inbox WHERE consumer_group = ? AND event_id = ?")
        .bind(group)
        .bind(key.event_id.as_bytes().as_slice())
        .fetch_optional(&mut *transaction)
        .await?
        .is_some();
    match (is_done || !waits, has_room) {
        (true, _) => return Ok(Kept::Free),
        (false, false) => {
            // What waits already needs no room.
            return Ok(match is_same(&mut transaction, &to_park).await? {
                Some(true) => Kept::Parked,
                Some(false) => Kept::Conflict,
                None => Kept::Full,
            });
        }
        (false, true) => {}
    }
    if let Why::First { class, held } = why {
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
        move_on(&mut transaction, group, conversation_id).await?;
    }
    if !keep(&mut transaction, &to_park, now).await? {
        return Ok(Kept::Conflict);
    }
    transaction.commit().await?;
    Ok(Kept::Parked)
}

/// Keeps a record behind the others; `false` when its event waits already with other bytes or elsewhere.
async fn keep(connection: &mut SqliteConnection, to_park: &ToPark, now: i64) -> Result<bool, StoreError> {
    let ToPark { key, record, .. } = to_park;
    let (group, conversation_id) = (key.group, key.conversation_id.as_str());
    let headers = row::headers_text(&record.headers)?;
    let bytes = to_park.bytes(&headers);
    let kept = sqlx::query(
        "INSERT INTO parked_record (consumer_group, conversation_id, event_id, topic, partition, record_offset, timestamp_ms,
           key, value, bytes, headers, kept_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
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
    .bind(bytes)
    .bind(headers)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    if kept.rows_affected() > 0 {
        count(&mut *connection, group, conversation_id, 1, bytes).await?;
        return Ok(true);
    }
    Ok(is_same(connection, to_park).await? == Some(true))
}

/// Whether the event that waits under this id is the same one; none when none waits.
async fn is_same(connection: &mut SqliteConnection, to_park: &ToPark) -> Result<Option<bool>, StoreError> {
    let ToPark { key, record, .. } = to_park;
    let found = sqlx::query(
        "SELECT conversation_id = ? AND value IS ? FROM parked_record WHERE consumer_group = ? AND event_id = ?",
    )
    .bind(key.conversation_id.as_str())
    .bind(&record.value)
    .bind(key.group)
    .bind(key.event_id.as_bytes().as_slice())
    .fetch_optional(connection)
    .await?;
    Ok(found.map(|row| row.try_get(0)).transpose()?)
}

/// So many more wait.
async fn count(
    connection: &mut SqliteConnection,
    group: &str,
    conversation_id: &str,
    records: i64,
    bytes: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE parked_conversation SET records = records + ?3, bytes = bytes + ?4
         WHERE consumer_group = ?1 AND conversation_id = ?2",
    )
    .bind(group)
    .bind(conversation_id)
    .bind(records)
    .bind(bytes)
    .execute(connection)
    .await?;
    Ok(())
}

/// Whoever had looked before decides anew.
pub(super) async fn move_on(
    connection: &mut SqliteConnection,
    group: &str,
    conversation_id: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO conversation (consumer_group, conversation_id, version, last_seq) VALUES (?, ?, 1, 0)
         ON CONFLICT DO UPDATE SET version = version + 1",
    )
    .bind(group)
    .bind(conversation_id)
    .execute(connection)
    .await?;
    Ok(())
}

async fn note_begun(
    pool: SqlitePool,
    lease: ParkedLease,
    begun: u32,
    anew: Duration,
) -> Result<bool, StoreError> {
    let mut writer = pool.acquire().await?;
    let now = now(&mut writer).await?;
    let noted = sqlx::query(
        "UPDATE parked_conversation SET begun = ?4, lease_until = ?5 + ?6
         WHERE consumer_group = ?1 AND conversation_id = ?2 AND lease_generation = ?3 AND lease_until > ?5",
    )
    .bind(lease.group)
    .bind(lease.conversation_id.as_str())
    .bind(lease.generation)
    .bind(begun)
    .bind(now)
    .bind(millis(anew))
    .execute(&mut *writer)
    .await?;
    Ok(noted.rows_affected() > 0)
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
        "UPDATE parked_conversation SET lease_generation = lease_generation + 1, attempts = attempts + 1, lease_until = ?2 + ?4
         WHERE consumer_group = ?1 AND conversation_id IN
           (SELECT conversation_id FROM parked_conversation
            WHERE consumer_group = ?1 AND held = 0 AND (due_at <= ?2 OR due_at > ?2 + ?5)
              AND (lease_until IS NULL OR lease_until < ?2 OR lease_until > ?2 + max(?5, 2 * ?4))
            ORDER BY due_at LIMIT ?3)
         RETURNING conversation_id, lease_generation, attempts, begun",
    )
    .bind(group)
    .bind(now)
    .bind(i64::from(limit))
    .bind(millis(lease))
    .bind(millis(PUT_OFF_LIMIT))
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
                timestamp_type: TimestampType::NotAvailable,
                key: first.try_get(4)?,
                value: first.try_get(5)?,
                headers: row::headers_of(first.try_get(6)?)?,
            },
            attempts: one.try_get(2)?,
            begun: one.try_get(3)?,
            age: ago(now, first.try_get(7)?).unwrap_or_default(),
        });
    }
    transaction.commit().await?;
    Ok(turns)
}

async fn settle(pool: SqlitePool, lease: ParkedLease, fate: ParkedFate) -> Result<bool, StoreError> {
    let (group, conversation_id) = (lease.group, lease.conversation_id.as_str());
    let (after, class) = fate.pause_and_class();
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let now = now(&mut transaction).await?;
    let held = sqlx::query(
        "UPDATE parked_conversation SET lease_until = NULL, begun = 0,
           attempts = CASE WHEN ?4 IS NULL THEN 0 WHEN ?9 THEN MAX(attempts - 1, 0) ELSE attempts END,
           due_at = ?6 + COALESCE(?4, 0), held = ?8, class = COALESCE(?5, class)
         WHERE consumer_group = ?1 AND conversation_id = ?2 AND lease_generation = ?3 AND lease_until IS NOT NULL
           AND ?7 = (SELECT min(pos) FROM parked_record WHERE consumer_group = ?1 AND conversation_id = ?2)",
    )
    .bind(group)
    .bind(conversation_id)
    .bind(lease.generation)
    .bind(after.map(millis))
    .bind(class)
    .bind(now)
    .bind(lease.pos)
    .bind(fate.is_held())
    .bind(!fate.counts())
    .execute(&mut *transaction)
    .await?;
    if held.rows_affected() == 0 {
        return Ok(false);
    }
    if fate == ParkedFate::Done {
        let gone = sqlx::query("DELETE FROM parked_record WHERE pos = ? RETURNING bytes")
            .bind(lease.pos)
            .fetch_one(&mut *transaction)
            .await?;
        let bytes: i64 = gone.try_get(0)?;
        count(&mut transaction, group, conversation_id, -1, -bytes).await?;
        free(&mut transaction, group, conversation_id).await?;
        move_on(&mut transaction, group, conversation_id).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

/// A conversation of which nothing waits does not wait any more.
pub(super) async fn free(
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
