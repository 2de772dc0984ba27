-- Answers that the channel may offer with a reply, as one JSON document; none with what was kept before.
ALTER TABLE reply ADD COLUMN buttons text;
