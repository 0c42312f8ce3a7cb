//! Opaque names of things. `core` compares and prints them; only `matrix` knows what is inside a key.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text as it is; whoever makes the key answers for what is in it.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text inside.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

key!(
    /// A person: on Matrix, the user id.
    UserKey
);
key!(
    /// A place where messages are exchanged: on Matrix, the room id.
    RoomKey
);
key!(
    /// One message: on Matrix, the event id.
    EventKey
);
key!(
    /// An agent's `id` in the agent registry.
    AgentId
);

/// The number of a chat among one user's chats, written `C4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChatId(u32);

impl ChatId {
    /// The chat with this number; numbers start at 1.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number after the `C`.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for ChatId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "C{}", self.0)
    }
}

/// The text is not `C` and a number from 1 up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a chat id is C and a number, such as C4")]
pub struct NotAChatId;

impl FromStr for ChatId {
    type Err = NotAChatId;

    fn from_str(text: &str) -> Result<Self, NotAChatId> {
        // Both the Latin and the Cyrillic letter: they look the same to the person who types them.
        let digits = text.strip_prefix(['C', 'c', 'С', 'с']).ok_or(NotAChatId)?;
        if digits.is_empty()
            || digits.starts_with('0')
            || !digits.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Err(NotAChatId);
        }
        digits.parse().map(Self).map_err(|_| NotAChatId)
    }
}

/// What an agent remembers a chat by. Never shared by two rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlatformChatId(Uuid);

/// Namespace of every UUIDv5 the bot derives. Changing it would change the contexts of unmarked rooms.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f0d_5f3a_7f5b_5c0e_9a51_0b7a_53c1_d0e5);

/// The UUIDv5 of `name` in the bot's own namespace: the same on every machine.
pub fn derived_uuid(name: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

impl PlatformChatId {
    /// Wraps a UUID read from a marker or a row.
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The context of a room whose marker and row name none: the same answer with or without a database.
    pub fn backfill(room: &RoomKey, generation: u32) -> Self {
        Self(derived_uuid(&format!("{room}#{generation}")))
    }

    /// The context that the command in `event` switches to. Derived from the event, so that a command that is
    /// carried out again after a crash ends in the same context.
    pub fn from_command(event: &EventKey) -> Self {
        Self(derived_uuid(&format!("context:{event}")))
    }

    /// What the context is kept as that the command in `event` keeps.
    pub fn from_save(event: &EventKey) -> Self {
        Self(derived_uuid(&format!("save:{event}")))
    }

    /// The UUID inside.
    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// The first eight characters: enough for a person to tell contexts apart.
    pub fn short(self) -> String {
        self.0.simple().to_string()[..8].to_owned()
    }
}

impl fmt::Display for PlatformChatId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for PlatformChatId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}
