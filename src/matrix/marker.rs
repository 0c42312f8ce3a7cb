//! What the bot writes on the server: creation content and markers, typed.
//!
//! Writing is exact; reading is suspicious, since any member of a room may have written something that looks alike.
//! Who sent an event is the caller's to check: this module sees only content.

use matrix_sdk::ruma::{OwnedRoomId, OwnedUserId, RoomId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// Key in the creation content, and prefix of all our event types.
pub const CREATION_KEY: &str = "io.lambda.surfaces";
/// State event type of the Space marker.
pub const SPACE_MARKER: &str = "io.lambda.surfaces.space";
/// State event type of the chat marker.
pub const CHAT_MARKER: &str = "io.lambda.surfaces.chat";
/// State event type of a kept context, in its owner's Space; the state key stands for the name.
pub const SAVE_MARKER: &str = "io.lambda.surfaces.save";
/// Room account data type that remembers who invited the bot into an entry room.
pub const ENTRY_NOTE: &str = "io.lambda.surfaces.entry";
/// Key in the content of every answer: the event id of the question.
pub const ANSWERS_KEY: &str = "io.lambda.surfaces.answers";
/// Key in the content of an answer that is still growing: it does not count as an answer yet.
pub const DRAFT_KEY: &str = "io.lambda.surfaces.draft";
/// Its place among the messages that answer one question, in the content of each final message.
pub const PART_KEY: &str = "io.lambda.surfaces.part";
/// Key in the content of a permission question, and of the edit that says what was decided.
pub const ASKS_KEY: &str = "io.lambda.surfaces.asks";
/// Key in the content of what the bot says once in a room without being asked: which of these things it is.
pub const SAYS_KEY: &str = "io.lambda.surfaces.says";
/// The only version of all of them so far.
pub const VERSION: u32 = 1;

/// What a room was made as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoomKind {
    /// A user's Space.
    Space,
    /// A chat room.
    Chat,
}

/// The facts in `m.room.create` that never change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreationFacts {
    /// [`VERSION`].
    pub version: u32,
    /// Space or chat.
    pub kind: RoomKind,
    /// Whose room it is.
    pub owner: OwnedUserId,
    /// Names the wish that made the room, so that a half-made one is found again.
    pub intent: Uuid,
}

/// Content of the Space marker: the settings of a user that must survive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceMarker {
    /// [`VERSION`].
    pub version: u32,
    /// Whose Space it is.
    pub owner: OwnedUserId,
    /// `en` or `ru`; absent where the operator's default holds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub locale: Option<String>,
    /// Agent of new chats; absent where the registry's default holds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub default_agent: Option<String>,
    /// Whether answers grow while they are written; absent where nothing was chosen.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub streaming: Option<bool>,
}

/// Content of the chat marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMarker {
    /// [`VERSION`].
    pub version: u32,
    /// Whose chat it is.
    pub owner: OwnedUserId,
    /// `C4`.
    pub chat_id: String,
    /// The owner's Space.
    pub space_id: OwnedRoomId,
    /// Who answers.
    pub agent_id: String,
    /// What the agent remembers the chat by.
    pub platform_chat_id: Uuid,
    /// How often the context was rotated.
    pub generation: u32,
    /// Whether the chat is out of the Space.
    pub archived: bool,
}

/// Content of a kept context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaveMarker {
    /// [`VERSION`].
    pub version: u32,
    /// Whose it is.
    pub owner: OwnedUserId,
    /// What the owner calls it.
    pub name: String,
    /// Whose memory it is.
    pub agent_id: String,
    /// What the agent remembers it by.
    pub platform_chat_id: Uuid,
    /// The chat it was made in.
    pub chat_id: String,
    /// That chat's room.
    pub room_id: OwnedRoomId,
    /// The command that made it: what is kept goes up to there.
    pub until: String,
    /// What the agent wants to be told when it is continued.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
}

/// Reads a marker or creation facts; `None` where the content is not exactly one of ours.
pub fn read<T: for<'de> Deserialize<'de> + Versioned>(content: &Value) -> Option<T> {
    T::deserialize(content)
        .ok()
        .filter(|marker| marker.version() == VERSION)
}

/// Content that names its version.
pub trait Versioned {
    /// The version it was written in.
    fn version(&self) -> u32;
}

macro_rules! versioned {
    ($($name:ident),*) => {$(
        impl Versioned for $name {
            fn version(&self) -> u32 {
                self.version
            }
        }
    )*};
}
versioned!(CreationFacts, SpaceMarker, ChatMarker, SaveMarker);

/// Content of the `m.room.join_rules` that lets members of the Space into a chat.
pub fn open_to_members_of(space: &RoomId) -> Value {
    json!({
        "join_rule": "restricted",
        "allow": [{"type": "m.room_membership", "room_id": space}],
    })
}

/// Writes a marker or creation facts.
pub fn write<T: Serialize>(marker: &T) -> Value {
    // Markers hold only strings, numbers and booleans: this cannot fail.
    serde_json::to_value(marker).unwrap_or_default()
}
