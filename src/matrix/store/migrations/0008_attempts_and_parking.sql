-- The last number that was given to a journal row or left free for a gap: 'last_seq'.
INSERT INTO meta (key, value)
SELECT 'last_seq', max(coalesce((SELECT max(seq) FROM journal), 0), coalesce((SELECT max(before_seq) FROM gap), 0),
                       coalesce((SELECT max(position) FROM question), 0));

-- 1 while the event is handled in its turn, 2 while it is handled ahead of the others; found at a start, it was in
-- progress when the process died.
ALTER TABLE journal ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;
-- How often the process died without a record while the event was in progress.
ALTER TABLE journal ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0;
-- How often of these it was the only event that was suspected.
ALTER TABLE journal ADD COLUMN deaths_alone INTEGER NOT NULL DEFAULT 0;
-- From here on, attempts counts those that failed.
UPDATE journal SET attempts = 0 WHERE attempts > 0;

-- How many messages that grew too old the notice for this one tells of, with itself.
ALTER TABLE journal ADD COLUMN stands_for INTEGER NOT NULL DEFAULT 1;

-- Events that could not be decrypted have the state 'parked' once the room goes on without them. One whose key comes later
-- waits again, as the newest of the room, with late = 1: the cursor is past it.
ALTER TABLE journal ADD COLUMN session TEXT;     -- of a parked event: the megolm session
ALTER TABLE journal ADD COLUMN late INTEGER NOT NULL DEFAULT 0;
CREATE INDEX journal_parked ON journal (seq) WHERE state = 'parked';

-- Sessions without a key of which a room was told, once each.
CREATE TABLE undecryptable (
    room_id TEXT NOT NULL,
    session TEXT NOT NULL,
    event   TEXT NOT NULL,                       -- the first event of the session that could not be decrypted
    notice  TEXT,                                -- event id of the notice, once the server has it
    PRIMARY KEY (room_id, session)
) STRICT, WITHOUT ROWID;

-- Anybody may send an edit of a message: the newest of each sender is held.
CREATE TABLE held_edit_by_sender (
    target  TEXT NOT NULL,
    room_id TEXT NOT NULL,
    sender  TEXT NOT NULL,
    content TEXT NOT NULL,                       -- JSON: the new content
    PRIMARY KEY (target, sender)
) STRICT, WITHOUT ROWID;
INSERT INTO held_edit_by_sender SELECT target, room_id, sender, content FROM held_edit;
DROP TABLE held_edit;
ALTER TABLE held_edit_by_sender RENAME TO held_edit;
