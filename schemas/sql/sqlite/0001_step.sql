-- One row an event a group has worked on; commits with the effect.
CREATE TABLE inbox (
    consumer_group TEXT NOT NULL, event_id BLOB NOT NULL, fingerprint BLOB NOT NULL, seen_at INTEGER NOT NULL DEFAULT (unixepoch()),
    PRIMARY KEY (consumer_group, event_id)
) WITHOUT ROWID;

-- The state of a conversation in a group. The version counts commits; the sequence orders its outgoing events.
CREATE TABLE conversation (
    consumer_group TEXT NOT NULL, conversation_id TEXT NOT NULL, version INTEGER NOT NULL, last_seq INTEGER NOT NULL, state BLOB,
    PRIMARY KEY (consumer_group, conversation_id)
) WITHOUT ROWID;

-- Events that follow from a step and are not known to be published yet.
CREATE TABLE outgoing (
    consumer_group TEXT NOT NULL, conversation_id TEXT NOT NULL, seq INTEGER NOT NULL,
    topic TEXT NOT NULL, key BLOB, value BLOB, headers TEXT NOT NULL,
    PRIMARY KEY (consumer_group, conversation_id, seq)
) WITHOUT ROWID;

-- Replies kept for the channels that fetch them.
CREATE TABLE reply (
    conversation_id TEXT NOT NULL, cursor INTEGER NOT NULL, event_id BLOB NOT NULL UNIQUE, turn_id BLOB NOT NULL,
    tenant TEXT NOT NULL, language TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (conversation_id, cursor)
) WITHOUT ROWID;
