-- Rows that are old enough are found without reading the whole inbox.
CREATE INDEX inbox_by_age ON inbox (seen_at);
