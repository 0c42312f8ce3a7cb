//! A joined room as the bot understands it: its own words as values, those of others set apart.
//!
//! Plain values; [`super::observe`] makes them.

use std::collections::{BTreeMap, BTreeSet};

use matrix_sdk::ruma::{OwnedRoomId, OwnedUserId};

use crate::matrix::marker::{ChatMarker, CreationFacts, SpaceMarker};

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

impl Observed {
    /// The room's state cannot be read.
    pub fn set_aside(&mut self, room: OwnedRoomId) {
        self.rooms.remove(&room);
        self.incomplete.insert(room);
    }
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
    /// Where the bot let the members of other rooms in (`restricted`): these rooms.
    pub open_to: Option<BTreeSet<OwnedRoomId>>,
    /// Of a Space the bot made: every other account with a membership.
    pub accounts: BTreeMap<OwnedUserId, Account>,
    /// What others wrote that only the bot may write.
    pub forgeries: Vec<Forgery>,
}

impl SeenRoom {
    /// Whether the bot made the room.
    pub fn is_ours(&self) -> bool {
        self.creation.as_ref().is_some_and(|made| made.by_bot)
    }
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
