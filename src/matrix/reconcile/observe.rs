//! What the kept state of the joined rooms says, with everything the bot did not write itself set apart.
//!
//! Pure parsing: an event of any shape by any sender may come in. Values of other senders never leave this file; that
//! they wrote something is all that is passed on ([`Forgery`]). Knows nothing of rows.

use std::collections::{BTreeMap, BTreeSet};

use matrix_sdk::ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::Value;

use crate::matrix::{
    marker::{
        self, CHAT_MARKER, CREATION_KEY, ChatMarker, CreationFacts, SPACE_MARKER, SpaceMarker,
    },
    state::{RoomState, Snapshot, StateEvent},
};

/// Names are shown in messages and kept in rows; what is longer was not meant as a name.
const LONGEST_NAME: usize = 255;

/// The joined rooms as the bot understands them.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Who we are.
    pub bot: OwnedUserId,
    /// Rooms whose state is at hand.
    pub rooms: BTreeMap<OwnedRoomId, SeenRoom>,
    /// Joined rooms whose state could not be read in full.
    pub incomplete: BTreeSet<OwnedRoomId>,
}

/// One joined room.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeenRoom {
    /// From `m.room.create`; `None` only where the snapshot is short.
    pub creation: Option<Creation>,
    /// Whether the bot's own membership was in the snapshot, as it is in every full state.
    pub has_own_member: bool,
    /// The bot's own note: who invited it here.
    pub entry_of: Option<OwnedUserId>,
    /// Who invited the bot, as the server remembers it.
    pub invited_by: Option<OwnedUserId>,
    /// `m.room.name`, where it is a text that shows something.
    pub name: Option<String>,
    /// The Space marker.
    pub space_marker: Mark<SpaceMarker>,
    /// The chat marker.
    pub chat_marker: Mark<ChatMarker>,
    /// Rooms that the bot linked as children, properly.
    pub children: BTreeSet<OwnedRoomId>,
    /// Rooms that the bot named as parents, properly.
    pub parents: BTreeSet<OwnedRoomId>,
    /// Of a Space the bot made: every other account with a membership.
    pub accounts: BTreeMap<OwnedUserId, Account>,
    /// What others wrote that only the bot may write.
    pub forgeries: Vec<Forgery>,
}

/// The unforgeable part of a room.
#[derive(Clone, Debug, PartialEq)]
pub struct Creation {
    /// Whether the bot made the room.
    pub by_bot: bool,
    /// `type`.
    pub room_type: RoomType,
    /// Milliseconds since the Unix epoch.
    pub at: u64,
    /// Our facts in the creation content of a room that the bot made.
    pub facts: Mark<CreationFacts>,
}

/// `type` in the creation content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomType {
    /// None: a room for messages.
    Plain,
    /// `m.space`.
    Space,
    /// Anything else.
    Other,
}

/// Something the bot writes about a room, as far as the bot wrote it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Mark<T> {
    /// Not there, emptied, or written by someone else.
    #[default]
    Absent,
    /// Written by the bot, and understood.
    Ours(T),
    /// Written by a later version of the bot.
    Newer,
    /// Written by the bot, and not understood.
    Malformed,
}

impl<T> Mark<T> {
    /// The understood value.
    pub const fn ours(&self) -> Option<&T> {
        match self {
            Self::Ours(value) => Some(value),
            Self::Absent | Self::Newer | Self::Malformed => None,
        }
    }
}

/// Another account in a Space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// It is or was a member; otherwise it was only invited.
    pub was_in: bool,
    /// Its display name there.
    pub display_name: Option<String>,
}

/// Something that only the bot may write, written by someone else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgery {
    /// What it pretends to be.
    pub of: Forged,
    /// Who wrote it.
    pub sender: OwnedUserId,
    /// The room a link leads to.
    pub target: Option<OwnedRoomId>,
}

/// What a [`Forgery`] pretends to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forged {
    /// Our key in the creation content of a room that the bot did not make.
    Creation,
    /// A Space or chat marker.
    Marker,
    /// `m.space.child`.
    Child,
    /// `m.space.parent`.
    Parent,
}

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
    /// Whether the bot made the room.
    pub fn is_ours(&self) -> bool {
        self.creation.as_ref().is_some_and(|made| made.by_bot)
    }

    fn read(state: &RoomState, bot: &UserId) -> Self {
        let mut seen = Self {
            entry_of: state.entry_of.clone().filter(|user| user != bot),
            ..Self::default()
        };
        if let Some(create) = state.get("m.room.create", "") {
            seen.read_creation(create, bot);
        }
        for event in state.events.values() {
            match (event.event_type.as_str(), event.state_key.as_str()) {
                ("m.room.name", "") => seen.name = shown(event.content.get("name")),
                ("m.room.member", _) => seen.read_member(event, bot),
                (SPACE_MARKER, _) => {
                    if seen.is_own(event, Forged::Marker, bot) {
                        seen.space_marker = read_mark(&event.content);
                    }
                }
                (CHAT_MARKER, _) => {
                    if seen.is_own(event, Forged::Marker, bot) {
                        seen.chat_marker = read_mark(&event.content);
                    }
                }
                ("m.space.child", _) => {
                    if seen.is_own(event, Forged::Child, bot) {
                        seen.children.extend(link_target(event));
                    }
                }
                ("m.space.parent", _) => {
                    if seen.is_own(event, Forged::Parent, bot) {
                        seen.parents.extend(link_target(event));
                    }
                }
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

    /// Whether the bot wrote the event under a key that means something. What others wrote is remembered as forged,
    /// unless it only takes a link back.
    fn is_own(&mut self, event: &StateEvent, what: Forged, bot: &UserId) -> bool {
        let is_marker = what == Forged::Marker;
        if event.sender == bot {
            return !is_marker || event.state_key.is_empty();
        }
        if is_marker || !is_empty(&event.content) {
            self.forgeries.push(Forgery {
                of: what,
                sender: event.sender.clone(),
                target: room_id(&event.state_key).map(ToOwned::to_owned),
            });
        }
        false
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

fn room_id(text: &str) -> Option<&RoomId> {
    <&RoomId>::try_from(text).ok()
}

fn is_empty(content: &Value) -> bool {
    content.as_object().is_some_and(serde_json::Map::is_empty)
}

/// The text where it shows something, cut to the length of a name.
fn shown(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?;
    if text.trim().is_empty() {
        return None;
    }
    Some(text.chars().take(LONGEST_NAME).collect())
}
