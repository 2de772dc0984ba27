-- What people decided by hand, and why. Rows are only added.
CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), who text NOT NULL,
    what text NOT NULL, subject text NOT NULL, why text NOT NULL
);
CREATE INDEX outbox_head_parked ON outbox_head (target) WHERE parked_class IS NOT NULL;
