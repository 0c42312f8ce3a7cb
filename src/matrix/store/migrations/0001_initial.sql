-- Everything the bot keeps. The first three tables and room_state are a projection of the joined Space graph: delete the
-- file, and the next start writes the same rows again.

-- Small facts: 'sync_position', and 'device' (user and device id that the position belongs to).
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row per user: the owner of one Space.
CREATE TABLE matrix_user (
    user_id         TEXT PRIMARY KEY,
    space_id        TEXT,
    display_name    TEXT NOT NULL DEFAULT '',
    next_chat_index INTEGER NOT NULL DEFAULT 1,
    -- Settings from the Space marker; NULL where the user chose nothing.
    locale          TEXT,
    default_agent   TEXT,
    streaming       INTEGER
) STRICT, WITHOUT ROWID;

-- One row per room the bot has a use for.
CREATE TABLE matrix_room (
    room_id          TEXT PRIMARY KEY,
    room_type        TEXT NOT NULL,              -- space, chat or entry
    chat_id          TEXT,                       -- of a chat: C1, C2, ...
    display_name     TEXT NOT NULL DEFAULT '',   -- m.room.name
    matrix_user_id   TEXT NOT NULL DEFAULT '',   -- the owner
    space_id         TEXT,                       -- of a chat: the owner's Space
    agent_id         TEXT,                       -- of a chat: who answers
    platform_chat_id TEXT,                       -- of a chat: the agent's context
    generation       INTEGER NOT NULL DEFAULT 0, -- of a chat: how often the context was rotated
    gone             INTEGER NOT NULL DEFAULT 0  -- 1 where the bot is no longer in the room
) STRICT, WITHOUT ROWID;

-- One row per chat.
CREATE TABLE chat (
    user_id     TEXT NOT NULL,
    chat_id     TEXT NOT NULL,
    platform    TEXT NOT NULL DEFAULT 'matrix',
    surface_ref TEXT NOT NULL,                   -- the room id
    name        TEXT NOT NULL DEFAULT '',
    status      TEXT NOT NULL,                   -- active, archived or gone
    PRIMARY KEY (user_id, chat_id, platform)
) STRICT, WITHOUT ROWID;
CREATE INDEX chat_by_surface_ref ON chat (surface_ref);

-- The state of joined rooms, as of the sync position: written in the same transaction.
CREATE TABLE room_state (
    room_id          TEXT NOT NULL,
    event_type       TEXT NOT NULL,
    state_key        TEXT NOT NULL,
    sender           TEXT NOT NULL,
    origin_server_ts INTEGER NOT NULL,
    content          TEXT NOT NULL,              -- JSON
    invited_by       TEXT,
    PRIMARY KEY (room_id, event_type, state_key)
) STRICT, WITHOUT ROWID;

-- Rooms are looked for by what stands in their creation content.
CREATE INDEX room_state_create ON room_state (event_type, origin_server_ts) WHERE event_type = 'm.room.create';

-- What the bot's account data says of a joined room. A room is known here from its first full state on.
CREATE TABLE joined_room (
    room_id    TEXT PRIMARY KEY,
    fully_read TEXT,                             -- the event up to which everything is finished with
    entry_of   TEXT                              -- of an entry room: who invited the bot
) STRICT, WITHOUT ROWID;

-- Every event that may need an answer, committed with the position of the sync that brought it. Rows are never deleted:
-- an event id that stands here is never handled again.
CREATE TABLE journal (
    seq      INTEGER PRIMARY KEY,                -- the order of arrival
    event_id TEXT NOT NULL UNIQUE,
    room_id  TEXT NOT NULL,
    state    TEXT NOT NULL,                      -- pending, or done
    sender   TEXT NOT NULL,                      -- empty where only its answer has been seen
    attempts INTEGER NOT NULL DEFAULT 0,         -- how often handling it was begun
    item     TEXT                                -- JSON while it is pending, NULL after
) STRICT;
CREATE INDEX journal_pending ON journal (room_id, seq) WHERE state = 'pending';

-- Stretches of a room's timeline that a sync left out and that are still to be fetched, backwards. The room's pending
-- events wait until all its gaps are closed. Events found get the numbers just below before_seq, which were left free.
CREATE TABLE gap (
    id         INTEGER PRIMARY KEY,              -- the order of arrival
    room_id    TEXT NOT NULL,
    from_token TEXT NOT NULL,
    -- Fetching stops at this event (the server's cursor), or else at the first event the journal knows.
    until      TEXT,
    before_seq INTEGER NOT NULL,
    pages      INTEGER NOT NULL DEFAULT 0        -- fetched so far
) STRICT;

-- Edits of messages that a gap may still hide: the newest of each, for when the message is fetched.
CREATE TABLE held_edit (
    target  TEXT PRIMARY KEY,
    room_id TEXT NOT NULL,
    sender  TEXT NOT NULL,
    content TEXT NOT NULL                        -- JSON: the new content
) STRICT, WITHOUT ROWID;

-- Invitations that are not finished with.
CREATE TABLE invite (
    room_id TEXT PRIMARY KEY,
    inviter TEXT NOT NULL,
    -- Made up when the invitation arrives: the pointer's transaction id comes from it.
    nonce   TEXT NOT NULL,
    -- received: to be joined or refused; joined: the inviter's Space and the pointer are still to come
    step    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Rooms being made. A row is written before createRoom is asked for and deleted when the room is complete.
CREATE TABLE provision (
    intent       TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,                  -- space or chat
    owner        TEXT NOT NULL,
    plan         TEXT NOT NULL,                  -- JSON: the room as it is to be
    requested_at INTEGER,                        -- ms since the epoch of the last createRoom whose end is unknown
    room_id      TEXT                            -- once it is known
) STRICT, WITHOUT ROWID;

-- Outgoing messages, frozen before they are sent. The transaction id is derived from the question, so that sending again
-- is harmless.
CREATE TABLE outbox (
    question       TEXT NOT NULL,                -- event id
    part           INTEGER NOT NULL,
    room_id        TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    content        TEXT NOT NULL,                -- JSON
    event_id       TEXT,                         -- once the server has it
    failure        TEXT,                         -- why the server will never have it
    PRIMARY KEY (question, part)
) STRICT, WITHOUT ROWID;
