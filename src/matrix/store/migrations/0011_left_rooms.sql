-- Rooms that the bot left while rooms were being made: the row of one that was just made says so from its beginning.
CREATE TABLE left_room (
    room_id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
