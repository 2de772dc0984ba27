//! The statements of the outbox, each with a fixed text and arrays for what varies.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::{PgConnection, Row, postgres::PgRow};

use super::statements::{OutgoingColumns, keep_outgoing_rows, texts};
use crate::{
    bus::NewRecord,
    store::{NewEntry, Settlement, Step, Verdict},
};

/// The head's lock is held to the commit, so a conversation's sequence is the order of its commits. An entry that is there
/// already is the same intention, and is not counted again: the places of the others are given beside the heads.
const HEADS_OF: &str = "
WITH given AS (
  SELECT n.* FROM UNNEST($1::text[]::uuid[], $2::text[], $3::text[]) WITH ORDINALITY AS n (id, target, conversation_id, place)
  WHERE (SELECT o.id FROM outbox o WHERE o.id = n.id) IS NULL
), head AS (
  INSERT INTO outbox_head AS h (target, conversation_id, next_seq, keeper)
  SELECT target, conversation_id, 1 + count(*), $4 FROM given GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (target, conversation_id) DO UPDATE SET next_seq = h.next_seq + excluded.next_seq - 1, keeper = $4,
    due_at = CASE WHEN h.done_seq + 1 = h.next_seq THEN now() ELSE h.due_at END
  RETURNING h.target, h.conversation_id, h.next_seq
)
SELECT NULL, target, conversation_id, next_seq FROM head UNION ALL SELECT place, target, conversation_id, NULL FROM given";

const ENQUEUE: &str = "
INSERT INTO outbox (id, target, conversation_id, seq, operation, payload)
SELECT * FROM UNNEST($1::text[]::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bytea[])";

/// Leases heads that are due, those of other processes a second later, and marks their entries in doubt with the same commit.
/// `before` is the entry as it was. Where a time is further ahead than anything is ever put off, the clock was set back since:
/// such a head is due, and what was sent in the future is counted from now on.
pub(super) const CLAIM: &str = "
WITH due AS (
  SELECT ctid AS place FROM outbox_head
  WHERE target = $1 AND parked_class IS NULL AND done_seq + 1 < next_seq AND due_at <= now()
    AND (keeper = $4 OR due_at <= now() - interval '1 second')
    AND (lease_until IS NULL OR lease_until < now() OR lease_until > now() + make_interval(secs => GREATEST($5, 2 * $3)))
  ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
), ahead AS (
  SELECT ctid AS place FROM outbox_head
  WHERE target = $1 AND parked_class IS NULL AND done_seq + 1 < next_seq AND due_at > now() + make_interval(secs => $5)
    AND (lease_until IS NULL OR lease_until < now() OR lease_until > now() + make_interval(secs => GREATEST($5, 2 * $3)))
  ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
), leased AS (
  UPDATE outbox_head h SET lease_generation = h.lease_generation + 1,
    lease_until = now() + make_interval(secs => $3)
  FROM (SELECT place FROM due UNION ALL SELECT place FROM ahead LIMIT $2) AS d WHERE h.ctid = d.place
  RETURNING h.target, h.conversation_id, h.lease_generation, h.done_seq + 1 AS seq
)
UPDATE outbox o SET state = 'in_doubt', attempts = o.attempts + 1,
  last_sent_at = CASE WHEN o.state = 'pending' THEN now() ELSE LEAST(o.last_sent_at, now()) END,
  absent_at = CASE WHEN o.absent_at <= now() THEN o.absent_at END
FROM leased l
CROSS JOIN LATERAL (
  SELECT ctid AS place, state, last_sent_at, absent_at, created_at, class FROM outbox
  WHERE target = l.target AND conversation_id = l.conversation_id AND seq = l.seq OFFSET 0
) AS before
WHERE o.ctid = before.place
RETURNING l.conversation_id, l.lease_generation, l.seq, uuid_send(o.id), o.operation, o.payload, before.state, o.attempts,
  EXTRACT(EPOCH FROM now() - before.last_sent_at)::float8, EXTRACT(EPOCH FROM now() - o.absent_at)::float8,
  EXTRACT(EPOCH FROM now() - before.created_at)::float8, before.class IS NOT NULL OR before.state = 'in_doubt',
  EXTRACT(EPOCH FROM now())::float8";

/// Only under the lease that is still the newest one, and only for the entry it was given for. The row is looked up again by its
/// place, as this statement's snapshot has it: that this one is the newest is because the conversation's lock was taken by a
/// statement before. Whoever claims takes no such lock, but gives the lease a new number, and then there is nothing to find.
const HEADS: &str = "
WITH given AS (
  SELECT * FROM UNNEST($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::float8[], $7::text[])
    WITH ORDINALITY AS g (target, conversation_id, generation, seq, kind, after, class, nth)
), held AS (
  SELECT g.nth, g.kind, g.after, g.class, found.place FROM (SELECT * FROM given ORDER BY target, conversation_id) AS g
  CROSS JOIN LATERAL (
    SELECT ctid AS place FROM outbox_head
    WHERE target = g.target AND conversation_id = g.conversation_id
      AND lease_generation = g.generation AND done_seq + 1 = g.seq AND lease_until IS NOT NULL
    FOR UPDATE
  ) AS found
)
UPDATE outbox_head h SET lease_until = NULL, keeper = $8,
  done_seq = h.done_seq + CASE WHEN g.kind IN ('done', 'refused') THEN 1 ELSE 0 END,
  due_at = now() + make_interval(secs => g.after),
  parked_class = CASE WHEN g.kind IN ('parked', 'parked_unsent') THEN g.class END
FROM held g
WHERE h.ctid = g.place
RETURNING g.nth";

const ENTRIES: &str = "
UPDATE outbox o SET
  state = CASE g.kind WHEN 'done' THEN 'done' WHEN 'refused' THEN 'refused' WHEN 'again' THEN 'pending' WHEN 'parked_unsent' THEN 'pending' ELSE o.state END,
  attempts = o.attempts - g.uncounted, class = g.class, reference = g.reference,
  absent_at = CASE WHEN g.kind = 'doubt' AND g.absent THEN COALESCE(o.absent_at, now())
                   WHEN g.kind = 'doubt' THEN o.absent_at END,
  finished_at = CASE WHEN g.kind IN ('done', 'refused') THEN now() END
FROM UNNEST($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::int[], $8::bool[])
  AS g (target, conversation_id, seq, kind, class, reference, uncounted, absent)
CROSS JOIN LATERAL (
  SELECT ctid AS place FROM outbox
  WHERE target = g.target AND conversation_id = g.conversation_id AND seq = g.seq OFFSET 0
) AS found
WHERE o.ctid = found.place";

const NEXT_PLACES: &str = "
UPDATE conversation c SET last_seq = c.last_seq + g.places, changed_at = now()
FROM UNNEST($1::text[], $2::text[], $3::bigint[]) AS g (consumer_group, conversation_id, places)
CROSS JOIN LATERAL (
  SELECT ctid AS place FROM conversation
  WHERE consumer_group = g.consumer_group AND conversation_id = g.conversation_id OFFSET 0
) AS found
WHERE c.ctid = found.place
RETURNING c.consumer_group, c.conversation_id, c.last_seq";

pub(super) const PENDING: &str = "
SELECT a.place, o.seq, o.topic, o.key, o.value, o.headers,
  CASE WHEN o.keeper NOT IN ('', $3) THEN EXTRACT(EPOCH FROM now() - o.kept_at)::float8 END
FROM UNNEST($1::text[], $2::text[]) WITH ORDINALITY AS a (consumer_group, conversation_id, place)
CROSS JOIN LATERAL (
  SELECT * FROM outgoing WHERE consumer_group = a.consumer_group AND conversation_id = a.conversation_id OFFSET 0
) AS o
ORDER BY a.place, o.seq";

/// What was kept in the future was kept before the clock was set back.
/// Names every column: a later version may add some, by any name.
pub(super) const LEFT_BEHIND: &str = "
SELECT conversation_id, seq, topic, key, value, headers,
  CASE WHEN keeper NOT IN ('', $3) THEN EXTRACT(EPOCH FROM now() - kept_at)::float8 END,
  kept_at <= now() - make_interval(secs => $4) OR kept_at > now() + interval '1 minute', bytes_through
FROM (
  SELECT conversation_id, seq, topic, key, value, headers, keeper, kept_at, bytes,
    sum(bytes) OVER (ORDER BY conversation_id, seq) AS bytes_through
  FROM (
    SELECT conversation_id, seq, topic, key, value, headers, keeper, kept_at,
      COALESCE(octet_length(key), 0) + COALESCE(octet_length(value), 0) + octet_length(headers) AS bytes
    FROM outgoing WHERE consumer_group = $1 AND conversation_id > $2
    ORDER BY conversation_id, seq LIMIT $5
  ) AS one
) AS page
WHERE bytes_through - bytes < $6 ORDER BY conversation_id, seq";

pub(super) const DEPTH: &str = "
SELECT COALESCE(sum(h.next_seq - h.done_seq - 1), 0)::bigint,
  count(*) FILTER (WHERE o.state = 'in_doubt'), count(*) FILTER (WHERE h.parked_class IS NOT NULL),
  EXTRACT(EPOCH FROM now() - min(o.created_at))::float8, EXTRACT(EPOCH FROM now())::float8
FROM outbox_head h JOIN outbox o ON o.target = h.target AND o.conversation_id = h.conversation_id AND o.seq = h.done_seq + 1
WHERE h.target = $1 AND h.done_seq + 1 < h.next_seq";

pub(super) const PRUNE: &str = "
DELETE FROM outbox WHERE ctid = ANY (ARRAY(
  SELECT ctid FROM outbox WHERE finished_at <= now() - make_interval(secs => $1)
  ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED
)) RETURNING target, conversation_id";

/// Those of these heads of which no entry is left. A head that gets an entry at the same moment is locked by whoever gives it
/// one.
pub(super) const PRUNE_HEADS: &str = "
DELETE FROM outbox_head WHERE done_seq + 1 = next_seq AND ctid = ANY (ARRAY(
  SELECT found.place
  FROM UNNEST($1::text[], $2::text[]) AS g (target, conversation_id)
  CROSS JOIN LATERAL (
    SELECT h.ctid AS place FROM outbox_head h
    WHERE h.target = g.target AND h.conversation_id = g.conversation_id AND h.done_seq + 1 = h.next_seq
      AND NOT EXISTS (SELECT FROM outbox o WHERE o.target = g.target AND o.conversation_id = g.conversation_id)
    FOR UPDATE OF h SKIP LOCKED
  ) AS found
))";

/// Adds the entries of the steps that won, in the order of the steps.
pub(super) async fn enqueue(
    connection: &mut PgConnection,
    entries: &[&NewEntry],
    keeper: &str,
) -> Result<(), sqlx::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query(HEADS_OF)
        .bind(texts(entries, |entry| entry.id.to_string()))
        .bind(texts(entries, |entry| entry.target.as_str()))
        .bind(texts(entries, |entry| entry.conversation_id.as_str()))
        .bind(keeper)
        .fetch_all(&mut *connection)
        .await?;
    let new = in_sequence(entries, &rows)?;
    let _enqueued = sqlx::query(ENQUEUE)
        .bind(texts(&new, |(_, entry)| entry.id.to_string()))
        .bind(texts(&new, |(_, entry)| entry.target.as_str()))
        .bind(texts(&new, |(_, entry)| entry.conversation_id.as_str()))
        .bind(texts(&new, |(seq, _)| *seq))
        .bind(texts(&new, |(_, entry)| entry.operation.as_str()))
        .bind(texts(&new, |(_, entry)| entry.payload.as_slice()))
        .execute(connection)
        .await?;
    Ok(())
}

/// The new ones among these entries, with the sequences that their heads have kept for them.
fn in_sequence<'a>(
    entries: &[&'a NewEntry],
    rows: &[PgRow],
) -> Result<Vec<(i64, &'a NewEntry)>, sqlx::Error> {
    let mut next: HashMap<(&str, &str), i64> = HashMap::new();
    let mut places = BTreeSet::new();
    for row in rows {
        match row.try_get::<Option<i64>, _>(0)? {
            Some(place) => {
                places.insert(usize::try_from(place - 1).unwrap_or(usize::MAX));
                *next.entry((row.try_get(1)?, row.try_get(2)?)).or_default() -= 1;
            }
            None => {
                *next.entry((row.try_get(1)?, row.try_get(2)?)).or_default() += row.try_get::<i64, _>(3)?
            }
        }
    }
    let new = places.into_iter().filter_map(|place| entries.get(place)).filter_map(|entry| {
        let next = next.get_mut(&(entry.target.as_str(), entry.conversation_id.as_str()))?;
        *next += 1;
        Some((*next - 1, *entry))
    });
    Ok(new.collect())
}

/// A verdict by columns.
pub(super) struct Columns {
    kind: &'static str,
    after: f64,
    class: Option<&'static str>,
    counts: bool,
    absent: bool,
}

pub(super) fn columns(verdict: &Verdict) -> Columns {
    let plain = Columns { kind: "done", after: 0.0, class: None, counts: true, absent: false };
    match *verdict {
        Verdict::Done { .. } => plain,
        Verdict::Refused { class } => Columns { kind: "refused", class: Some(class), ..plain },
        Verdict::Again { after, class, counts } => {
            Columns { kind: "again", after: after.as_secs_f64(), class: Some(class), counts, ..plain }
        }
        Verdict::Doubt { after, class, absent, counts } => {
            Columns { kind: "doubt", after: after.as_secs_f64(), class: Some(class), counts, absent }
        }
        Verdict::Parked { class, unsent } => {
            let kind = if unsent { "parked_unsent" } else { "parked" };
            Columns { kind, class: Some(class), ..plain }
        }
    }
}

/// Which settlements still had their lease.
pub(super) async fn finish_heads(
    connection: &mut PgConnection,
    settlements: &[Settlement],
    keeper: &str,
) -> Result<Vec<bool>, sqlx::Error> {
    let rows = sqlx::query(HEADS)
        .bind(texts(settlements, |one| one.lease.target.as_str()))
        .bind(texts(settlements, |one| one.lease.conversation_id.as_str()))
        .bind(texts(settlements, |one| one.lease.generation))
        .bind(texts(settlements, |one| one.lease.seq))
        .bind(texts(settlements, |one| columns(&one.verdict).kind))
        .bind(texts(settlements, |one| columns(&one.verdict).after))
        .bind(texts(settlements, |one| columns(&one.verdict).class))
        .bind(keeper)
        .fetch_all(connection)
        .await?;
    let mut held = vec![false; settlements.len()];
    for row in &rows {
        let place = usize::try_from(row.try_get::<i64, _>(0)? - 1).unwrap_or(usize::MAX);
        if let Some(held) = held.get_mut(place) {
            *held = true;
        }
    }
    Ok(held)
}

pub(super) async fn finish_entries(
    connection: &mut PgConnection,
    winners: &[&Settlement],
) -> Result<(), sqlx::Error> {
    let _finished = sqlx::query(ENTRIES)
        .bind(texts(winners, |one| one.lease.target.as_str()))
        .bind(texts(winners, |one| one.lease.conversation_id.as_str()))
        .bind(texts(winners, |one| one.lease.seq))
        .bind(texts(winners, |one| columns(&one.verdict).kind))
        .bind(texts(winners, |one| columns(&one.verdict).class))
        .bind(texts(winners, |one| match &one.verdict {
            Verdict::Done { reference } => Some(reference.as_str()),
            Verdict::Refused { .. }
            | Verdict::Again { .. }
            | Verdict::Doubt { .. }
            | Verdict::Parked { .. } => None,
        }))
        .bind(texts(winners, |one| i32::from(!columns(&one.verdict).counts)))
        .bind(texts(winners, |one| columns(&one.verdict).absent))
        .execute(connection)
        .await?;
    Ok(())
}

/// What is told to a conversation, in order.
pub(super) struct Telling<'a> {
    pub(super) group: &'static str,
    pub(super) conversation_id: &'a str,
    pub(super) records: &'a [NewRecord],
}

/// Gives what is told its places in the conversations' order, and keeps it for publication. The conversations are locked.
pub(super) async fn tell(
    connection: &mut PgConnection,
    all: &[Telling<'_>],
    process: &str,
) -> Result<(), sqlx::Error> {
    let mut places: BTreeMap<(&'static str, &str), i64> = BTreeMap::new();
    for one in all.iter().filter(|one| !one.records.is_empty()) {
        *places.entry((one.group, one.conversation_id)).or_default() +=
            i64::try_from(one.records.len()).unwrap_or(i64::MAX);
    }
    if places.is_empty() {
        return Ok(());
    }
    let given: Vec<_> = places.iter().collect();
    let rows = sqlx::query(NEXT_PLACES)
        .bind(texts(&given, |((group, _), _)| *group))
        .bind(texts(&given, |((_, conversation), _)| *conversation))
        .bind(texts(&given, |(_, places)| **places))
        .fetch_all(&mut *connection)
        .await?;
    let mut next: HashMap<(String, String), i64> = HashMap::new();
    for row in &rows {
        let (group, conversation): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let last: i64 = row.try_get(2)?;
        let count = places.get(&(group.as_str(), conversation.as_str())).copied().unwrap_or_default();
        let _first = next.insert((group, conversation), last - count + 1);
    }
    let mut kept = OutgoingColumns::default();
    for one in all {
        let key = (one.group.to_owned(), one.conversation_id.to_owned());
        let Some(seq) = next.get_mut(&key) else { continue };
        for record in one.records {
            kept.push(one.group, one.conversation_id, *seq, record)?;
            *seq += 1;
        }
    }
    keep_outgoing_rows(connection, kept, process).await.map(drop)
}

/// The entries of the steps that won.
pub(super) fn entries_of<'a>(winners: &[(&'a Step, i64)]) -> Vec<&'a NewEntry> {
    winners.iter().flat_map(|(step, _)| &step.entries).collect()
}
