-- What people decided by hand, and why. Rows are only added.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, subject TEXT NOT NULL, why TEXT NOT NULL
);
CREATE INDEX outbox_head_parked ON outbox_head (target) WHERE parked_class IS NOT NULL;
