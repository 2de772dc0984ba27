-- How many rounds of the first record were begun and have not ended: the process ended with them.
ALTER TABLE parked_conversation ADD COLUMN begun integer NOT NULL DEFAULT 0;
