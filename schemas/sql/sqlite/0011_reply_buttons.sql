-- See schemas/sql/postgres/0010_reply_buttons.sql.
ALTER TABLE reply ADD COLUMN buttons TEXT;
