//! What a person sees of conversations that wait, and decides about them. A decision raises the conversation's generation, so
//! that no older lease can still change it, and leaves its row in the audit.

use sqlx::{Connection, PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::{
    operator,
    outbox::seconds,
    parking::unreadable,
    parking_statements::{FREE, IS_PARKED, MOVE_ON},
    statements,
};
use crate::{
    bus::{Offset, Topic, TopicPartition},
    event::{ConversationId, EventId},
    store::{ParkedConversation, ParkedDecision, ParkedRecord, ParkedVerb, row},
};

/// What a person lets go counts as worked on.
const LET_GO: &str = "
WITH gone AS (
  DELETE FROM parked_record WHERE consumer_group = $1 AND conversation_id = $2 AND ($3::text IS NULL OR
    (event_id = $3::text::uuid AND pos = (SELECT min(pos) FROM parked_record WHERE consumer_group = $1 AND conversation_id = $2)))
  RETURNING consumer_group, event_id, value
), seen AS (
  INSERT INTO inbox (consumer_group, event_id, fingerprint)
  SELECT consumer_group, event_id, sha256(COALESCE(value, '')) FROM gone ON CONFLICT DO NOTHING
)
SELECT uuid_send(event_id) FROM gone";

/// The time of the first one counts anew.
const ANEW: &str = "
UPDATE parked_record SET kept_at = now() WHERE consumer_group = $1 AND conversation_id = $2 AND pos =
  (SELECT min(pos) FROM parked_record WHERE consumer_group = $1 AND conversation_id = $2)";

/// What is left after some were let go.
const RECOUNT: &str = "
UPDATE parked_conversation SET (records, bytes) = (SELECT count(*), COALESCE(sum(r.bytes), 0) FROM parked_record r
  WHERE r.consumer_group = $1 AND r.conversation_id = $2)
WHERE consumer_group = $1 AND conversation_id = $2";

const LIST: &str = "
SELECT consumer_group, conversation_id, class, held, attempts, EXTRACT(EPOCH FROM now() - parked_at)::float8, records
FROM parked_conversation ORDER BY parked_at LIMIT $1";

const RECORDS: &str = "
SELECT topic, partition, record_offset, uuid_send(event_id), COALESCE(octet_length(value), 0),
  EXTRACT(EPOCH FROM now() - kept_at)::float8
FROM parked_record WHERE consumer_group = $1 AND conversation_id = $2 ORDER BY pos LIMIT $3";

const DECIDE: &str = "
UPDATE parked_conversation SET held = false, attempts = 0, begun = 0, due_at = now(), lease_until = NULL, lease_generation = lease_generation + 1
WHERE consumer_group = $1 AND conversation_id = $2";

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
) -> Result<Option<Vec<EventId>>, sqlx::Error> {
    let (group, conversation_id) = (decision.group.as_str(), decision.conversation_id.as_str());
    let mut transaction = connection.begin_with(statements::BEGIN).await?;
    let query = sqlx::query(IS_PARKED).bind(group).bind(conversation_id);
    let is_parked: bool = query.fetch_one(&mut *transaction).await?.try_get(0)?;
    if !is_parked {
        transaction.rollback().await?;
        return Ok(None);
    }
    statements::lock(&mut transaction, &[(group, conversation_id)]).await?;
    let found = sqlx::query(DECIDE).bind(group).bind(conversation_id).execute(&mut *transaction).await?;
    if found.rows_affected() == 0 {
        transaction.rollback().await?;
        return Ok(None);
    }
    sqlx::query(MOVE_ON).bind(group).bind(conversation_id).execute(&mut *transaction).await?;
    let gone = match decision.verb {
        ParkedVerb::Resume => {
            sqlx::query(ANEW).bind(group).bind(conversation_id).execute(&mut *transaction).await?;
            Vec::new()
        }
        ParkedVerb::Skip(event_id) => {
            let gone = let_go(&mut transaction, decision, Some(event_id)).await?;
            if gone.is_empty() {
                transaction.rollback().await?;
                return Ok(None);
            }
            gone
        }
        ParkedVerb::Drop => let_go(&mut transaction, decision, None).await?,
    };
    sqlx::query(RECOUNT).bind(group).bind(conversation_id).execute(&mut *transaction).await?;
    sqlx::query(FREE).bind(group).bind(conversation_id).execute(&mut *transaction).await?;
    operator::note(&mut transaction, &[decision.audit(&gone)]).await?;
    transaction.commit().await?;
    Ok(Some(gone))
}

/// Lets records go: the first when it is this event, or all.
async fn let_go(
    connection: &mut PgConnection,
    decision: &ParkedDecision,
    event_id: Option<EventId>,
) -> Result<Vec<EventId>, sqlx::Error> {
    let query = sqlx::query(LET_GO).bind(&decision.group).bind(decision.conversation_id.as_str());
    let rows = query.bind(event_id.map(String::from)).fetch_all(connection).await?;
    let one = |row: &PgRow| -> Result<EventId, sqlx::Error> {
        let id = Uuid::from_slice(row.try_get(0)?).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(id.into())
    };
    rows.iter().map(one).collect()
}
