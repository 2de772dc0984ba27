-- Processes that have not ended in order (yet), and the records that some of them were at.
CREATE TABLE worker_run (
    consumer_group text NOT NULL, run text NOT NULL, seen_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (consumer_group, run)
);
CREATE TABLE record_at_work (
    consumer_group text NOT NULL, topic text NOT NULL, partition integer NOT NULL, record_offset bigint NOT NULL, run text NOT NULL,
    begun integer NOT NULL, begun_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer_group, topic, partition, record_offset)
);
