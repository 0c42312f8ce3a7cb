-- Permission questions of agents, as long as the turns they belong to are not finished.
CREATE TABLE question (
    id         INTEGER PRIMARY KEY,              -- the order in which they were asked
    key        TEXT NOT NULL UNIQUE,             -- the same for the same question of the same turn
    turn       TEXT NOT NULL,                    -- the event whose answer waits for it
    room_id    TEXT NOT NULL,
    note       TEXT NOT NULL,                    -- JSON: what was asked, as it stands in the message
    event_id   TEXT,                             -- the message, once the server has it
    verdict    TEXT,                             -- what was decided; NULL while the question is open
    decided_by TEXT,                             -- the event that decided it, where a person did
    told       INTEGER NOT NULL DEFAULT 0        -- 1 once the message says what was decided
) STRICT;
CREATE INDEX question_by_turn ON question (turn);
CREATE INDEX question_by_room ON question (room_id);

-- Which turn a !stop ended: it ends that one and no other, whatever dies meanwhile.
CREATE TABLE stop (
    command TEXT PRIMARY KEY,                    -- event id of the !stop
    turn    TEXT NOT NULL                        -- event id of the message whose answer it ended
) STRICT, WITHOUT ROWID;
CREATE INDEX stop_by_turn ON stop (turn);
