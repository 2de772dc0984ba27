//! Conversations that wait. Parking and the end of parking change the conversation's row as a step does, so that whoever had
//! looked before decides anew. Locks are taken in one order: the conversation, then what waits of it.

use std::time::Duration;

use sqlx::{Connection, PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::{
    PostgresStore, operator,
    outbox::{self, seconds},
    read::Answer,
    statements,
};
use crate::{
    bus::{Offset, Record, Topic, TopicPartition},
    event::ConversationId,
    store::{
        Kept, PARKED_RECORDS_MAX, ParkedConversation, ParkedDecision, ParkedFate, ParkedLease, ParkedRecord,
        ParkedTurn, ParkedVerb, StoreError, ToPark, Why, row,
    },
};

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

const ROOM: &str = "
SELECT count(*) < $2 FROM (SELECT FROM parked_record WHERE consumer_group = $1 LIMIT $2) AS kept";

const PARK: &str = "
INSERT INTO parked_conversation (consumer_group, conversation_id, class, held) VALUES ($1, $2, $3, $4)
ON CONFLICT (consumer_group, conversation_id) DO NOTHING";

const IS_PARKED: &str = "
SELECT EXISTS (SELECT FROM parked_conversation WHERE consumer_group = $1 AND conversation_id = $2)";

const MOVE_ON: &str = "
UPDATE conversation SET version = version + 1 WHERE consumer_group = $1 AND conversation_id = $2";

const KEEP: &str = "
INSERT INTO parked_record (consumer_group, conversation_id, event_id, topic, partition, record_offset, timestamp_ms, key, value, headers)
VALUES ($1, $2, $3::text::uuid, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (consumer_group, event_id) DO NOTHING";

const CLAIM: &str = "
WITH due AS (
  SELECT consumer_group, conversation_id FROM parked_conversation
  WHERE consumer_group = $1 AND NOT held AND due_at <= now() AND (lease_until IS NULL OR lease_until < now())
  ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
), leased AS (
  UPDATE parked_conversation p SET lease_generation = p.lease_generation + 1, lease_until = now() + make_interval(secs => $3)
  FROM due d WHERE p.consumer_group = d.consumer_group AND p.conversation_id = d.conversation_id
  RETURNING p.consumer_group, p.conversation_id, p.lease_generation, p.attempts
)
SELECT l.conversation_id, l.lease_generation, l.attempts, r.pos, r.topic, r.partition, r.record_offset, r.timestamp_ms,
  r.key, r.value, r.headers, EXTRACT(EPOCH FROM now() - r.kept_at)::float8
FROM leased l JOIN LATERAL (
  SELECT * FROM parked_record r WHERE r.consumer_group = l.consumer_group AND r.conversation_id = l.conversation_id
  ORDER BY r.pos LIMIT 1
) AS r ON true";

const SETTLE: &str = "
UPDATE parked_conversation SET lease_until = NULL,
  attempts = CASE WHEN $4::float8 IS NULL THEN 0 ELSE attempts + 1 END,
  due_at = now() + make_interval(secs => COALESCE($4, 0)),
  held = $5::text IS NOT NULL, class = COALESCE($5, class)
WHERE consumer_group = $1 AND conversation_id = $2 AND lease_generation = $3 AND lease_until IS NOT NULL";

const DROP_ONE: &str = "
DELETE FROM parked_record WHERE consumer_group = $1 AND conversation_id = $2 AND pos = $3";

const DROP_FIRST: &str = "
DELETE FROM parked_record WHERE consumer_group = $1 AND conversation_id = $2 AND pos =
  (SELECT min(pos) FROM parked_record WHERE consumer_group = $1 AND conversation_id = $2)";

const DROP_ALL: &str = "DELETE FROM parked_record WHERE consumer_group = $1 AND conversation_id = $2";

const FREE: &str = "
DELETE FROM parked_conversation WHERE consumer_group = $1 AND conversation_id = $2
  AND NOT EXISTS (SELECT FROM parked_record WHERE consumer_group = $1 AND conversation_id = $2)";

const LIST: &str = "
SELECT p.consumer_group, p.conversation_id, p.class, p.held, p.attempts, EXTRACT(EPOCH FROM now() - p.parked_at)::float8,
  (SELECT count(*) FROM parked_record r WHERE r.consumer_group = p.consumer_group AND r.conversation_id = p.conversation_id)
FROM parked_conversation p ORDER BY p.parked_at LIMIT $1";

const RECORDS: &str = "
SELECT topic, partition, record_offset, uuid_send(event_id), COALESCE(octet_length(value), 0),
  EXTRACT(EPOCH FROM now() - kept_at)::float8
FROM parked_record WHERE consumer_group = $1 AND conversation_id = $2 ORDER BY pos LIMIT $3";

const DECIDE: &str = "
UPDATE parked_conversation SET held = false, attempts = 0, due_at = now(), lease_until = NULL, lease_generation = lease_generation + 1
WHERE consumer_group = $1 AND conversation_id = $2";

/// What is wanted.
pub(super) enum What {
    Park { to_park: Box<ToPark>, answer: Answer<Kept> },
    Claim { group: &'static str, limit: u32, lease: Duration, answer: Answer<Vec<ParkedTurn>> },
    Settle { lease: ParkedLease, fate: ParkedFate, answer: Answer<bool> },
    List { limit: u32, answer: Answer<Vec<ParkedConversation>> },
    Records { group: String, conversation_id: ConversationId, limit: u32, answer: Answer<Vec<ParkedRecord>> },
    Decide { decision: Box<ParkedDecision>, answer: Answer<Option<u64>> },
}

impl PostgresStore {
    /// Lets a record wait.
    ///
    /// # Errors
    /// [`StoreError`] when it was not kept, or when it is not known.
    pub async fn park(&self, to_park: ToPark) -> Result<Kept, StoreError> {
        self.parking(|answer| What::Park { to_park: Box::new(to_park), answer }).await
    }

    /// Leases conversations whose time has come.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was leased, or when it is not known.
    pub async fn claim_parked(
        &self,
        group: &'static str,
        limit: u32,
        lease: Duration,
    ) -> Result<Vec<ParkedTurn>, StoreError> {
        self.parking(|answer| What::Claim { group, limit, lease, answer }).await
    }

    /// Commits what became of a waiting record.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was committed, or when it is not known.
    pub async fn settle_parked(&self, lease: ParkedLease, fate: ParkedFate) -> Result<bool, StoreError> {
        self.parking(|answer| What::Settle { lease, fate, answer }).await
    }

    /// Conversations that wait, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn parked_conversations(&self, limit: u32) -> Result<Vec<ParkedConversation>, StoreError> {
        self.parking(|answer| What::List { limit, answer }).await
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
        let (group, conversation_id) = (group.to_owned(), conversation_id.clone());
        self.parking(|answer| What::Records { group, conversation_id, limit, answer }).await
    }

    /// Carries out a person's decision.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was committed, or when it is not known.
    pub async fn decide_parked(&self, decision: ParkedDecision) -> Result<Option<u64>, StoreError> {
        self.parking(|answer| What::Decide { decision: Box::new(decision), answer }).await
    }

    async fn parking<T>(&self, what: impl FnOnce(Answer<T>) -> What) -> Result<T, StoreError> {
        self.relay(|answer| outbox::Ask::Parking(what(answer))).await
    }
}

pub(super) async fn park(connection: &mut PgConnection, to_park: &ToPark) -> Result<Kept, sqlx::Error> {
    let ToPark { key, record, why } = to_park;
    let (group, conversation_id) = (key.group, key.conversation_id.as_str());
    let mut transaction = connection.begin_with(BEGIN).await?;
    statements::lock(&mut transaction, &[(group, conversation_id)]).await?;
    let has_room: bool = sqlx::query(ROOM)
        .bind(group)
        .bind(i64::from(PARKED_RECORDS_MAX))
        .fetch_one(&mut *transaction)
        .await?
        .try_get(0)?;
    match why {
        Why::Failed { class, held } if has_room => {
            let query = sqlx::query(PARK).bind(group).bind(conversation_id).bind(class).bind(held);
            query.execute(&mut *transaction).await?;
            sqlx::query(MOVE_ON).bind(group).bind(conversation_id).execute(&mut *transaction).await?;
        }
        Why::Failed { .. } => return Ok(Kept::Full),
        Why::Follows => {
            let query = sqlx::query(IS_PARKED).bind(group).bind(conversation_id);
            let is_parked: bool = query.fetch_one(&mut *transaction).await?.try_get(0)?;
            match (is_parked, has_room) {
                (false, _) => return Ok(Kept::Free),
                (true, false) => return Ok(Kept::Full),
                (true, true) => {}
            }
        }
    }
    let headers = row::headers_text(&record.headers).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query(KEEP)
        .bind(group)
        .bind(conversation_id)
        .bind(key.event_id.to_string())
        .bind(record.place.topic.as_str())
        .bind(record.place.partition)
        .bind(record.offset.0)
        .bind(record.timestamp_ms)
        .bind(record.key.as_deref())
        .bind(record.value.as_deref())
        .bind(headers)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Kept::Parked)
}

pub(super) async fn claim(
    connection: &mut PgConnection,
    group: &'static str,
    limit: u32,
    lease: Duration,
) -> Result<Vec<ParkedTurn>, sqlx::Error> {
    let query = sqlx::query(CLAIM).bind(group).bind(i64::from(limit)).bind(lease.as_secs_f64());
    query.fetch_all(connection).await?.iter().map(|row| turn_of(group, row)).collect()
}

fn unreadable(error: StoreError) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

fn turn_of(group: &'static str, row: &PgRow) -> Result<ParkedTurn, sqlx::Error> {
    let headers: String = row.try_get(10)?;
    Ok(ParkedTurn {
        lease: ParkedLease {
            group,
            conversation_id: row::conversation_of(row.try_get(0)?).map_err(unreadable)?,
            generation: row.try_get(1)?,
            pos: row.try_get(3)?,
        },
        record: Record {
            place: TopicPartition {
                topic: Topic::new(row.try_get::<String, _>(4)?),
                partition: row.try_get(5)?,
            },
            offset: Offset(row.try_get(6)?),
            timestamp_ms: row.try_get(7)?,
            key: row.try_get(8)?,
            value: row.try_get(9)?,
            headers: row::headers_of(&headers).map_err(unreadable)?,
        },
        attempts: u32::try_from(row.try_get::<i32, _>(2)?).unwrap_or_default(),
        age: seconds(row.try_get(11)?).unwrap_or_default(),
    })
}

pub(super) async fn settle(
    connection: &mut PgConnection,
    lease: &ParkedLease,
    fate: ParkedFate,
) -> Result<bool, sqlx::Error> {
    let (group, conversation_id) = (lease.group, lease.conversation_id.as_str());
    let (after, class) = match fate {
        ParkedFate::Done => (None, None),
        ParkedFate::Later(after) => (Some(after.as_secs_f64()), None),
        ParkedFate::Held { class } => (Some(0.0), Some(class)),
    };
    let mut transaction = connection.begin_with(BEGIN).await?;
    statements::lock(&mut transaction, &[(group, conversation_id)]).await?;
    let query = sqlx::query(SETTLE).bind(group).bind(conversation_id).bind(lease.generation);
    if query.bind(after).bind(class).execute(&mut *transaction).await?.rows_affected() == 0 {
        return Ok(false);
    }
    if fate == ParkedFate::Done {
        let query = sqlx::query(DROP_ONE).bind(group).bind(conversation_id).bind(lease.pos);
        query.execute(&mut *transaction).await?;
        sqlx::query(FREE).bind(group).bind(conversation_id).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

pub(super) async fn list(
    connection: &mut PgConnection,
    limit: u32,
) -> Result<Vec<ParkedConversation>, sqlx::Error> {
    let rows = sqlx::query(LIST).bind(i64::from(limit)).fetch_all(connection).await?;
    let one = |row: &PgRow| -> Result<ParkedConversation, sqlx::Error> {
        Ok(ParkedConversation {
            group: row.try_get(0)?,
            conversation_id: row::conversation_of(row.try_get(1)?).map_err(unreadable)?,
            class: row.try_get(2)?,
            held: row.try_get(3)?,
            attempts: u32::try_from(row.try_get::<i32, _>(4)?).unwrap_or_default(),
            age: seconds(row.try_get(5)?).unwrap_or_default(),
            records: u64::try_from(row.try_get::<i64, _>(6)?).unwrap_or_default(),
        })
    };
    rows.iter().map(one).collect()
}

pub(super) async fn records(
    connection: &mut PgConnection,
    group: &str,
    conversation_id: &ConversationId,
    limit: u32,
) -> Result<Vec<ParkedRecord>, sqlx::Error> {
    let query = sqlx::query(RECORDS).bind(group).bind(conversation_id.as_str()).bind(i64::from(limit));
    let one = |row: &PgRow| -> Result<ParkedRecord, sqlx::Error> {
        let id = Uuid::from_slice(row.try_get(3)?).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(ParkedRecord {
            place: TopicPartition {
                topic: Topic::new(row.try_get::<String, _>(0)?),
                partition: row.try_get(1)?,
            },
            offset: Offset(row.try_get(2)?),
            event_id: id.into(),
            bytes: u64::try_from(row.try_get::<i32, _>(4)?).unwrap_or_default(),
            age: seconds(row.try_get(5)?).unwrap_or_default(),
        })
    };
    query.fetch_all(connection).await?.iter().map(one).collect()
}

pub(super) async fn decide(
    connection: &mut PgConnection,
    decision: &ParkedDecision,
) -> Result<Option<u64>, sqlx::Error> {
    let (group, conversation_id) = (decision.group.as_str(), decision.conversation_id.as_str());
    let mut transaction = connection.begin_with(BEGIN).await?;
    let query = sqlx::query(IS_PARKED).bind(group).bind(conversation_id);
    let is_parked: bool = query.fetch_one(&mut *transaction).await?.try_get(0)?;
    if !is_parked {
        return Ok(None);
    }
    statements::lock(&mut transaction, &[(group, conversation_id)]).await?;
    let found = sqlx::query(DECIDE).bind(group).bind(conversation_id).execute(&mut *transaction).await?;
    if found.rows_affected() == 0 {
        return Ok(None);
    }
    let dropped = match decision.verb {
        ParkedVerb::Resume => 0,
        ParkedVerb::Skip => {
            let query = sqlx::query(DROP_FIRST).bind(group).bind(conversation_id);
            query.execute(&mut *transaction).await?.rows_affected()
        }
        ParkedVerb::Drop => {
            let query = sqlx::query(DROP_ALL).bind(group).bind(conversation_id);
            query.execute(&mut *transaction).await?.rows_affected()
        }
    };
    sqlx::query(FREE).bind(group).bind(conversation_id).execute(&mut *transaction).await?;
    operator::note(&mut transaction, &[decision.audit()]).await?;
    transaction.commit().await?;
    Ok(Some(dropped))
}
