-- Up to which record (not included) a partition may have been read, and by which process. `careful`: one that read it ended without
-- farewell, and its successors have not passed this place yet.
CREATE TABLE worker_reach (
    consumer_group text NOT NULL, topic text NOT NULL, partition integer NOT NULL, run text NOT NULL,
    reach bigint NOT NULL DEFAULT 0, careful boolean NOT NULL DEFAULT false, PRIMARY KEY (consumer_group, topic, partition)
);
