-- Conversations of a group that wait because one of their records could not be worked on. A lease is the right to work on the
-- first record; its generation fences whoever had it before. `held` waits for a person.
CREATE TABLE parked_conversation (
    consumer_group text NOT NULL, conversation_id text NOT NULL, class text NOT NULL, held boolean NOT NULL,
    attempts integer NOT NULL DEFAULT 0, parked_at timestamptz NOT NULL DEFAULT now(), due_at timestamptz NOT NULL DEFAULT now(),
    lease_generation bigint NOT NULL DEFAULT 0, lease_until timestamptz, PRIMARY KEY (consumer_group, conversation_id)
);
CREATE INDEX parked_conversation_due ON parked_conversation (consumer_group, due_at) WHERE NOT held;

-- Their records, in the order of the log, as they were read.
CREATE TABLE parked_record (
    consumer_group text NOT NULL, conversation_id text NOT NULL, pos bigint GENERATED ALWAYS AS IDENTITY, event_id uuid NOT NULL,
    topic text NOT NULL, partition integer NOT NULL, record_offset bigint NOT NULL, timestamp_ms bigint NOT NULL,
    key bytea, value bytea, headers text NOT NULL, kept_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer_group, conversation_id, pos), UNIQUE (consumer_group, event_id)
);
