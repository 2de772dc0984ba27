-- One row a conversation and target; see schemas/sql/postgres/0002_outbox.sql. Times are milliseconds since 1970.
CREATE TABLE outbox_head (
    target TEXT NOT NULL, conversation_id TEXT NOT NULL, next_seq INTEGER NOT NULL, done_seq INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL, lease_generation INTEGER NOT NULL DEFAULT 0, lease_until INTEGER, parked_class TEXT,
    PRIMARY KEY (target, conversation_id)
) WITHOUT ROWID;
CREATE INDEX outbox_head_due ON outbox_head (target, due_at) WHERE parked_class IS NULL AND done_seq + 1 < next_seq;

-- One row an intended write. The id is the idempotency key that the system is given.
CREATE TABLE outbox (
    id BLOB NOT NULL PRIMARY KEY, target TEXT NOT NULL, conversation_id TEXT NOT NULL, seq INTEGER NOT NULL,
    operation TEXT NOT NULL, payload BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'in_doubt', 'done', 'refused', 'skipped')),
    attempts INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL, last_sent_at INTEGER, absent_at INTEGER,
    finished_at INTEGER, reference TEXT, class TEXT,
    UNIQUE (target, conversation_id, seq)
) WITHOUT ROWID;
CREATE INDEX outbox_finished ON outbox (finished_at) WHERE finished_at IS NOT NULL;

-- Since when an event waits, in milliseconds since 1970.
ALTER TABLE outgoing ADD COLUMN kept_at INTEGER NOT NULL DEFAULT 0;
