-- See schemas/sql/postgres/0009_parked_size.sql.
ALTER TABLE parked_conversation ADD COLUMN records INTEGER NOT NULL DEFAULT 0;
ALTER TABLE parked_conversation ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE parked_record ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE parked_record SET bytes = COALESCE(length(key), 0) + COALESCE(length(value), 0) + length(CAST(headers AS BLOB));
UPDATE parked_conversation AS p SET (records, bytes) = (SELECT count(*), COALESCE(sum(r.bytes), 0) FROM parked_record r
    WHERE r.consumer_group = p.consumer_group AND r.conversation_id = p.conversation_id);
