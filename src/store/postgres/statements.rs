//! The statements, each with a fixed text and arrays for what varies, so that a batch of any size is one prepared
//! statement. Plans are kept, and one that is made while a table is empty would rather read it whole than by key. So no
//! statement leaves a choice: rows are found by key in a `LATERAL` of their own (`OFFSET 0` and `FOR UPDATE` keep it apart),
//! and changed by the place they were found at (`ctid`). Locks are taken in one order: conversations by key, inbox by key, heads of the
//! outbox by key, replies by key.

use std::collections::{BTreeSet, HashMap};

use sqlx::{PgConnection, Row, postgres::PgRow};

use super::{commit::Published, outbox::seconds};
use crate::{
    bus::NewRecord,
    store::{
        Outgoing, Step, StoreError,
        row::{self, OutgoingRow},
    },
};

/// How every transaction begins: each statement has to see what was committed before it, whatever the server's default is.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// The keeper of what a tool has committed that publishes nothing.
pub(super) const NOBODY: &str = "";

/// What waits for publication is only looked for where the event is known.
pub(super) const LOOK: &str = "
SELECT a.place, i.fingerprint, c.version, c.state, o.seq, o.topic, o.key, o.value, o.headers,
  CASE WHEN o.keeper NOT IN ('', $4) THEN EXTRACT(EPOCH FROM now() - o.kept_at)::float8 END, p.parked IS NOT NULL, c.last_seq
FROM UNNEST($1::text[], $2::text[]::uuid[], $3::text[]) WITH ORDINALITY
  AS a (consumer_group, event_id, conversation_id, place)
LEFT JOIN LATERAL (
  SELECT fingerprint FROM inbox WHERE consumer_group = a.consumer_group AND event_id = a.event_id OFFSET 0
) AS i ON true
LEFT JOIN LATERAL (
  SELECT version, last_seq, state FROM conversation
  WHERE i.fingerprint IS NULL AND consumer_group = a.consumer_group AND conversation_id = a.conversation_id OFFSET 0
) AS c ON true
LEFT JOIN LATERAL (
  SELECT true AS parked FROM parked_conversation
  WHERE i.fingerprint IS NULL AND consumer_group = a.consumer_group AND conversation_id = a.conversation_id OFFSET 0
) AS p ON true
LEFT JOIN LATERAL (
  SELECT * FROM outgoing
  WHERE i.fingerprint IS NOT NULL AND consumer_group = a.consumer_group AND conversation_id = a.conversation_id OFFSET 0
) AS o ON true
ORDER BY a.place, o.seq";

pub(super) const REPLIES_AFTER: &str = "
SELECT cursor, uuid_send(event_id), uuid_send(turn_id), tenant, language, text, buttons, parts FROM reply
WHERE conversation_id = $1 AND cursor > $2 ORDER BY cursor LIMIT $3";

pub(super) const KEEP_PRODUCTS: &str = "
INSERT INTO product_names (tenant, names) VALUES ($1, $2)
ON CONFLICT (tenant) DO UPDATE SET names = excluded.names, kept_at = now()";

pub(super) const PRODUCTS: &str = "SELECT names FROM product_names WHERE tenant = $1";

/// Skips rows that another process is dropping.
pub(super) const PRUNE: &str = "
DELETE FROM inbox WHERE ctid = ANY (ARRAY(
  SELECT ctid FROM inbox WHERE seen_at <= now() - make_interval(secs => $1) ORDER BY seen_at LIMIT $2 FOR UPDATE SKIP LOCKED
))";

/// Skips rows that another process is dropping: waiting for them could go round in a circle.
const FORGET: &str = "
DELETE FROM outgoing WHERE ctid = ANY (ARRAY(
  SELECT o.place
  FROM UNNEST($1::text[], $2::text[], $3::bigint[]) AS p (consumer_group, conversation_id, through)
  CROSS JOIN LATERAL (
    SELECT ctid AS place FROM outgoing
    WHERE consumer_group = p.consumer_group AND conversation_id = p.conversation_id AND seq <= p.through
    FOR UPDATE SKIP LOCKED
  ) AS o
))";

/// Makes the rows of new conversations and locks those of old ones. The update never happens, but it locks: the
/// statements that follow see what the transactions before us have left, and nobody changes it until we commit.
const LOCK: &str = "
INSERT INTO conversation AS c (consumer_group, conversation_id, version, last_seq)
SELECT s.consumer_group, s.conversation_id, 0, 0
FROM UNNEST($1::text[], $2::text[]) AS s (consumer_group, conversation_id) ORDER BY 1, 2
ON CONFLICT (consumer_group, conversation_id) DO UPDATE SET version = c.version WHERE false";

/// A step wins when its version still holds and its event is new to the group. (The fresh ones are looked up in an array: two
/// lists of the statement's own would be joined row by row.)
const WIN: &str = "
WITH step AS (
  SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[]::uuid[], $4::bytea[], $5::bigint[], $6::bytea[], $7::bigint[])
    WITH ORDINALITY
    AS s (consumer_group, conversation_id, event_id, fingerprint, version, state, places, place)
), fresh AS (
  INSERT INTO inbox (consumer_group, event_id, fingerprint)
  SELECT s.consumer_group, s.event_id, s.fingerprint FROM step s
  CROSS JOIN LATERAL (
    SELECT FROM conversation
    WHERE consumer_group = s.consumer_group AND conversation_id = s.conversation_id AND version = s.version OFFSET 0
  ) AS held
  ORDER BY 1, 2
  ON CONFLICT (consumer_group, event_id) DO NOTHING
  RETURNING consumer_group, event_id
)
UPDATE conversation c SET version = c.version + 1, last_seq = c.last_seq + s.places,
  state = COALESCE(s.state, c.state), changed_at = now()
FROM step s
CROSS JOIN LATERAL (
  SELECT ctid AS place FROM conversation
  WHERE consumer_group = s.consumer_group AND conversation_id = s.conversation_id OFFSET 0
) AS found
WHERE s.consumer_group || s.event_id::text = ANY (ARRAY(SELECT consumer_group || event_id::text FROM fresh))
  AND c.ctid = found.place
RETURNING s.place, c.last_seq";

/// Keeps events, and gives what waited in their conversations before: whoever publishes these has to publish those first.
/// The last part sees the table as it was before the first.
const OUTGOING: &str = "
WITH given AS (
  SELECT * FROM UNNEST($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bytea[], $6::bytea[], $7::text[])
    AS g (consumer_group, conversation_id, seq, topic, key, value, headers)
), kept AS (
  INSERT INTO outgoing (consumer_group, conversation_id, seq, topic, key, value, headers, keeper)
  SELECT *, $8 FROM given
)
SELECT o.consumer_group, o.conversation_id, o.seq, o.topic, o.key, o.value, o.headers,
  CASE WHEN o.keeper NOT IN ('', $8) THEN EXTRACT(EPOCH FROM now() - o.kept_at)::float8 END
FROM (SELECT DISTINCT consumer_group, conversation_id FROM given) AS c
CROSS JOIN LATERAL (
  SELECT * FROM outgoing WHERE consumer_group = c.consumer_group AND conversation_id = c.conversation_id OFFSET 0
) AS o
ORDER BY o.seq";

/// A statement that is given its parameters.
type PgQuery<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// What waits for publication, by group and conversation.
pub(super) type Waiting = HashMap<(String, String), Vec<Outgoing>>;

/// Each event once, though it comes in several steps. A cursor that another group gives at the same moment is an error
/// (the primary key), and the transaction is done again.
const REPLIES: &str = "
INSERT INTO reply (conversation_id, cursor, event_id, turn_id, tenant, language, text, buttons, parts)
SELECT n.conversation_id,
  COALESCE((SELECT MAX(r.cursor) FROM reply r WHERE r.conversation_id = n.conversation_id), 0)
    + ROW_NUMBER() OVER (PARTITION BY n.conversation_id ORDER BY n.place),
  n.event_id, n.turn_id, n.tenant, n.language, n.text, n.buttons, n.parts
FROM (
  SELECT DISTINCT ON (event_id) *
  FROM UNNEST($1::text[], $2::text[]::uuid[], $3::text[]::uuid[], $4::text[], $5::text[], $6::bytea[], $7::text[],
    $8::text[])
    WITH ORDINALITY AS t (conversation_id, event_id, turn_id, tenant, language, text, buttons, parts, place)
  ORDER BY event_id, place
) AS n
WHERE (SELECT r.event_id FROM reply r WHERE r.event_id = n.event_id) IS NULL
ORDER BY 1, 2
ON CONFLICT (event_id) DO NOTHING";

/// One column of an array parameter.
pub(super) fn texts<'a, T, C>(rows: &'a [T], column: impl Fn(&'a T) -> C) -> Vec<C> {
    rows.iter().map(column).collect()
}

pub(super) async fn forget(
    connection: &mut PgConnection,
    published: &[Published],
) -> Result<(), sqlx::Error> {
    let _dropped = sqlx::query(FORGET)
        .bind(texts(published, |one| one.group))
        .bind(texts(published, |one| one.conversation_id.as_str()))
        .bind(texts(published, |one| one.through))
        .execute(connection)
        .await?;
    Ok(())
}

/// Locks conversations, each by its group and its id.
pub(super) async fn lock(
    connection: &mut PgConnection,
    conversations: &[(&str, &str)],
) -> Result<(), sqlx::Error> {
    let conversations: BTreeSet<_> = conversations.iter().copied().collect();
    let (groups, ids): (Vec<&str>, Vec<&str>) = conversations.into_iter().unzip();
    let _locked = sqlx::query(LOCK).bind(groups).bind(ids).execute(connection).await?;
    Ok(())
}

/// The last place in the order of outgoing events that each winner has, `None` for those that lost.
pub(super) async fn win(
    connection: &mut PgConnection,
    steps: &[&Step],
) -> Result<Vec<Option<i64>>, sqlx::Error> {
    let rows = sqlx::query(WIN)
        .bind(texts(steps, |step| step.key.group))
        .bind(texts(steps, |step| step.key.conversation_id.as_str()))
        .bind(texts(steps, |step| step.key.event_id.to_string()))
        .bind(texts(steps, |step| step.key.fingerprint.as_slice()))
        .bind(texts(steps, |step| step.version))
        .bind(texts(steps, |step| step.state.as_deref()))
        .bind(texts(steps, |step| i64::try_from(step.outgoing.len()).unwrap_or(i64::MAX)))
        .fetch_all(connection)
        .await?;
    let mut last = vec![None; steps.len()];
    for row in &rows {
        let place = usize::try_from(row.try_get::<i64, _>(0)? - 1).unwrap_or(usize::MAX);
        if let Some(last) = last.get_mut(place) {
            *last = Some(row.try_get(1)?);
        }
    }
    Ok(last)
}

/// Keeps the winners' outgoing events, each step with the first of its places.
pub(super) async fn keep_outgoing(
    connection: &mut PgConnection,
    winners: &[(&Step, i64)],
    process: &str,
) -> Result<Waiting, sqlx::Error> {
    keep_outgoing_rows(connection, OutgoingColumns::of_steps(winners)?, process).await
}

/// Events by columns: each with its group, conversation and place.
#[derive(Default)]
pub(super) struct OutgoingColumns<'a> {
    groups: Vec<&'static str>,
    conversations: Vec<&'a str>,
    seqs: Vec<i64>,
    topics: Vec<&'a str>,
    keys: Vec<Option<&'a [u8]>>,
    values: Vec<Option<&'a [u8]>>,
    headers: Vec<String>,
}

impl<'a> OutgoingColumns<'a> {
    /// The events of steps, of which each has the first of its places beside it.
    pub(super) fn of_steps(steps: &[(&'a Step, i64)]) -> Result<Self, sqlx::Error> {
        let mut columns = Self::default();
        for (step, first) in steps {
            for (seq, record) in (*first..).zip(&step.outgoing) {
                columns.push(step.key.group, step.key.conversation_id.as_str(), seq, record)?;
            }
        }
        Ok(columns)
    }

    pub(super) fn push(
        &mut self,
        group: &'static str,
        conversation: &'a str,
        seq: i64,
        record: &'a NewRecord,
    ) -> Result<(), sqlx::Error> {
        self.groups.push(group);
        self.conversations.push(conversation);
        self.seqs.push(seq);
        self.topics.push(record.topic.as_str());
        self.keys.push(record.key.as_deref());
        self.values.push(record.value.as_deref());
        let headers = row::headers_text(&record.headers);
        self.headers.push(headers.map_err(|error| sqlx::Error::Encode(error.into()))?);
        Ok(())
    }

    /// Seven parameters of a statement: group, conversation, place, topic, key, value, headers.
    pub(super) fn bind_to(self, query: PgQuery<'a>) -> PgQuery<'a> {
        query
            .bind(self.groups)
            .bind(self.conversations)
            .bind(self.seqs)
            .bind(self.topics)
            .bind(self.keys)
            .bind(self.values)
            .bind(self.headers)
    }
}

/// Keeps events for publication. Gives what waited before them.
pub(super) async fn keep_outgoing_rows(
    connection: &mut PgConnection,
    events: OutgoingColumns<'_>,
    process: &str,
) -> Result<Waiting, sqlx::Error> {
    let mut before = Waiting::new();
    if events.seqs.is_empty() {
        return Ok(before);
    }
    let found = events.bind_to(sqlx::query(OUTGOING)).bind(process).fetch_all(connection).await?;
    for row in &found {
        add_waiting(&mut before, row, 0)?;
    }
    Ok(before)
}

/// Notes an event that waits, from a row that has its group, its conversation and the event from this column on.
pub(super) fn add_waiting(waiting: &mut Waiting, row: &PgRow, from: usize) -> Result<(), sqlx::Error> {
    let place = (row.try_get(from)?, row.try_get(from + 1)?);
    waiting.entry(place).or_default().push(outgoing_of(row, from + 2)?);
    Ok(())
}

/// The columns of an event that waits, from this one on.
pub(super) fn outgoing_row(row: &PgRow, from: usize) -> Result<OutgoingRow, sqlx::Error> {
    Ok(OutgoingRow {
        seq: row.try_get(from)?,
        topic: row.try_get(from + 1)?,
        key: row.try_get(from + 2)?,
        value: row.try_get(from + 3)?,
        headers: row.try_get(from + 4)?,
        elsewhere_for: seconds(row.try_get(from + 5)?),
    })
}

/// An event that waits, from a row that has it from this column on.
pub(super) fn outgoing_of(row: &PgRow, from: usize) -> Result<Outgoing, sqlx::Error> {
    outgoing_row(row, from)?.try_into().map_err(|error: StoreError| sqlx::Error::Decode(error.into()))
}

pub(super) async fn keep_replies(
    connection: &mut PgConnection,
    winners: &[(&Step, i64)],
) -> Result<(), sqlx::Error> {
    let rows: Vec<_> = winners
        .iter()
        .flat_map(|(step, _)| step.replies.iter().map(|reply| (&step.key.conversation_id, reply)))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let _kept = sqlx::query(REPLIES)
        .bind(texts(&rows, |(conversation_id, _)| conversation_id.as_str()))
        .bind(texts(&rows, |(_, reply)| reply.event_id.to_string()))
        .bind(texts(&rows, |(_, reply)| reply.turn_id.to_string()))
        .bind(texts(&rows, |(_, reply)| reply.tenant.as_str()))
        .bind(texts(&rows, |(_, reply)| reply.language.to_string()))
        .bind(texts(&rows, |(_, reply)| reply.text.expose().as_bytes()))
        .bind(texts(&rows, |(_, reply)| row::list_text(&reply.buttons)))
        .bind(texts(&rows, |(_, reply)| row::list_text(&reply.parts)))
        .execute(connection)
        .await?;
    Ok(())
}
