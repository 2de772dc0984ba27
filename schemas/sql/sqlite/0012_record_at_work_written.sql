-- When the record was written, which tells it from one that has its offset since its topic was made anew; -1 with what was noted before.
ALTER TABLE record_at_work ADD COLUMN written_ms INTEGER NOT NULL DEFAULT -1;
