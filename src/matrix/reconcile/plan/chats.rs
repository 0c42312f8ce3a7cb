//! Which of the bot's rooms are chats, whose, and in which Space; and, with numbers and contexts given, each chat whole.

use std::collections::BTreeMap;

use matrix_sdk::ruma::{OwnedRoomId, RoomId, UserId};

use super::{
    Findings, Ground, by_age,
    classify::{Classified, OurRoom},
    contexts::Context,
};
use crate::{
    core::{
        chat::{Locale, name},
        ids::ChatId,
    },
    matrix::{
        marker::{self, ChatMarker},
        reconcile::{
            graph::Tie,
            report::{ConflictKind, SkipReason},
        },
    },
    text,
};

/// A room that is a chat.
#[derive(Clone, Copy)]
pub(super) struct Draft<'a> {
    pub(super) id: &'a RoomId,
    pub(super) room: OurRoom<'a>,
    pub(super) owner: &'a UserId,
    pub(super) home: Home<'a>,
}

/// The Space of a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home<'a> {
    /// The owner's Space, whose links can be checked.
    Space(&'a RoomId),
    /// A Space that is left alone, named by the marker.
    Closed(&'a RoomId),
    /// A Space that the bot is not in, named by the marker.
    Lost(&'a RoomId),
}

impl<'a> Home<'a> {
    pub(super) const fn id(self) -> &'a RoomId {
        match self {
            Self::Space(id) | Self::Closed(id) | Self::Lost(id) => id,
        }
    }
}

/// A chat with all that belongs to it.
pub(super) struct KnownChat<'a> {
    pub(super) id: &'a RoomId,
    pub(super) room: OurRoom<'a>,
    pub(super) owner: &'a UserId,
    pub(super) home: Home<'a>,
    pub(super) number: ChatId,
    pub(super) name: String,
    pub(super) agent: &'a str,
    pub(super) context: Context,
    pub(super) archived: bool,
}

impl KnownChat<'_> {
    /// The marker as it should be.
    pub(super) fn marker(&self) -> ChatMarker {
        ChatMarker {
            version: marker::VERSION,
            owner: self.owner.to_owned(),
            chat_id: self.number.to_string(),
            space_id: OwnedRoomId::from(self.home.id()),
            agent_id: self.agent.to_owned(),
            platform_chat_id: self.context.id.uuid(),
            generation: self.context.generation,
            archived: self.archived,
        }
    }
}

/// Finds the chats, oldest first. The bot's rooms that are none are closed from then on.
pub(super) fn find<'a>(
    ground: &Ground<'_, 'a>,
    rooms: &mut Classified<'a>,
    findings: &mut Findings,
) -> Vec<Draft<'a>> {
    let mut drafts = Vec::with_capacity(rooms.rooms.len());
    for id in by_age(&rooms.rooms, |room| room.made_at) {
        let room = rooms.rooms[id];
        let place = match owner_of(id, room, findings) {
            Some(owner) => {
                home_of(ground, rooms, id, room, owner, findings).map(|home| (owner, home))
            }
            None => place_by_links(ground, rooms, id, room, findings),
        };
        match place {
            Ok((owner, home)) => drafts.push(Draft {
                id,
                room,
                owner,
                home,
            }),
            Err(reason) => {
                findings.skip(id, reason);
                rooms.rooms.remove(id);
                rooms.closed.insert(id);
            }
        }
    }
    drafts
}

fn owner_of<'a>(id: &RoomId, room: OurRoom<'a>, findings: &mut Findings) -> Option<&'a UserId> {
    let marker = room.seen.chat_marker.ours();
    match (room.facts, marker) {
        (Some(facts), Some(marker)) if facts.owner != marker.owner => {
            let detail = format!(
                "made for {}, but the marker names {}",
                facts.owner, marker.owner
            );
            findings.conflict(ConflictKind::OwnerMismatch, id, detail);
            Some(&facts.owner)
        }
        (Some(facts), _) => Some(&facts.owner),
        (None, marker) => marker.map(|marker| marker.owner.as_ref()),
    }
}

/// The Space of a chat whose owner is certain.
fn home_of<'a>(
    ground: &Ground<'_, 'a>,
    rooms: &Classified<'a>,
    id: &'a RoomId,
    room: OurRoom<'a>,
    owner: &'a UserId,
    findings: &mut Findings,
) -> Result<Home<'a>, SkipReason> {
    let is_owners = |space: &RoomId| ground.spaces.owners.get(space) == Some(&owner);
    let first = ground.spaces.of_owner.get(owner).copied();
    let Some(marker) = room.seen.chat_marker.ours() else {
        let linked = ground.graph.homes(id).into_iter().map(|(_, space)| space);
        let home = linked.into_iter().find(|space| is_owners(space)).or(first);
        return home.map(Home::Space).ok_or(SkipReason::SpaceMissing);
    };
    let named: &RoomId = &marker.space_id;
    if is_owners(named) {
        return Ok(Home::Space(named));
    }
    if rooms.closed.contains(named) {
        return Ok(Home::Closed(named));
    }
    if let Some(space) = first {
        let detail =
            format!("the marker names {named}, which is no Space of {owner}; moved to {space}");
        findings.conflict(ConflictKind::SpaceMismatch, id, detail);
        return Ok(Home::Space(space));
    }
    // Rows can be kept right without the Space: all they need is in the marker.
    findings.skip(id, SkipReason::SpaceMissing);
    Ok(Home::Lost(named))
}

/// Owner and Space of a room that says nothing about itself: from the Space it hangs on, or from its row.
fn place_by_links<'a>(
    ground: &Ground<'_, 'a>,
    rooms: &Classified<'a>,
    id: &'a RoomId,
    room: OurRoom<'a>,
    findings: &mut Findings,
) -> Result<(&'a UserId, Home<'a>), SkipReason> {
    let age = |space: &RoomId| rooms.spaces.get(space).map(|space| space.made_at);
    let mut homes: Vec<(Tie, Option<u64>, &RoomId)> = ground
        .graph
        .homes(id)
        .into_iter()
        .map(|(tie, space)| (tie, age(space), space))
        .collect();
    homes.sort_unstable();
    let mut owned = homes
        .iter()
        .filter_map(|(_, _, space)| Some((*ground.spaces.owners.get(space)?, *space)));
    if let Some((owner, space)) = owned.next() {
        if owned.any(|(other, _)| other != owner) {
            let detail = format!("it hangs on Spaces of several owners; {space} is taken");
            findings.conflict(ConflictKind::SpaceMismatch, id, detail);
        }
        return Ok((owner, Home::Space(space)));
    }
    if let Some(place) = place_by_row(ground, id) {
        return Ok(place);
    }
    if !homes.is_empty() {
        return Err(SkipReason::OwnerAmbiguous);
    }
    let unseen = |space: &OwnedRoomId| !ground.observed.rooms.contains_key(space);
    Err(if room.seen.parents.iter().any(unseen) {
        SkipReason::SpaceMissing
    } else {
        SkipReason::Unclassified
    })
}

/// A room that the bot made and whose links were lost is still the chat its row says it is, if the Space bears it out.
fn place_by_row<'a>(ground: &Ground<'_, 'a>, id: &RoomId) -> Option<(&'a UserId, Home<'a>)> {
    let row = ground.records.chat_room(id.as_str())?;
    let space = <&RoomId>::try_from(row.space_id.as_deref()?).ok()?;
    let (space, owner) = ground.spaces.owners.get_key_value(space)?;
    (owner.as_str() == row.matrix_user_id).then_some((*owner, Home::Space(space)))
}

/// Puts the chats together.
pub(super) fn complete<'a>(
    ground: &Ground<'_, 'a>,
    drafts: Vec<Draft<'a>>,
    numbers: &BTreeMap<&RoomId, ChatId>,
    contexts: &BTreeMap<&RoomId, Context>,
) -> Vec<KnownChat<'a>> {
    let mut known: Vec<_> = drafts
        .into_iter()
        .filter_map(|draft| {
            let number = *numbers.get(draft.id)?;
            let context = *contexts.get(draft.id)?;
            Some(KnownChat {
                id: draft.id,
                room: draft.room,
                owner: draft.owner,
                home: draft.home,
                number,
                name: name_of(ground, draft, number),
                agent: agent_of(ground, draft),
                context,
                archived: is_archived(ground, draft),
            })
        })
        .collect();
    known.sort_unstable_by_key(|chat| chat.id);
    known
}

fn name_of(ground: &Ground<'_, '_>, draft: Draft<'_>, number: ChatId) -> String {
    let room = draft.id.as_str();
    let by_room_row = ground.records.chat_room(room).map(|row| &row.display_name);
    let by_chat_row = ground.records.chats_in(room).map(|row| &row.name);
    let recorded = by_room_row.into_iter().chain(by_chat_row);
    // The same cleaning as of a name that arrives while the bot runs, so that the two never differ.
    let named = draft.room.seen.name.as_deref().and_then(name::from_room);
    named
        .or_else(|| {
            recorded
                .into_iter()
                .find(|name| !name.trim().is_empty())
                .cloned()
        })
        .unwrap_or_else(|| default_name(ground, draft.home, number))
}

/// The name a new chat would have got. Only rows get it; the room itself stays as the owner left it.
fn default_name(ground: &Ground<'_, '_>, home: Home<'_>, number: ChatId) -> String {
    let chosen = ground
        .spaces
        .marker_of(ground.observed, home.id())
        .and_then(|marker| Locale::from_code(marker.locale.as_deref()?));
    text::chat_name(chosen.unwrap_or(ground.defaults.locale), number)
}

fn agent_of<'a>(ground: &Ground<'_, 'a>, draft: Draft<'a>) -> &'a str {
    let by_marker = draft.room.seen.chat_marker.ours();
    let by_marker = by_marker.map(|marker| marker.agent_id.as_str());
    let by_row = ground.records.chat_room(draft.id.as_str());
    let by_row = by_row.and_then(|row| row.agent_id.as_deref());
    let by_space = ground.spaces.marker_of(ground.observed, draft.home.id());
    let by_space = by_space.and_then(|marker| marker.default_agent.as_deref());
    [by_marker, by_row, by_space]
        .into_iter()
        .flatten()
        .find(|agent| !agent.is_empty())
        .unwrap_or(ground.defaults.agent_id.as_str())
}

fn is_archived(ground: &Ground<'_, '_>, draft: Draft<'_>) -> bool {
    if let Some(marker) = draft.room.seen.chat_marker.ours() {
        return marker.archived;
    }
    let is_linked = ground.graph.linked_from(draft.id).next().is_some();
    let mut rows = ground.records.chats_in(draft.id.as_str());
    !is_linked && rows.any(|row| row.status == "archived")
}
