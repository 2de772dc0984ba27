//! The relay's side of the outbox on one machine: the same rules as in `postgres/outbox.rs`, one row after the other
//! in one transaction of the one writer.

use std::time::Duration;

use sqlx::{
    Row, SqliteConnection,
    sqlite::{SqlitePool, SqliteRow},
};
use uuid::Uuid;

use super::outgoing_of;
use crate::{
    bus::NewRecord,
    store::{
        Claimed, Depth, Known, Lease, NewEntry, Outgoing, PUT_OFF_LIMIT, Settled, Settlement, StoreError,
        Verdict, row,
    },
};

/// Milliseconds since 1970 by the clock of SQLite, which is the one of this process.
const NOW: &str = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";

pub(super) async fn now(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query(NOW).fetch_one(connection).await?.try_get(0)?)
}

pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn ago(now: i64, then: Option<i64>) -> Option<Duration> {
    then.map(|then| Duration::from_millis(u64::try_from(now - then).unwrap_or_default()))
}

/// Adds the entries of a step that won. One that is there already is the same intention, and is not counted again.
pub(super) async fn enqueue(
    connection: &mut SqliteConnection,
    entries: &[NewEntry],
) -> Result<(), StoreError> {
    for entry in entries {
        let there = sqlx::query("SELECT 1 FROM outbox WHERE id = ?")
            .bind(entry.id.as_bytes().as_slice())
            .fetch_optional(&mut *connection)
            .await?;
        if there.is_some() {
            continue;
        }
        let now = now(connection).await?;
        let next: i64 = sqlx::query(
            "INSERT INTO outbox_head (target, conversation_id, next_seq, due_at) VALUES (?, ?, 2, ?)
             ON CONFLICT DO UPDATE SET next_seq = next_seq + 1,
               due_at = CASE WHEN done_seq + 1 = next_seq THEN excluded.due_at ELSE due_at END
             RETURNING next_seq",
        )
        .bind(&entry.target)
        .bind(entry.conversation_id.as_str())
        .bind(now)
        .fetch_one(&mut *connection)
        .await?
        .try_get(0)?;
        sqlx::query(
            "INSERT INTO outbox (id, target, conversation_id, seq, operation, payload, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(entry.id.as_bytes().as_slice())
        .bind(&entry.target)
        .bind(entry.conversation_id.as_str())
        .bind(next - 1)
        .bind(&entry.operation)
        .bind(&entry.payload)
        .bind(now)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

pub(super) async fn claim(
    pool: SqlitePool,
    target: String,
    limit: u32,
    lease: Duration,
) -> Result<Vec<Claimed>, StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let now = now(&mut transaction).await?;
    let heads = sqlx::query(
        "UPDATE outbox_head SET lease_generation = lease_generation + 1, lease_until = ?2 + ?4
         WHERE (target, conversation_id) IN (
           SELECT target, conversation_id FROM outbox_head
           WHERE target = ?1 AND parked_class IS NULL AND done_seq + 1 < next_seq
             AND (due_at <= ?2 OR due_at > ?2 + ?5)
             AND (lease_until IS NULL OR lease_until < ?2 OR lease_until > ?2 + max(?5, 2 * ?4))
           ORDER BY due_at LIMIT ?3)
         RETURNING conversation_id, lease_generation, done_seq + 1",
    )
    .bind(&target)
    .bind(now)
    .bind(i64::from(limit))
    .bind(millis(lease))
    .bind(millis(PUT_OFF_LIMIT))
    .fetch_all(&mut *transaction)
    .await?;
    let mut all = Vec::with_capacity(heads.len());
    for head in &heads {
        let lease = Lease {
            target: target.clone(),
            conversation_id: row::conversation_of(head.try_get(0)?)?,
            generation: head.try_get(1)?,
            seq: head.try_get(2)?,
        };
        let before = sqlx::query(
            "SELECT id, operation, payload, state, attempts, last_sent_at, absent_at, created_at,
               class IS NOT NULL OR state = 'in_doubt' FROM outbox
             WHERE target = ? AND conversation_id = ? AND seq = ?",
        )
        .bind(&target)
        .bind(lease.conversation_id.as_str())
        .bind(lease.seq)
        .fetch_one(&mut *transaction)
        .await?;
        let claimed = claimed(lease, &before, now)?;
        sqlx::query(
            "UPDATE outbox SET attempts = attempts + 1, absent_at = CASE WHEN absent_at <= ?1 THEN absent_at END,
               last_sent_at = CASE WHEN state = 'pending' THEN ?1 ELSE min(last_sent_at, ?1) END, state = 'in_doubt'
             WHERE id = ?2",
        )
        .bind(now)
        .bind(claimed.id.as_bytes().as_slice())
        .execute(&mut *transaction)
        .await?;
        all.push(claimed);
    }
    transaction.commit().await?;
    Ok(all)
}

fn claimed(lease: Lease, before: &SqliteRow, now: i64) -> Result<Claimed, StoreError> {
    let id = Uuid::from_slice(before.try_get(0)?).map_err(|_| StoreError::Unreadable { what: "entry id" })?;
    let known = match before.try_get::<&str, _>(3)? {
        "pending" => Known::Unsent,
        _ => Known::InDoubt {
            since: ago(now, before.try_get(5)?).unwrap_or_default(),
            absent_for: ago(now, before.try_get::<Option<i64>, _>(6)?.filter(|then| *then <= now)),
        },
    };
    Ok(Claimed {
        lease,
        id: id.into(),
        operation: before.try_get(1)?,
        payload: before.try_get(2)?,
        known,
        attempts: u32::try_from(before.try_get::<i64, _>(4)?).unwrap_or_default() + 1,
        tried: before.try_get(8)?,
        age: ago(now, before.try_get(7)?).unwrap_or_default(),
    })
}

pub(super) async fn settle(
    pool: SqlitePool,
    settlements: Vec<Settlement>,
) -> Result<Vec<Settled>, StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let mut settled = Vec::with_capacity(settlements.len());
    for one in &settlements {
        settled.push(settle_one(&mut transaction, one).await?);
    }
    transaction.commit().await?;
    Ok(settled)
}

async fn settle_one(connection: &mut SqliteConnection, one: &Settlement) -> Result<Settled, StoreError> {
    let now = now(connection).await?;
    let (mut state, mut after, mut class, mut uncounted, mut reference) =
        (None, Duration::ZERO, None, 0, None);
    let (mut finished, mut parked, mut absent) = (0, false, None);
    match &one.verdict {
        Verdict::Done { reference: number } => {
            (state, finished, reference) = (Some("done"), 1, Some(number.as_str()));
        }
        Verdict::Refused { class: why } => (state, finished, class) = (Some("refused"), 1, Some(*why)),
        Verdict::Again { after: pause, class: why, counts } => {
            (state, after, class, uncounted) = (Some("pending"), *pause, Some(*why), i64::from(!counts));
        }
        Verdict::Doubt { after: pause, class: why, absent: is_absent, counts } => {
            (after, class, uncounted) = (*pause, Some(*why), i64::from(!counts));
            absent = Some(*is_absent);
        }
        Verdict::Parked { class: why, unsent } => {
            (state, class, parked) = (unsent.then_some("pending"), Some(*why), true);
        }
    }
    let held = sqlx::query(
        "UPDATE outbox_head SET lease_until = NULL, done_seq = done_seq + ?, due_at = ?, parked_class = ?
         WHERE target = ? AND conversation_id = ? AND lease_generation = ? AND done_seq + 1 = ? AND lease_until IS NOT NULL",
    )
    .bind(finished)
    .bind(now + millis(after))
    .bind(class.filter(|_| parked))
    .bind(&one.lease.target)
    .bind(one.lease.conversation_id.as_str())
    .bind(one.lease.generation)
    .bind(one.lease.seq)
    .execute(&mut *connection)
    .await?;
    if held.rows_affected() == 0 {
        return Ok(Settled::Fenced);
    }
    sqlx::query(
        "UPDATE outbox SET state = COALESCE(?1, state), attempts = attempts - ?2, class = ?3, reference = ?4,
           absent_at = CASE ?5 WHEN 1 THEN COALESCE(absent_at, ?6) WHEN 0 THEN absent_at END,
           finished_at = CASE WHEN ?7 = 1 THEN ?6 END
         WHERE target = ?8 AND conversation_id = ?9 AND seq = ?10",
    )
    .bind(state)
    .bind(uncounted)
    .bind(class)
    .bind(reference)
    .bind(absent)
    .bind(now)
    .bind(finished)
    .bind(&one.lease.target)
    .bind(one.lease.conversation_id.as_str())
    .bind(one.lease.seq)
    .execute(&mut *connection)
    .await?;
    tell(connection, one.group, one.lease.conversation_id.as_str(), &one.outgoing).await?;
    Ok(Settled::Committed(pending(connection, one.group, one.lease.conversation_id.as_str()).await?))
}

/// Gives what is told its places in the conversation's order, and keeps it for publication.
pub(super) async fn tell(
    connection: &mut SqliteConnection,
    group: &'static str,
    conversation_id: &str,
    records: &[NewRecord],
) -> Result<(), StoreError> {
    let now = now(connection).await?;
    for record in records {
        sqlx::query(
            "INSERT INTO conversation (consumer_group, conversation_id, version, last_seq) VALUES (?, ?, 0, 1)
             ON CONFLICT DO UPDATE SET last_seq = last_seq + 1",
        )
        .bind(group)
        .bind(conversation_id)
        .execute(&mut *connection)
        .await?;
        sqlx::query(
            "INSERT INTO outgoing (consumer_group, conversation_id, seq, topic, key, value, headers, kept_at)
             SELECT ?1, ?2, last_seq, ?3, ?4, ?5, ?6, ?7 FROM conversation
             WHERE consumer_group = ?1 AND conversation_id = ?2",
        )
        .bind(group)
        .bind(conversation_id)
        .bind(record.topic.as_str())
        .bind(&record.key)
        .bind(&record.value)
        .bind(row::headers_text(&record.headers)?)
        .bind(now)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// The events of a conversation that wait for their publication, in order.
pub(super) async fn pending(
    connection: &mut SqliteConnection,
    group: &'static str,
    conversation_id: &str,
) -> Result<Vec<Outgoing>, StoreError> {
    let rows = sqlx::query(
        "SELECT seq, topic, key, value, headers FROM outgoing
         WHERE consumer_group = ? AND conversation_id = ? ORDER BY seq",
    )
    .bind(group)
    .bind(conversation_id)
    .fetch_all(connection)
    .await?;
    rows.iter().map(outgoing_of).collect()
}

pub(super) async fn depth(connection: &mut SqliteConnection, target: &str) -> Result<Depth, StoreError> {
    let now = now(connection).await?;
    let row = sqlx::query(
        "SELECT COALESCE(sum(h.next_seq - h.done_seq - 1), 0), count(*) FILTER (WHERE o.state = 'in_doubt'),
           count(*) FILTER (WHERE h.parked_class IS NOT NULL), min(o.created_at)
         FROM outbox_head h JOIN outbox o ON o.target = h.target AND o.conversation_id = h.conversation_id AND o.seq = h.done_seq + 1
         WHERE h.target = ? AND h.done_seq + 1 < h.next_seq",
    )
    .bind(target)
    .fetch_one(connection)
    .await?;
    let count = |value: i64| u64::try_from(value).unwrap_or_default();
    Ok(Depth {
        waiting: count(row.try_get(0)?),
        in_doubt: count(row.try_get(1)?),
        parked: count(row.try_get(2)?),
        oldest: ago(now, row.try_get(3)?).unwrap_or_default(),
    })
}

pub(super) async fn prune(pool: SqlitePool, older_than: Duration, limit: u32) -> Result<u64, StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let now = now(&mut transaction).await?;
    let done = sqlx::query(
        "DELETE FROM outbox WHERE id IN
           (SELECT id FROM outbox WHERE finished_at <= ? ORDER BY finished_at LIMIT ?)",
    )
    .bind(now - millis(older_than))
    .bind(i64::from(limit))
    .execute(&mut *transaction)
    .await?;
    sqlx::query(
        "DELETE FROM outbox_head WHERE (target, conversation_id) IN
           (SELECT target, conversation_id FROM outbox_head h WHERE done_seq + 1 = next_seq
              AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.target = h.target AND o.conversation_id = h.conversation_id)
            LIMIT ?)",
    )
    .bind(i64::from(limit))
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{event::ConversationId, store::SqliteStore};

    #[tokio::test]
    async fn a_clock_that_was_set_back_keeps_nothing_for_ever_and_a_pause_is_kept() {
        let folder = std::env::temp_dir().join(format!("peyvand-outbox-{}", Uuid::new_v4()));
        std::fs::create_dir_all(&folder).unwrap();
        let store = SqliteStore::open(&folder.join("store.sqlite")).await.unwrap();
        let pool = store.writer_pool.clone();
        let entry = NewEntry {
            id: Uuid::new_v4().into(),
            target: "sap".to_owned(),
            conversation_id: ConversationId::parse("c").unwrap(),
            operation: "test".to_owned(),
            payload: Vec::new(),
        };
        enqueue(&mut pool.acquire().await.unwrap(), &[entry]).await.unwrap();
        let lease = Duration::from_secs(60);
        assert_eq!(store.claim("sap", 1, lease).await.unwrap().len(), 1);
        for (due, leased, is_claimed) in [
            ("due_at + 3600000", "lease_until + 3600000", true),
            ("due_at + 3600000", "NULL", true),
            ("due_at", "lease_until", false),
            ("due_at + 900000", "NULL", false),
        ] {
            let moved = format!("UPDATE outbox_head SET due_at = {due}, lease_until = {leased}");
            sqlx::query(sqlx::AssertSqlSafe(moved)).execute(&pool).await.unwrap();
            let ahead =
                "UPDATE outbox SET last_sent_at = last_sent_at + 3600000, absent_at = last_sent_at + 3600000";
            sqlx::query(ahead).execute(&pool).await.unwrap();
            let claimed = store.claim("sap", 1, lease).await.unwrap();
            assert_eq!(claimed.len(), usize::from(is_claimed), "{due} {leased}");
            let unknown = Known::InDoubt { since: Duration::ZERO, absent_for: None };
            assert!(claimed.iter().all(|one| one.known == unknown), "{claimed:?}");
            let now = "UPDATE outbox_head SET due_at = unixepoch() * 1000";
            sqlx::query(now).execute(&pool).await.unwrap();
        }
        store.close().await;
        std::fs::remove_dir_all(folder).unwrap();
    }
}
