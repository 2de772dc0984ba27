//! Steps that nobody is in the way of, which is nearly all of them: one statement instead of three, and each conversation's
//! row is written once. It may not decide what became of a step that was in somebody's way: then nothing of it may be
//! committed, and the patient way takes all of them.

use sqlx::{PgConnection, Row};

use super::statements::{OutgoingColumns, Waiting, add_waiting, texts};
use crate::store::Step;

/// Conversations move on where they stand as they were read, and are begun where there were none; events are new to their
/// group: a conversation or an event that is there already is an error of the database, which costs less than looking first.
/// The places of what follows are known, as the last one was read too. What waited before is as the statement found it: had
/// there been more since the look, the conversation would stand elsewhere. Each part counts the one before, so that locks are taken
/// in the order of all statements.
const STEPS: &str = "
WITH step AS (
  SELECT * FROM UNNEST($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[], $7::text[]::uuid[], $8::bytea[])
    AS s (consumer_group, conversation_id, version, last_seq, places, state, event_id, fingerprint)
), begun AS (
  INSERT INTO conversation (consumer_group, conversation_id, version, last_seq, state)
  SELECT consumer_group, conversation_id, 1, places, state FROM step WHERE version = 0 AND last_seq = 0 ORDER BY 1, 2
  RETURNING 1
), moved AS (
  UPDATE conversation c SET version = c.version + 1, last_seq = c.last_seq + s.places,
    state = COALESCE(s.state, c.state), changed_at = now()
  FROM (SELECT * FROM step WHERE (version <> 0 OR last_seq <> 0) AND (SELECT count(*) FROM begun) >= 0 ORDER BY 1, 2) AS s
  CROSS JOIN LATERAL (
    SELECT ctid AS place FROM conversation
    WHERE consumer_group = s.consumer_group AND conversation_id = s.conversation_id OFFSET 0
  ) AS found
  WHERE c.ctid = found.place AND c.version = s.version AND c.last_seq = s.last_seq
  RETURNING 1
), fresh AS (
  INSERT INTO inbox (consumer_group, event_id, fingerprint)
  SELECT consumer_group, event_id, fingerprint FROM step WHERE (SELECT count(*) FROM moved) >= 0 ORDER BY 1, 2
  RETURNING 1
), kept AS (
  INSERT INTO outgoing (consumer_group, conversation_id, seq, topic, key, value, headers, keeper)
  SELECT *, $16 FROM UNNEST($9::text[], $10::text[], $11::bigint[], $12::text[], $13::bytea[], $14::bytea[], $15::text[])
  WHERE (SELECT count(*) FROM fresh) >= 0 ORDER BY 1, 2, 3
)
SELECT (SELECT count(*) FROM step WHERE version <> 0 OR last_seq <> 0) = (SELECT count(*) FROM moved),
  o.consumer_group, o.conversation_id, o.seq, o.topic, o.key, o.value, o.headers,
  CASE WHEN o.keeper NOT IN ('', $16) THEN EXTRACT(EPOCH FROM now() - o.kept_at)::float8 END
FROM (SELECT) AS one
LEFT JOIN (
  step AS s
  CROSS JOIN LATERAL (
    SELECT * FROM outgoing
    WHERE consumer_group = s.consumer_group AND conversation_id = s.conversation_id AND s.places > 0 OFFSET 0
  ) AS o
) ON true
ORDER BY o.seq";

/// What waited in the conversations before, when every step has won. `None` when one was in somebody's way: the transaction
/// is to be undone, as it is by an error.
pub(super) async fn win_all(
    connection: &mut PgConnection,
    steps: &[&Step],
    process: &str,
) -> Result<Option<Waiting>, sqlx::Error> {
    let all: Vec<(&Step, i64)> = steps.iter().map(|step| (*step, step.last_seq + 1)).collect();
    let events = OutgoingColumns::of_steps(&all)?;
    let rows = sqlx::query(STEPS)
        .bind(texts(steps, |step| step.key.group))
        .bind(texts(steps, |step| step.key.conversation_id.as_str()))
        .bind(texts(steps, |step| step.version))
        .bind(texts(steps, |step| step.last_seq))
        .bind(texts(steps, |step| i64::try_from(step.outgoing.len()).unwrap_or(i64::MAX)))
        .bind(texts(steps, |step| step.state.as_deref()))
        .bind(texts(steps, |step| step.key.event_id.to_string()))
        .bind(texts(steps, |step| step.key.fingerprint.as_slice()));
    let rows = events.bind_to(rows).bind(process).fetch_all(connection).await?;
    let mut waiting = Waiting::new();
    for row in &rows {
        if !row.try_get::<bool, _>(0)? {
            return Ok(None);
        }
        if row.try_get::<Option<i64>, _>(3)?.is_some() {
            add_waiting(&mut waiting, row, 1)?;
        }
    }
    Ok(Some(waiting))
}
