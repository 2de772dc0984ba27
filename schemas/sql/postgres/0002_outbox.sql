-- One row a conversation and target: the writes are sent one after the other, in the order of their commits. Sequences are
-- given under this row's lock, `done_seq` is the last finished one. A lease is the right to send the next; its
-- generation fences whoever had it before.
CREATE TABLE outbox_head (
    target text NOT NULL, conversation_id text NOT NULL, next_seq bigint NOT NULL, done_seq bigint NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(), lease_generation bigint NOT NULL DEFAULT 0, lease_until timestamptz,
    parked_class text,
    PRIMARY KEY (target, conversation_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
CREATE INDEX outbox_head_due ON outbox_head (target, due_at) WHERE parked_class IS NULL AND done_seq + 1 < next_seq;

-- One row an intended write. The id is the idempotency key that the system is given.
CREATE TABLE outbox (
    id uuid NOT NULL PRIMARY KEY, target text NOT NULL, conversation_id text NOT NULL, seq bigint NOT NULL,
    operation text NOT NULL, payload bytea NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'in_doubt', 'done', 'refused', 'skipped')),
    attempts integer NOT NULL DEFAULT 0, created_at timestamptz NOT NULL DEFAULT now(), last_sent_at timestamptz,
    absent_at timestamptz, finished_at timestamptz, reference text, class text,
    UNIQUE (target, conversation_id, seq)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
CREATE INDEX outbox_finished ON outbox (finished_at) WHERE finished_at IS NOT NULL;

-- Since when an event waits: what waits for long was left behind by a process that died.
ALTER TABLE outgoing ADD COLUMN kept_at timestamptz NOT NULL DEFAULT now();
