//! Rows of the three tables operators read, as plain values.
//!
//! Ids are text, not typed: a row may have been edited by hand, and reading it must never fail for that.

/// `matrix_user`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserRow {
    /// Primary key.
    pub user_id: String,
    /// The user's Space.
    pub space_id: Option<String>,
    /// As in the Space's name.
    pub display_name: String,
    /// Highest known number + 1.
    pub next_chat_index: u32,
    /// `en` or `ru`, where chosen.
    pub locale: Option<String>,
    /// Agent of new chats, where chosen.
    pub default_agent: Option<String>,
    /// Whether answers grow while they are written, where chosen.
    pub streaming: Option<bool>,
}

/// `matrix_room`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomRow {
    /// Primary key.
    pub room_id: String,
    /// `space`, `chat` or `entry`.
    pub room_type: String,
    /// Of a chat: `C4`.
    pub chat_id: Option<String>,
    /// `m.room.name`.
    pub display_name: String,
    /// The owner.
    pub matrix_user_id: String,
    /// Of a chat: the owner's Space.
    pub space_id: Option<String>,
    /// Of a chat: who answers.
    pub agent_id: Option<String>,
    /// Of a chat: the agent's context.
    pub platform_chat_id: Option<String>,
    /// Of a chat: how often the context was rotated.
    pub generation: u32,
    /// The bot is no longer in the room.
    pub gone: bool,
}

/// `chat`, with `platform = 'matrix'`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatRow {
    /// The owner.
    pub user_id: String,
    /// `C4`.
    pub chat_id: String,
    /// The room.
    pub surface_ref: String,
    /// What the owner calls it.
    pub name: String,
    /// `active`, `archived` or `gone`.
    pub status: String,
}

/// All three tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// `matrix_user`, by primary key.
    pub users: Vec<UserRow>,
    /// `matrix_room`, by primary key.
    pub rooms: Vec<RoomRow>,
    /// `chat`, by primary key.
    pub chats: Vec<ChatRow>,
}
