-- See schemas/sql/postgres/0005_parked.sql. Times are milliseconds since 1970.
CREATE TABLE parked_conversation (
    consumer_group TEXT NOT NULL, conversation_id TEXT NOT NULL, class TEXT NOT NULL, held INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, parked_at INTEGER NOT NULL, due_at INTEGER NOT NULL,
    lease_generation INTEGER NOT NULL DEFAULT 0, lease_until INTEGER, PRIMARY KEY (consumer_group, conversation_id)
) WITHOUT ROWID;
CREATE INDEX parked_conversation_due ON parked_conversation (consumer_group, due_at) WHERE held = 0;

CREATE TABLE parked_record (
    pos INTEGER PRIMARY KEY AUTOINCREMENT, consumer_group TEXT NOT NULL, conversation_id TEXT NOT NULL, event_id BLOB NOT NULL,
    topic TEXT NOT NULL, partition INTEGER NOT NULL, record_offset INTEGER NOT NULL, timestamp_ms INTEGER NOT NULL,
    key BLOB, value BLOB, headers TEXT NOT NULL, kept_at INTEGER NOT NULL, UNIQUE (consumer_group, event_id)
);
CREATE INDEX parked_record_of ON parked_record (consumer_group, conversation_id, pos);
