-- What waits of a conversation: its records, and the bytes of their keys, payloads and headers.
ALTER TABLE parked_conversation ADD COLUMN records bigint NOT NULL DEFAULT 0, ADD COLUMN bytes bigint NOT NULL DEFAULT 0;
ALTER TABLE parked_record ADD COLUMN bytes bigint NOT NULL DEFAULT 0;
UPDATE parked_record SET bytes = COALESCE(octet_length(key), 0) + COALESCE(octet_length(value), 0) + octet_length(headers);
UPDATE parked_conversation p SET (records, bytes) = (SELECT count(*), COALESCE(sum(r.bytes), 0) FROM parked_record r
    WHERE r.consumer_group = p.consumer_group AND r.conversation_id = p.conversation_id);
