-- One row an event a group has worked on; commits with the effect. The age index is there for pruning.
CREATE TABLE inbox (
    consumer_group text NOT NULL, event_id uuid NOT NULL, fingerprint bytea NOT NULL, seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer_group, event_id)
);
CREATE INDEX inbox_by_age ON inbox (seen_at);

-- The state of a conversation in a group. The version counts commits; the sequence orders its outgoing events. The room
-- left in each page lets an update stay on its page, away from the index.
CREATE TABLE conversation (
    consumer_group text NOT NULL, conversation_id text NOT NULL, version bigint NOT NULL, last_seq bigint NOT NULL, state bytea,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer_group, conversation_id)
) WITH (fillfactor = 70);

-- Events that follow from a step and are not known to be published yet. Rows come and go, so they are vacuumed often.
CREATE TABLE outgoing (
    consumer_group text NOT NULL, conversation_id text NOT NULL, seq bigint NOT NULL,
    topic text NOT NULL, key bytea, value bytea, headers text NOT NULL,
    PRIMARY KEY (consumer_group, conversation_id, seq)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

-- Replies kept for the channels that fetch them. The words are UTF-8 in bytea, because text refuses the character NUL.
CREATE TABLE reply (
    conversation_id text NOT NULL, cursor bigint NOT NULL, event_id uuid NOT NULL UNIQUE, turn_id uuid NOT NULL,
    tenant text NOT NULL, language text NOT NULL, text bytea NOT NULL, kept_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (conversation_id, cursor)
);

-- The names of a tenant's products as the ERP last gave them, as one JSON document: read whole, written whole.
CREATE TABLE product_names (
    tenant text NOT NULL PRIMARY KEY, names bytea NOT NULL, kept_at timestamptz NOT NULL DEFAULT now()
);
