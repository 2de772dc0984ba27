-- See schemas/sql/postgres/0007_reach.sql.
CREATE TABLE worker_reach (
    consumer_group TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, run TEXT NOT NULL,
    reach INTEGER NOT NULL DEFAULT 0, careful INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (consumer_group, topic, partition)
) WITHOUT ROWID;
