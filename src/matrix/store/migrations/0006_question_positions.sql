-- Where a question's own message stands in its room: an answer counts only behind it.
ALTER TABLE question ADD COLUMN position INTEGER; -- journal.seq of the last event before it; NULL while that is not known

-- Of questions that are open during the update, only what comes later is an answer.
UPDATE question SET position = (SELECT coalesce(max(seq), 0) FROM journal) WHERE event_id IS NOT NULL;
