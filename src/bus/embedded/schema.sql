CREATE TABLE IF NOT EXISTS topic (
    id              INTEGER PRIMARY KEY,
    name            TEXT    NOT NULL UNIQUE,
    partitions      INTEGER NOT NULL,
    retention_ms    INTEGER NOT NULL,
    retention_bytes INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS record (
    topic_id     INTEGER NOT NULL,
    "partition"  INTEGER NOT NULL,
    "offset"     INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    size         INTEGER NOT NULL,
    "key"        BLOB,
    value        BLOB,
    headers      BLOB    NOT NULL,
    PRIMARY KEY (topic_id, "partition", "offset")
) WITHOUT ROWID;

-- Kept apart from the records, so that an offset is never given twice when retention has emptied a partition.
CREATE TABLE IF NOT EXISTS head (
    topic_id    INTEGER NOT NULL,
    "partition" INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    PRIMARY KEY (topic_id, "partition")
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS group_offset (
    group_name  TEXT    NOT NULL,
    topic       TEXT    NOT NULL,
    "partition" INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    PRIMARY KEY (group_name, topic, "partition")
) WITHOUT ROWID;
