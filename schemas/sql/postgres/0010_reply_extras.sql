-- Answers that the channel may offer with a reply, and the earlier messages that it answers too, each as one JSON document; none
-- with what was kept before.
ALTER TABLE reply ADD COLUMN buttons text;
ALTER TABLE reply ADD COLUMN parts text;
