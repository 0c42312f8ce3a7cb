-- How far each room's conversation has gone, in the numbers of the journal: whether another message stands between a
-- question and its answer. A row is only a hint for the shape of answers; without it they are plain messages.
CREATE TABLE room_tail (
    room_id TEXT PRIMARY KEY,
    said    INTEGER NOT NULL DEFAULT 0,  -- the newest message of somebody else
    spoke   INTEGER NOT NULL DEFAULT 0   -- the newest event of the journal when the bot last sent a message
) STRICT, WITHOUT ROWID;
