//! The statements of conversations that wait, each with a fixed text.

pub(super) const WAITS: &str = "
SELECT COALESCE(sum(records), 0)::int8, COALESCE(sum(bytes), 0)::int8, COALESCE(sum(records) FILTER (WHERE conversation_id = $2), 0)::int8,
  COALESCE(sum(bytes) FILTER (WHERE conversation_id = $2), 0)::int8
FROM parked_conversation WHERE consumer_group = $1";

pub(super) const IS_DONE: &str = "
SELECT EXISTS (SELECT FROM inbox WHERE consumer_group = $1 AND event_id = $2::text::uuid)";

pub(super) const IS_SAME: &str = "
SELECT conversation_id = $3 AND value IS NOT DISTINCT FROM $4 FROM parked_record
WHERE consumer_group = $1 AND event_id = $2::text::uuid";

pub(super) const HAS_LEASE: &str = "
SELECT EXISTS (SELECT FROM parked_conversation WHERE consumer_group = $1 AND conversation_id = $2
  AND lease_generation = $3 AND lease_until IS NOT NULL)";

pub(super) const BEGUN: &str = "
UPDATE parked_conversation SET begun = $4, lease_until = now() + make_interval(secs => $5)
WHERE consumer_group = $1 AND conversation_id = $2 AND lease_generation = $3 AND lease_until > now()";

pub(super) const PARK: &str = "
INSERT INTO parked_conversation (consumer_group, conversation_id, class, held) VALUES ($1, $2, $3, $4)
ON CONFLICT (consumer_group, conversation_id) DO NOTHING";

pub(super) const IS_PARKED: &str = "
SELECT EXISTS (SELECT FROM parked_conversation WHERE consumer_group = $1 AND conversation_id = $2)";

pub(super) const MOVE_ON: &str = "
UPDATE conversation SET version = version + 1 WHERE consumer_group = $1 AND conversation_id = $2";

pub(super) const KEEP: &str = "
WITH kept AS (
  INSERT INTO parked_record (consumer_group, conversation_id, event_id, topic, partition, record_offset, timestamp_ms, key, value, headers, bytes)
  VALUES ($1, $2, $3::text::uuid, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (consumer_group, event_id) DO NOTHING RETURNING bytes
)
UPDATE parked_conversation p SET records = p.records + 1, bytes = p.bytes + kept.bytes FROM kept
WHERE consumer_group = $1 AND conversation_id = $2";

/// Where a time is further ahead than anything is ever put off, the clock was set back since.
pub(super) const CLAIM: &str = "
WITH due AS (
  SELECT consumer_group, conversation_id FROM parked_conversation
  WHERE consumer_group = $1 AND NOT held AND due_at <= now()
    AND COALESCE(lease_until NOT BETWEEN now() AND now() + make_interval(secs => GREATEST($4, 2 * $3)), true)
  ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
), ahead AS (
  SELECT consumer_group, conversation_id FROM parked_conversation
  WHERE consumer_group = $1 AND NOT held AND due_at > now() + make_interval(secs => $4)
    AND COALESCE(lease_until NOT BETWEEN now() AND now() + make_interval(secs => GREATEST($4, 2 * $3)), true)
  ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
), leased AS (
  UPDATE parked_conversation p SET lease_generation = p.lease_generation + 1, attempts = p.attempts + 1, lease_until = now() + make_interval(secs => $3)
  FROM (SELECT * FROM due UNION ALL SELECT * FROM ahead LIMIT $2) AS d
  WHERE p.consumer_group = d.consumer_group AND p.conversation_id = d.conversation_id
  RETURNING p.consumer_group, p.conversation_id, p.lease_generation, p.attempts, p.begun
)
SELECT l.conversation_id, l.lease_generation, l.attempts, r.pos, r.topic, r.partition, r.record_offset, r.timestamp_ms,
  r.key, r.value, r.headers, EXTRACT(EPOCH FROM now() - r.kept_at)::float8, l.begun
FROM leased l JOIN LATERAL (
  SELECT * FROM parked_record r WHERE r.consumer_group = l.consumer_group AND r.conversation_id = l.conversation_id
  ORDER BY r.pos LIMIT 1
) AS r ON true";

pub(super) const SETTLE: &str = "
UPDATE parked_conversation SET lease_until = NULL, begun = 0,
  attempts = CASE WHEN $4::float8 IS NULL THEN 0 WHEN $8 THEN GREATEST(attempts - 1, 0) ELSE attempts END,
  due_at = now() + make_interval(secs => COALESCE($4, 0)),
  held = $7, class = COALESCE($5::text, class)
WHERE consumer_group = $1 AND conversation_id = $2 AND lease_generation = $3 AND lease_until IS NOT NULL
  AND $6 = (SELECT min(pos) FROM parked_record WHERE consumer_group = $1 AND conversation_id = $2)";

pub(super) const DROP_ONE: &str = "
WITH gone AS (DELETE FROM parked_record WHERE consumer_group = $1 AND conversation_id = $2 AND pos = $3 RETURNING bytes)
UPDATE parked_conversation p SET records = p.records - 1, bytes = p.bytes - gone.bytes FROM gone
WHERE consumer_group = $1 AND conversation_id = $2";

pub(super) const FREE: &str = "
DELETE FROM parked_conversation WHERE consumer_group = $1 AND conversation_id = $2
  AND NOT EXISTS (SELECT FROM parked_record WHERE consumer_group = $1 AND conversation_id = $2)";
