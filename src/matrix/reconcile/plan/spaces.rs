//! Whose each Space is, and which of several is a user's Space.

use std::collections::{BTreeMap, BTreeSet};

use matrix_sdk::ruma::{RoomId, UserId};

use super::{
    Findings, by_age,
    classify::{Classified, OurRoom},
    records::Records,
};
use crate::matrix::{
    marker::SpaceMarker,
    reconcile::{
        observe::Observed,
        report::{ConflictKind, SkipReason},
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
    let by_chats = owners_by_chat_markers(rooms);
    let mut spaces = Spaces::default();
    for id in by_age(&rooms.spaces, |space| space.made_at) {
        let space = rooms.spaces[id];
        report_mismatch(id, space, findings);
        let owner = named_owner(space)
            .or_else(|| by_chats.get(id).copied().flatten())
            .or_else(|| owner_by_rows(id, records))
            .or_else(|| only_other_account(space));
        let Some(owner) = owner else {
            findings.conflict(
                ConflictKind::OwnerAmbiguous,
                id,
                "no marker or row names the owner, and not exactly one other account was ever in the Space",
            );
            findings.skip(id, SkipReason::OwnerAmbiguous);
            rooms.spaces.remove(id);
            rooms.closed.insert(id);
            continue;
        };
        spaces.owners.insert(id, owner);
        if let Some(first) = spaces.of_owner.get(owner) {
            let detail = format!("{owner} has the older Space {first}");
            findings.conflict(ConflictKind::SecondSpace, id, detail);
        } else {
            spaces.of_owner.insert(owner, id);
        }
    }
    spaces
}

fn named_owner<'a>(space: OurRoom<'a>) -> Option<&'a UserId> {
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

/// The Space's own row, then the user's row, then the rows of its chats where they agree.
fn owner_by_rows<'a>(space: &RoomId, records: &Records<'a>) -> Option<&'a UserId> {
    let id = space.as_str();
    let own = records.rooms.get(id).filter(|row| row.room_type == "space");
    let own = own.and_then(|row| user_id(&row.matrix_user_id));
    own.or_else(|| agreed(records.users_of(id).map(|row| row.user_id.as_str())))
        .or_else(|| agreed(records.rooms_of(id).map(|row| row.matrix_user_id.as_str())))
}

fn agreed<'a>(owners: impl Iterator<Item = &'a str>) -> Option<&'a UserId> {
    let owners: BTreeSet<&str> = owners.collect();
    let [owner] = owners.into_iter().collect::<Vec<_>>()[..] else {
        return None;
    };
    user_id(owner)
}

fn user_id(text: &str) -> Option<&UserId> {
    <&UserId>::try_from(text).ok()
}

/// Someone who was only invited, perhaps by the owner, does not make the owner doubtful.
fn only_other_account<'a>(space: OurRoom<'a>) -> Option<&'a UserId> {
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
