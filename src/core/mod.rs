//! What the bot does with a message, free of Matrix, SQL and HTTP.
//!
//! Everything here speaks in opaque keys ([`ids`]) and plain values ([`message`]); the ports it needs
//! ([`chat::ChatStore`], [`chat::ChatRooms`], [`crate::platform::PlatformClient`]) are traits that others implement.

pub mod chat;
pub mod command;
pub mod dispatch;
pub mod error;
pub mod files;
pub mod folder;
pub mod ids;
pub mod message;
#[cfg(test)]
pub(crate) mod testing;
