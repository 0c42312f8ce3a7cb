//! What the kept state of the joined rooms says, with everything the bot did not write itself set apart.
//!
//! Pure parsing: an event of any shape by any sender may come in. Values of other senders never leave this file; that
//! they wrote something is all that is passed on ([`Forgery`]). Knows nothing of rows.

use std::collections::BTreeSet;

use matrix_sdk::ruma::{OwnedRoomId, RoomId, UserId};
use serde_json::Value;

use super::seen::{Account, Creation, Forged, Forgery, Mark, Observed, RoomType, SeenRoom};
use crate::matrix::{
    marker::{self, CHAT_MARKER, CREATION_KEY, SPACE_MARKER},
    state::{RoomState, Snapshot, StateEvent},
};

/// Names are shown in messages and kept in rows; what is longer was not meant as a name.
const LONGEST_NAME: usize = 255;

/// Reads the snapshot as the user `bot`.
pub fn observe(snapshot: &Snapshot, bot: &UserId) -> Observed {
    let rooms = snapshot
        .rooms
        .iter()
        .filter(|(room, _)| !snapshot.incomplete.contains(*room))
        .map(|(room, state)| (room.clone(), SeenRoom::read(state, bot)))
        .collect();
    Observed {
        bot: bot.to_owned(),
        rooms,
        incomplete: snapshot.incomplete.clone(),
    }
}

impl SeenRoom {
    /// Reads one room's kept state as the user `bot`.
    pub fn read(state: &RoomState, bot: &UserId) -> Self {
        let mut seen = Self {
            entry_of: state.entry_of.clone().filter(|user| user != bot),
            ..Self::default()
        };
        if let Some(create) = state.get("m.room.create", "") {
            seen.read_creation(create, bot);
        }
        for event in state.events.values() {
            match event.event_type.as_str() {
                "m.room.name" if event.state_key.is_empty() => {
                    seen.name = room_name(&event.content);
                }
                "m.room.member" => seen.read_member(event, bot),
                "m.room.join_rules" if event.sender == bot => {
                    seen.open_to = rooms_let_in(&event.content);
                }
                SPACE_MARKER | CHAT_MARKER => seen.read_own(event, Forged::Marker, bot),
                "m.space.child" => seen.read_own(event, Forged::Child, bot),
                "m.space.parent" => seen.read_own(event, Forged::Parent, bot),
                _ => {}
            }
        }
        seen
    }

    fn read_creation(&mut self, create: &StateEvent, bot: &UserId) {
        let by_bot = create.sender == bot;
        let facts = match create.content.get(CREATION_KEY) {
            None => Mark::Absent,
            Some(content) if by_bot => read_mark(content),
            Some(_) => {
                self.forgeries.push(Forgery {
                    of: Forged::Creation,
                    sender: create.sender.clone(),
                    target: None,
                });
                Mark::Absent
            }
        };
        let room_type = match create.content.get("type") {
            None => RoomType::Plain,
            Some(kind) if kind == "m.space" => RoomType::Space,
            Some(_) => RoomType::Other,
        };
        self.creation = Some(Creation {
            by_bot,
            room_type,
            at: create.origin_server_ts,
            facts,
        });
    }

    fn read_member(&mut self, event: &StateEvent, bot: &UserId) {
        if event.state_key == bot.as_str() {
            self.has_own_member = true;
            self.invited_by = event.invited_by.clone().filter(|user| user != bot);
            return;
        }
        let owner_is_of_interest = self
            .creation
            .as_ref()
            .is_some_and(|made| made.by_bot && made.room_type == RoomType::Space);
        let Some(user) = <&UserId>::try_from(event.state_key.as_str())
            .ok()
            .filter(|_| owner_is_of_interest)
        else {
            return;
        };
        let was_in = match event.content.get("membership").and_then(Value::as_str) {
            Some("join" | "leave" | "ban") => true,
            Some("invite") => false,
            _ => return,
        };
        let account = Account {
            was_in,
            display_name: shown(event.content.get("displayname")),
        };
        self.accounts.insert(user.to_owned(), account);
    }

    /// Takes in what only the bot may write. What others wrote is remembered as forged, unless it only takes a link back.
    fn read_own(&mut self, event: &StateEvent, what: Forged, bot: &UserId) {
        if event.sender != bot {
            if what == Forged::Marker || !is_empty(&event.content) {
                self.forgeries.push(Forgery {
                    of: what,
                    sender: event.sender.clone(),
                    target: room_id(&event.state_key).map(ToOwned::to_owned),
                });
            }
            return;
        }
        match (event.event_type.as_str(), event.state_key.as_str()) {
            (SPACE_MARKER, "") => self.space_marker = read_mark(&event.content),
            (CHAT_MARKER, "") => self.chat_marker = read_mark(&event.content),
            ("m.space.child", _) => self.children.extend(link_target(event)),
            ("m.space.parent", _) => self.parents.extend(link_target(event)),
            _ => {}
        }
    }
}

fn read_mark<T: for<'de> serde::Deserialize<'de> + marker::Versioned>(content: &Value) -> Mark<T> {
    if is_empty(content) {
        return Mark::Absent;
    }
    if let Some(value) = marker::read(content) {
        return Mark::Ours(value);
    }
    let version = content.get("version").and_then(Value::as_u64);
    if version.is_some_and(|version| version > u64::from(marker::VERSION)) {
        Mark::Newer
    } else {
        Mark::Malformed
    }
}

/// Where the link leads, if it is one: a link without `via` is a link taken back.
fn link_target(event: &StateEvent) -> Option<OwnedRoomId> {
    let via = event.content.get("via")?.as_array()?;
    let names_servers = via
        .iter()
        .all(|server| server.as_str().is_some_and(|name| !name.is_empty()));
    if via.is_empty() || !names_servers {
        return None;
    }
    room_id(&event.state_key).map(ToOwned::to_owned)
}

/// The rooms whose members may join, where the rule is that members of rooms may.
fn rooms_let_in(rules: &Value) -> Option<BTreeSet<OwnedRoomId>> {
    if rules.get("join_rule").and_then(Value::as_str) != Some("restricted") {
        return None;
    }
    let allowed = rules.get("allow").and_then(Value::as_array);
    let rooms = allowed.into_iter().flatten().filter_map(|allowed| {
        let room = room_id(allowed.get("room_id")?.as_str()?)?;
        Some(room.to_owned())
    });
    Some(rooms.collect())
}

fn room_id(text: &str) -> Option<&RoomId> {
    <&RoomId>::try_from(text).ok()
}

fn is_empty(content: &Value) -> bool {
    content.as_object().is_some_and(serde_json::Map::is_empty)
}

/// What the content of `m.room.name` shows, if it shows anything.
pub fn room_name(content: &Value) -> Option<String> {
    shown(content.get("name"))
}

/// The text where it shows something, cut to the length of a name.
fn shown(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?;
    if text.trim().is_empty() {
        return None;
    }
    Some(text.chars().take(LONGEST_NAME).collect())
}
