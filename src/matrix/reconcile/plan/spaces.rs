//! Whose each Space is, and which of several is a user's Space.

use std::collections::BTreeMap;

use matrix_sdk::ruma::{RoomId, UserId};

use super::{
    Findings, by_age,
    classify::{Classified, OurRoom},
    records::Records,
};
use crate::matrix::{
    marker::SpaceMarker,
    reconcile::{
        report::{ConflictKind, SkipReason},
        seen::Observed,
    },
};

/// The bot's Spaces and their owners.
#[derive(Default)]
pub(super) struct Spaces<'a> {
    /// The owner of every Space that has one.
    pub(super) owners: BTreeMap<&'a RoomId, &'a UserId>,
    /// Of every owner, the oldest Space.
    pub(super) of_owner: BTreeMap<&'a UserId, &'a RoomId>,
}

impl<'a> Spaces<'a> {
    /// The marker of one of the owned Spaces.
    pub(super) fn marker_of(
        &self,
        observed: &'a Observed,
        space: &RoomId,
    ) -> Option<&'a SpaceMarker> {
        let is_owned = self.owners.contains_key(space);
        let seen = observed.rooms.get(space).filter(|_| is_owned)?;
        seen.space_marker.ours()
    }
}

/// Finds the owners. A Space without one is closed from then on.
pub(super) fn resolve<'a>(
    rooms: &mut Classified<'a>,
    records: &Records<'a>,
    findings: &mut Findings,
) -> Spaces<'a> {
    let mut spaces = Spaces {
        owners: owners(rooms, records),
        of_owner: BTreeMap::new(),
    };
    for id in by_age(&rooms.spaces, |space| space.made_at) {
        report_mismatch(id, rooms.spaces[id], findings);
        let Some(owner) = spaces.owners.get(id) else {
            findings.conflict(
                ConflictKind::OwnerAmbiguous,
                id,
                "no marker or row names the owner, and not exactly one other account was ever in the Space",
            );
            findings.skip(id, SkipReason::OwnerAmbiguous);
            rooms.spaces.remove(id);
            rooms.closed.insert(id);
            rooms.ownerless.insert(id);
            continue;
        };
        if let Some(first) = spaces.of_owner.get(owner) {
            let detail = format!("{owner} has the older Space {first}");
            findings.conflict(ConflictKind::SecondSpace, id, detail);
        } else {
            spaces.of_owner.insert(owner, id);
        }
    }
    spaces
}

/// The owner of every Space that has one. The row of a user with a Space says nothing about another Space, so each
/// owner found can settle who owns a further one.
fn owners<'a>(rooms: &Classified<'a>, records: &Records<'a>) -> BTreeMap<&'a RoomId, &'a UserId> {
    let by_chats = owners_by_chat_markers(rooms);
    let mut owners = BTreeMap::new();
    let mut waiting = by_age(&rooms.spaces, |space| space.made_at);
    waiting.retain(|id| {
        let named = named_owner(rooms.spaces[id]);
        let owner = named.or_else(|| by_chats.get(id).copied().flatten());
        owners.extend(owner.map(|owner| (*id, owner)));
        owner.is_none()
    });
    loop {
        let before = waiting.len();
        waiting.retain(|id| {
            let owner = owner_by_rows(id, records, &owners);
            let owner = owner.or_else(|| only_other_account(rooms.spaces[id]));
            owners.extend(owner.map(|owner| (*id, owner)));
            owner.is_none()
        });
        if waiting.len() == before {
            return owners;
        }
    }
}

fn named_owner(space: OurRoom<'_>) -> Option<&UserId> {
    let by_facts = space.facts.map(|facts| facts.owner.as_ref());
    by_facts.or_else(|| {
        space
            .seen
            .space_marker
            .ours()
            .map(|marker| marker.owner.as_ref())
    })
}

fn report_mismatch(id: &RoomId, space: OurRoom<'_>, findings: &mut Findings) {
    if let (Some(facts), Some(marker)) = (space.facts, space.seen.space_marker.ours())
        && facts.owner != marker.owner
    {
        let detail = format!(
            "made for {}, but the marker names {}",
            facts.owner, marker.owner
        );
        findings.conflict(ConflictKind::OwnerMismatch, id, detail);
    }
}

/// The owner that all chats which name the Space agree on; `None` where they don't.
fn owners_by_chat_markers<'a>(rooms: &Classified<'a>) -> BTreeMap<&'a RoomId, Option<&'a UserId>> {
    let mut owners: BTreeMap<&RoomId, Option<&UserId>> = BTreeMap::new();
    for room in rooms.rooms.values() {
        let Some(marker) = room.seen.chat_marker.ours() else {
            continue;
        };
        let owner: &UserId = room.facts.map_or(&marker.owner, |facts| &facts.owner);
        owners
            .entry(&marker.space_id)
            .and_modify(|known| *known = known.filter(|known| *known == owner))
            .or_insert(Some(owner));
    }
    owners
}

/// The Space's own row, then the only user row that points at it.
fn owner_by_rows<'a>(
    space: &RoomId,
    records: &Records<'a>,
    owners: &BTreeMap<&RoomId, &UserId>,
) -> Option<&'a UserId> {
    let id = space.as_str();
    let own = records.rooms.get(id).filter(|row| row.room_type == "space");
    own.and_then(|row| user_id(&row.matrix_user_id))
        .or_else(|| {
            let users = records.users_of(id).filter_map(|row| user_id(&row.user_id));
            let mut spaceless = users.filter(|user| owners.values().all(|owner| owner != user));
            spaceless.next().filter(|_| spaceless.next().is_none())
        })
}

fn user_id(text: &str) -> Option<&UserId> {
    <&UserId>::try_from(text).ok()
}

/// Someone who was only invited, perhaps by the owner, does not make the owner doubtful.
fn only_other_account(space: OurRoom<'_>) -> Option<&UserId> {
    let accounts = &space.seen.accounts;
    let only = |was_in: bool| {
        let mut group = accounts
            .iter()
            .filter(|(_, account)| account.was_in == was_in)
            .map(|(user, _)| user.as_ref());
        (group.next(), group.next())
    };
    match only(true) {
        (Some(owner), None) => Some(owner),
        (None, _) => match only(false) {
            (Some(owner), None) => Some(owner),
            _ => None,
        },
        _ => None,
    }
}
