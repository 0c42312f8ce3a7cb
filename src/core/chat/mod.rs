//! Chats and their owners, and the two ports through which they are read and changed.
//!
//! The server's rooms are the truth and SQLite is a cache, so every change goes through [`ChatRooms`] first and
//! [`ChatStore`] second. Knows no Matrix and no SQL.

pub mod earlier;
pub mod manager;
pub mod name;
pub mod permission;
mod pointer;
pub(crate) mod receive;
pub mod running;
pub mod save;
mod state;
pub(crate) mod turn;
pub(crate) mod turns;

use std::{any::Any, time::Duration};

use async_trait::async_trait;

use self::save::Save;
use crate::core::ids::{AgentId, ChatId, EventKey, PlatformChatId, RoomKey, UserKey};

/// Whether a chat answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChatStatus {
    /// In the Space, answering.
    Active,
    /// Out of the Space, silent until brought back.
    Archived,
    /// The bot is no longer in the room.
    Gone,
}

/// A language of the bot's own words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// Russian.
    Ru,
}

impl Locale {
    /// `en` or `ru`, as it stands in settings and markers.
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ru => "ru",
        }
    }

    /// The language with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "en" => Some(Self::En),
            "ru" => Some(Self::Ru),
            _ => None,
        }
    }
}

/// One working conversation of a user with an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    /// Whose it is.
    pub owner: UserKey,
    /// Its number among the owner's chats.
    pub id: ChatId,
    /// The room it lives in.
    pub room: RoomKey,
    /// The owner's Space.
    pub space: RoomKey,
    /// What the owner calls it.
    pub name: String,
    /// Who answers.
    pub agent: AgentId,
    /// What the agent remembers it by.
    pub context: PlatformChatId,
    /// How often the context was rotated.
    pub generation: u32,
    /// Whether it answers.
    pub status: ChatStatus,
}

/// An owner of a Space, with the settings that survive on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Who.
    pub user: UserKey,
    /// The Space.
    pub space: RoomKey,
    /// The language chosen with `!settings`; the operator's default otherwise.
    pub locale: Option<Locale>,
    /// The agent for new chats chosen with `!settings`.
    pub default_agent: Option<AgentId>,
    /// Whether answers grow while they are written; on where nothing was chosen.
    pub streaming: Option<bool>,
}

/// Why a row could not be read or written. Nothing of it reaches a chat.
#[derive(Debug, thiserror::Error)]
#[error("the chat store failed")]
pub struct ChatStoreError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// The rows `core` reads and writes.
#[async_trait]
pub trait ChatStore: Send + Sync {
    /// The owner's row, if the user has a Space.
    async fn owner(&self, user: &UserKey) -> Result<Option<Owner>, ChatStoreError>;
    /// The chat that lives in this room.
    async fn chat_in(&self, room: &RoomKey) -> Result<Option<Chat>, ChatStoreError>;
    /// All chats of the user, by number, those that are gone included.
    async fn chats_of(&self, user: &UserKey) -> Result<Vec<Chat>, ChatStoreError>;
    /// Writes the changed chat; the row exists. Its name is not written: that follows the room's.
    async fn save_chat(&self, chat: &Chat) -> Result<(), ChatStoreError>;
    /// Writes the changed settings; the row exists.
    async fn save_owner(&self, owner: &Owner) -> Result<(), ChatStoreError>;
}

/// Why the server's rooms could not be changed. Nothing of it reaches a chat.
#[derive(Debug, thiserror::Error)]
pub enum ChatRoomsError {
    /// The process is ending; the command stays in the journal and is carried out after the next start.
    #[error("shutting down")]
    ShuttingDown,
    /// The server refused; asking again will not help.
    #[error("the homeserver refused")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server did nothing or did not answer. The same call may succeed later: after this time, where it named one.
    #[error("the homeserver asks to wait")]
    Later(Option<Duration>),
    /// Rows could not be read or written.
    #[error(transparent)]
    Store(#[from] ChatStoreError),
}

/// While it lives, nobody else writes into this owner's rooms, and no reconcile looks at rooms and rows.
pub type Held = Box<dyn Any + Send>;

/// Changes to the server's rooms. Every call may be repeated after a crash and then ends in the same state.
///
/// [`ChatRooms::onboard`] and [`ChatRooms::create_chat`] wait for a server that is down or limits rates. The other
/// changes fail with [`ChatRoomsError::Later`] instead: they are made with a [`Held`], which is not to be kept over a
/// pause.
#[async_trait]
pub trait ChatRooms: Send + Sync {
    /// The owner's Space and first chat, made where they are missing and re-inviting an owner who left.
    async fn onboard(&self, user: &UserKey) -> Result<Onboarded, ChatRoomsError>;
    /// A new room and chat. `cause` is the message that asked for it: the same cause always gives the same chat.
    async fn create_chat(
        &self,
        owner: &Owner,
        cause: &EventKey,
        name: Option<&str>,
    ) -> Result<Chat, ChatRoomsError>;
    /// For a change of this owner's rooms together with rows.
    async fn hold(&self, owner: &UserKey) -> Held;
    /// The pause before an attempt that failed with [`ChatRoomsError::Later`] is repeated; `attempt` counts from zero.
    async fn wait(&self, wish: Option<Duration>, attempt: u32) -> Result<(), ChatRoomsError>;
    /// Writes the chat's marker from the value: agent, context, generation, archived.
    async fn write_chat_marker(&self, chat: &Chat) -> Result<(), ChatRoomsError>;
    /// Writes the Space's marker from the value: language, agent for new chats, streaming.
    async fn write_owner_marker(&self, owner: &Owner) -> Result<(), ChatRoomsError>;
    /// Names the room.
    async fn rename(&self, chat: &Chat, name: &str) -> Result<(), ChatRoomsError>;
    /// Puts the room into the Space (`true`) or takes it out.
    async fn set_linked(&self, chat: &Chat, linked: bool) -> Result<(), ChatRoomsError>;
    /// The owner's kept contexts, in any order.
    async fn saves(&self, owner: &Owner) -> Result<Vec<Save>, ChatRoomsError>;
    /// Writes down a kept context, where it survives the loss of everything on this side.
    async fn write_save(&self, owner: &Owner, save: &Save) -> Result<(), ChatRoomsError>;
    /// An address that opens the room in any client.
    fn link(&self, room: &RoomKey) -> String;
}

/// What [`ChatRooms::onboard`] found or made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Onboarded {
    /// The owner with the Space.
    pub owner: Owner,
    /// The active chats, at least one right after the first onboarding.
    pub chats: Vec<Chat>,
    /// Whether the Space was made by this call.
    pub fresh: bool,
    /// Whether the owner had left the Space and was invited again.
    pub reinvited: bool,
    /// Whether the server lets the bot invite the owner to the Space only later.
    pub is_delayed: bool,
}
