//! Room state as plain values, and which of it the bot keeps.
//!
//! The state of every joined room is kept in the bot's own database, in the same transaction as the sync position, so
//! that position and state can never disagree. Knows nothing of where it comes from or what it means.

use std::collections::{BTreeMap, BTreeSet};

use matrix_sdk::ruma::{OwnedRoomId, OwnedUserId, UserId};
use serde_json::Value;

use crate::matrix::batch::SyncBatch;

/// State event types that are kept; all others are dropped where they arrive.
pub const KEPT_TYPES: [&str; 10] = [
    "m.room.create",
    "m.room.member",
    "m.room.name",
    "m.room.power_levels",
    "m.room.join_rules",
    "m.space.child",
    "m.space.parent",
    crate::matrix::marker::SPACE_MARKER,
    crate::matrix::marker::CHAT_MARKER,
    crate::matrix::marker::SAVE_MARKER,
];

/// One state event.
#[derive(Clone, Debug, PartialEq)]
pub struct StateEvent {
    /// `type`.
    pub event_type: String,
    /// `state_key`.
    pub state_key: String,
    /// Who wrote it. Only the bot's own events bind anything.
    pub sender: OwnedUserId,
    /// Milliseconds since the Unix epoch, by the sender's server.
    pub origin_server_ts: u64,
    /// `content`, untouched: written by anyone, of any shape.
    pub content: Value,
    /// Of the bot's own join: who invited it, where a sync has shown the invitation.
    pub invited_by: Option<OwnedUserId>,
}

/// The kept state of one joined room.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoomState {
    /// By type and state key.
    pub events: BTreeMap<(String, String), StateEvent>,
    /// The bot's own note about an entry room, from its room account data, which nobody else can write:
    /// the user who invited it.
    pub entry_of: Option<OwnedUserId>,
}

impl RoomState {
    /// The event of this type and key.
    pub fn get(&self, event_type: &str, state_key: &str) -> Option<&StateEvent> {
        // A borrowed tuple cannot be looked up in a map of owned ones; both halves are short.
        self.events
            .get(&(event_type.to_owned(), state_key.to_owned()))
    }

    /// All events of this type, by state key.
    pub fn all<'a>(&'a self, event_type: &'a str) -> impl Iterator<Item = &'a StateEvent> {
        self.events
            .range((event_type.to_owned(), String::new())..)
            .take_while(move |((kind, _), _)| kind == event_type)
            .map(|(_, event)| event)
    }

    /// Adds the event, or replaces the one before it.
    pub fn insert(&mut self, event: StateEvent) {
        self.events
            .insert((event.event_type.clone(), event.state_key.clone()), event);
    }
}

/// The kept state of all rooms the server says the bot is joined in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// By room id.
    pub rooms: BTreeMap<OwnedRoomId, RoomState>,
    /// Joined rooms whose state could not be read in full: left alone, and reported.
    pub incomplete: BTreeSet<OwnedRoomId>,
}

impl Snapshot {
    /// The snapshot that a full sync alone gives the user `bot`; `joined` is the server's own list.
    pub fn of_full_sync(batch: SyncBatch, joined: &BTreeSet<OwnedRoomId>, bot: &UserId) -> Self {
        let mut rooms = BTreeMap::new();
        for (room, update) in batch.joined {
            let events = update.state_as(bot);
            let mut state = RoomState {
                entry_of: update.entry_of,
                ..RoomState::default()
            };
            for event in events {
                state.insert(event);
            }
            rooms.insert(room, state);
        }
        let incomplete = joined
            .iter()
            .filter(|room| !rooms.contains_key(*room))
            .cloned()
            .collect();
        Self { rooms, incomplete }
    }
}
