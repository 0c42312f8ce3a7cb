-- What never got its answer: messages that the server refused for good, and events that were given up. For operators;
-- the bot itself only counts them.
CREATE TABLE dead_letter (
    question TEXT NOT NULL,                      -- event id
    part     INTEGER NOT NULL,                   -- of the outbox; -1 for the event itself
    kind     TEXT NOT NULL,                      -- answer: a message was refused; event: handling it was given up
    room_id  TEXT NOT NULL,
    reason   TEXT NOT NULL,
    died_at  TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    PRIMARY KEY (question, part)
) STRICT, WITHOUT ROWID;

-- The device whose transaction ids the message is frozen for: to another one, the server may send it twice.
ALTER TABLE outbox ADD COLUMN device TEXT;

-- 1 where the event came while the bot was there, one of few in its sync: such events fill the room's queue.
ALTER TABLE journal ADD COLUMN live INTEGER NOT NULL DEFAULT 0;
-- 1 where the queue was full: the event's state is 'refused' until that was said, and 'done' after.
ALTER TABLE journal ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
CREATE INDEX journal_refused ON journal (room_id, seq) WHERE state = 'refused';

-- Events that were finished with long ago: the first half of the SHA-256 of each id, so that the journal stays small and
-- no event is ever handled again.
CREATE TABLE handled (
    hash BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
