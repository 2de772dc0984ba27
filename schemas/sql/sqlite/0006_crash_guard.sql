-- Processes that have not ended in order (yet), and the records that some of them were at.
CREATE TABLE worker_run (
    consumer_group TEXT NOT NULL, run TEXT NOT NULL, PRIMARY KEY (consumer_group, run)
) WITHOUT ROWID;
CREATE TABLE record_at_work (
    consumer_group TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, record_offset INTEGER NOT NULL, run TEXT NOT NULL,
    begun INTEGER NOT NULL, begun_at INTEGER NOT NULL, PRIMARY KEY (consumer_group, topic, partition, record_offset)
) WITHOUT ROWID;
