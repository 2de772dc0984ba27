-- See schemas/sql/postgres/0010_reply_extras.sql.
ALTER TABLE reply ADD COLUMN buttons TEXT;
ALTER TABLE reply ADD COLUMN parts TEXT;
