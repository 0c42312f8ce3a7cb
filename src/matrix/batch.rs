//! One sync response as plain values: what the journal commits and the cache of room state takes in.

use std::collections::BTreeMap;

use matrix_sdk::ruma::{OwnedEventId, OwnedRoomId, OwnedUserId, UserId};
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

impl JoinedUpdate {
    /// The kept state, with who invited the user `bot` noted at its membership.
    pub fn state_as(&self, bot: &UserId) -> Vec<StateEvent> {
        let inviter = self.inviter_of(bot);
        let mut state = self.state.clone();
        for event in &mut state {
            if event.event_type == MEMBER && event.state_key == bot.as_str() {
                event.invited_by = inviter.map(ToOwned::to_owned);
            }
        }
        state
    }

    /// Who invited the user, where the update shows the invitation that their latest join followed.
    fn inviter_of(&self, user: &UserId) -> Option<&UserId> {
        let state = self
            .state
            .iter()
            .filter(|event| event.event_type == MEMBER && event.state_key == user.as_str())
            .map(|event| (&event.content, &event.sender));
        let timeline = self
            .timeline
            .iter()
            .filter(|item| item.is_membership_of(user))
            .map(|item| (&item.content, &item.sender));
        let mut inviter = None;
        // An event can stand in both: the order within each of them is what counts.
        for events in [state.collect::<Vec<_>>(), timeline.collect()] {
            for (content, sender) in events {
                match content.get("membership").and_then(Value::as_str) {
                    Some("invite") => inviter = Some(&**sender),
                    Some("join") => {}
                    _ => inviter = None,
                }
            }
        }
        inviter
    }
}

const MEMBER: &str = "m.room.member";

impl TimelineItem {
    /// Whether this is a membership of the user.
    pub fn is_membership_of(&self, user: &UserId) -> bool {
        self.event_type == MEMBER && self.state_key.as_deref() == Some(user.as_str())
    }
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
