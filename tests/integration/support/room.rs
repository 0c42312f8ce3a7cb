//! One room of the fake homeserver: its events in order, its current state, and who may do what.

use std::collections::BTreeMap;

use serde_json::Value;
use surfaces_bot::matrix::{batch::TimelineItem, state::StateEvent};

use matrix_sdk::ruma::{OwnedRoomId, OwnedUserId, UserId};

/// The position of an event that no sync has been told of yet.
pub(crate) const HELD_BACK: u64 = u64::MAX;

pub(crate) struct Event {
    pub(crate) item: TimelineItem,
    /// Where in the server's stream it stands.
    pub(crate) at: u64,
}

pub(crate) struct Room {
    pub(crate) id: OwnedRoomId,
    pub(crate) events: Vec<Event>,
    state: BTreeMap<(String, String), usize>,
    /// The bot's own, by type: where in the stream, and what.
    pub(crate) account_data: BTreeMap<String, (u64, Value)>,
}

impl Room {
    pub(crate) fn new(id: OwnedRoomId) -> Self {
        Self {
            id,
            events: Vec::new(),
            state: BTreeMap::new(),
            account_data: BTreeMap::new(),
        }
    }

    /// Adds the event, whoever sent it.
    pub(crate) fn append(&mut self, mut item: TimelineItem, at: u64) {
        item.was_joined = item.event_type == "m.room.member"
            && item
                .state_key
                .as_deref()
                .and_then(|user| self.content("m.room.member", user))
                .is_some_and(|before| before["membership"] == "join");
        let index = self.events.len();
        if let Some(key) = &item.state_key {
            self.state
                .insert((item.event_type.clone(), key.clone()), index);
        }
        if item.event_type == "m.room.redaction" {
            let target = item.content.get("redacts").and_then(Value::as_str);
            let redacted = self
                .events
                .iter_mut()
                .find(|event| Some(event.item.event_id.as_str()) == target);
            if let Some(event) = redacted {
                event.item.content = Value::Object(serde_json::Map::new());
            }
        }
        self.events.push(Event { item, at });
    }

    pub(crate) fn state_item(&self, event_type: &str, key: &str) -> Option<&TimelineItem> {
        let index = self.state.get(&(event_type.to_owned(), key.to_owned()))?;
        Some(&self.events[*index].item)
    }

    pub(crate) fn content(&self, event_type: &str, key: &str) -> Option<&Value> {
        self.state_item(event_type, key).map(|item| &item.content)
    }

    /// The current state, with the position of each event.
    pub(crate) fn current(&self) -> impl Iterator<Item = (u64, StateEvent)> {
        self.state.values().map(|index| {
            let event = &self.events[*index];
            (event.at, state_event(event))
        })
    }

    pub(crate) fn membership(&self, user: &UserId) -> &str {
        self.content("m.room.member", user.as_str())
            .and_then(|content| content.get("membership")?.as_str())
            .unwrap_or("leave")
    }

    /// Where in the stream the user's membership stands.
    pub(crate) fn member_since(&self, user: &UserId) -> u64 {
        self.state
            .get(&("m.room.member".to_owned(), user.to_string()))
            .map_or(0, |index| self.events[*index].at)
    }

    pub(crate) fn members(&self, membership: &str) -> Vec<OwnedUserId> {
        self.state
            .keys()
            .filter(|(event_type, _)| event_type == "m.room.member")
            .filter_map(|(_, user)| OwnedUserId::try_from(user.as_str()).ok())
            .filter(|user| self.membership(user) == membership)
            .collect()
    }

    /// Whether the user's power is enough for an event of this type.
    pub(crate) fn may_send(&self, user: &UserId, event_type: &str, is_state: bool) -> bool {
        let default = if is_state {
            "state_default"
        } else {
            "events_default"
        };
        let levels = self.content("m.room.power_levels", "");
        let needed = levels
            .and_then(|levels| {
                levels["events"][event_type]
                    .as_i64()
                    .or_else(|| levels[default].as_i64())
            })
            .unwrap_or(if is_state { 50 } else { 0 });
        self.membership(user) == "join" && self.power(user) >= needed
    }

    /// Whether the user's power is enough for `invite`, `kick` or `redact`.
    pub(crate) fn may(&self, user: &UserId, action: &str) -> bool {
        let needed = self
            .content("m.room.power_levels", "")
            .and_then(|levels| levels[action].as_i64())
            .unwrap_or(if action == "invite" { 0 } else { 50 });
        self.membership(user) == "join" && self.power(user) >= needed
    }

    fn power(&self, user: &UserId) -> i64 {
        let Some(levels) = self.content("m.room.power_levels", "") else {
            let made_it = self
                .state_item("m.room.create", "")
                .is_some_and(|create| create.sender == user);
            return if made_it { 100 } else { 0 };
        };
        levels["users"][user.as_str()]
            .as_i64()
            .or_else(|| levels["users_default"].as_i64())
            .unwrap_or(0)
    }
}

/// As the server sends it.
fn state_event(event: &Event) -> StateEvent {
    StateEvent {
        event_type: event.item.event_type.clone(),
        state_key: event.item.state_key.clone().unwrap_or_default(),
        sender: event.item.sender.clone(),
        origin_server_ts: event.item.origin_server_ts,
        content: event.item.content.clone(),
        invited_by: None,
    }
}
