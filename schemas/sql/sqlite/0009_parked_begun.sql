-- See schemas/sql/postgres/0008_parked_begun.sql.
ALTER TABLE parked_conversation ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;
