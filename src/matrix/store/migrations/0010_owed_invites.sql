-- Invitations that the homeserver lets the bot send only later.
CREATE TABLE owed_invite (
    room_id    TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    not_before INTEGER NOT NULL,                 -- ms since the epoch
    PRIMARY KEY (room_id, user_id)
) STRICT, WITHOUT ROWID;
