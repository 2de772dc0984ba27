-- Which process has kept a head's newest entry, or settled its last: it has a second's start over the others, so that what is
-- told about one conversation comes from one process as long as that works.
ALTER TABLE outbox_head ADD COLUMN keeper text NOT NULL DEFAULT '';
