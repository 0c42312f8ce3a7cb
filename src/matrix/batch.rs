//! One sync response as plain values: what the journal commits and the cache of room state takes in.

use std::collections::BTreeMap;

use matrix_sdk::ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::matrix::state::StateEvent;

/// Everything of one `/sync` response that the bot looks at.
#[derive(Clone, Debug, Default)]
pub struct SyncBatch {
    /// The position after it.
    pub next_batch: String,
    /// Whether the response held the full state of every joined room, not what changed since a position.
    pub full_state: bool,
    /// Whether the sync started from nothing, so that the timelines begin with history.
    pub from_nothing: bool,
    /// Rooms the bot is in.
    pub joined: BTreeMap<OwnedRoomId, JoinedUpdate>,
    /// Rooms the bot was invited to: by whom.
    pub invited: BTreeMap<OwnedRoomId, OwnedUserId>,
    /// Rooms the bot left, or was removed from.
    pub left: Vec<OwnedRoomId>,
}

/// What is new in one joined room.
#[derive(Clone, Debug, Default)]
pub struct JoinedUpdate {
    /// Kept state as it is after the whole update, timeline included.
    pub state: Vec<StateEvent>,
    /// Messages and whatever else came, oldest first.
    pub timeline: Vec<TimelineItem>,
    /// Set where the server left events out: a token from which older ones can be fetched.
    pub gap_before: Option<String>,
    /// The bot's own cursor (`m.fully_read`), where the response told it.
    pub fully_read: Option<OwnedEventId>,
    /// The bot's own note that this is an entry room, where the response told it.
    pub entry_of: Option<OwnedUserId>,
}

/// One event of a timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineItem {
    /// Its id.
    pub event_id: OwnedEventId,
    /// Who sent it.
    pub sender: OwnedUserId,
    /// `type`, after decryption where that was possible.
    pub event_type: String,
    /// Set for state events.
    pub state_key: Option<String>,
    /// Milliseconds since the Unix epoch.
    pub origin_server_ts: u64,
    /// `content`, after decryption where that was possible.
    pub content: Value,
    /// Of a membership: whether the member was joined before, so that this is a new profile and not an arrival.
    #[serde(default)]
    pub was_joined: bool,
}
