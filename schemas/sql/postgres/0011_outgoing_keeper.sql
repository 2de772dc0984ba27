-- Which process has committed an event and is about to publish it: the others leave it to that one for a moment. Empty where
-- it was a tool that publishes nothing.
ALTER TABLE outgoing ADD COLUMN keeper text NOT NULL DEFAULT '';
