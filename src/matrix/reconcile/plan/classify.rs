//! What each joined room is: a Space of the bot's, possibly a chat, an entry room, or none of our business.
//!
//! By the creation event, links and markers only. Names and member counts say nothing.

use std::collections::{BTreeMap, BTreeSet};

use matrix_sdk::ruma::{RoomId, UserId};

use super::{Findings, Recorded};
use crate::matrix::{
    marker::{CreationFacts, RoomKind},
    reconcile::{
        report::{ConflictKind, SkipReason},
        seen::{Creation, Forged, Forgery, Mark, Observed, RoomType, SeenRoom},
    },
};

/// The joined rooms, sorted. Each is in one of the groups at most.
#[derive(Default)]
pub(super) struct Classified<'a> {
    /// Spaces that the bot made.
    pub(super) spaces: BTreeMap<&'a RoomId, OurRoom<'a>>,
    /// Other rooms that the bot made: chats, if more speaks for it.
    pub(super) rooms: BTreeMap<&'a RoomId, OurRoom<'a>>,
    /// Entry rooms, and who invited the bot there.
    pub(super) entries: BTreeMap<&'a RoomId, &'a UserId>,
    /// Rooms whose rows stay as they are, whatever they say.
    pub(super) closed: BTreeSet<&'a RoomId>,
    /// Of these: Spaces whose owner could not be found.
    pub(super) ownerless: BTreeSet<&'a RoomId>,
}

/// A room that the bot made.
#[derive(Clone, Copy)]
pub(super) struct OurRoom<'a> {
    pub(super) seen: &'a SeenRoom,
    pub(super) made_at: u64,
    pub(super) facts: Option<&'a CreationFacts>,
}

pub(super) fn classify<'a>(
    observed: &'a Observed,
    recorded: &Recorded,
    findings: &mut Findings,
) -> Classified<'a> {
    let mut sorted = Classified::default();
    for room in &observed.incomplete {
        findings.skip(room, SkipReason::StateIncomplete);
        sorted.closed.insert(room);
    }
    let linked = linked_by_bot(observed);
    for (id, seen) in &observed.rooms {
        report_forgeries(observed, id, seen, findings);
        let Some(creation) = &seen.creation else {
            findings.skip(id, SkipReason::StateIncomplete);
            sorted.closed.insert(id);
            continue;
        };
        if !creation.by_bot {
            sort_foreign(id, seen, creation, &linked, &mut sorted, findings);
            continue;
        }
        if let Some(reason) = closed_because(seen, creation, recorded) {
            findings.skip(id, reason);
            sorted.closed.insert(id);
            continue;
        }
        report_malformed(id, seen, creation, findings);
        let room = OurRoom {
            seen,
            made_at: creation.at,
            facts: creation.facts.ours(),
        };
        match creation.room_type {
            RoomType::Space => sorted.spaces.insert(id, room),
            RoomType::Plain | RoomType::Other => sorted.rooms.insert(id, room),
        };
    }
    sorted
}

/// Every room that one of the bot's rooms names as a child, in the bot's own words.
fn linked_by_bot(observed: &Observed) -> BTreeSet<&RoomId> {
    let ours = observed.rooms.values().filter(|seen| seen.is_ours());
    ours.flat_map(|seen| seen.children.iter().map(AsRef::as_ref))
        .collect()
}

fn sort_foreign<'a>(
    id: &'a RoomId,
    seen: &'a SeenRoom,
    creation: &Creation,
    linked: &BTreeSet<&RoomId>,
    sorted: &mut Classified<'a>,
    findings: &mut Findings,
) {
    let is_space = creation.room_type == RoomType::Space;
    let has_links = !seen.parents.is_empty() || !seen.children.is_empty() || linked.contains(id);
    let inviter = match &seen.entry_of {
        Some(inviter) => Some(inviter),
        None if is_space || has_links => None,
        None => seen.invited_by.as_ref(),
    };
    if let Some(inviter) = inviter {
        sorted.entries.insert(id, inviter);
    }
    if is_space {
        findings.skip(id, SkipReason::ForeignSpace);
    } else if inviter.is_none() {
        findings.skip(id, SkipReason::ForeignRoom);
    }
}

/// Why a room that the bot made is left alone, if it is.
fn closed_because(seen: &SeenRoom, creation: &Creation, recorded: &Recorded) -> Option<SkipReason> {
    let is_newer = creation.facts == Mark::Newer
        || seen.space_marker == Mark::Newer
        || seen.chat_marker == Mark::Newer;
    if is_newer {
        return Some(SkipReason::NewerVersion);
    }
    let facts = creation.facts.ours();
    if facts.is_some_and(|facts| recorded.pending_intents.contains(&facts.intent)) {
        return Some(SkipReason::BeingMade);
    }
    match (creation.room_type, facts.map(|facts| facts.kind)) {
        (RoomType::Space, Some(RoomKind::Chat))
        | (RoomType::Plain | RoomType::Other, Some(RoomKind::Space)) => {
            Some(SkipReason::KindContradiction)
        }
        (RoomType::Other, None) => Some(SkipReason::Unclassified),
        _ => None,
    }
}

fn report_malformed(id: &RoomId, seen: &SeenRoom, creation: &Creation, findings: &mut Findings) {
    let malformed = [
        (creation.facts == Mark::Malformed, "creation content"),
        (seen.space_marker == Mark::Malformed, "Space marker"),
        (seen.chat_marker == Mark::Malformed, "chat marker"),
    ];
    for (_, what) in malformed
        .into_iter()
        .filter(|(is_malformed, _)| *is_malformed)
    {
        let detail = format!("the {what} cannot be understood and counts as missing");
        findings.conflict(ConflictKind::MalformedMarker, id, detail);
    }
}

/// A link by someone else is of interest only where it is in one of the bot's rooms or leads to one.
fn report_forgeries(observed: &Observed, id: &RoomId, seen: &SeenRoom, findings: &mut Findings) {
    for Forgery { of, sender, target } in &seen.forgeries {
        let leads_to_ours = target
            .as_ref()
            .and_then(|room| observed.rooms.get(room))
            .is_some_and(SeenRoom::is_ours);
        let is_link_elsewhere = !seen.is_ours() && !leads_to_ours;
        let (kind, detail) = match of {
            Forged::Creation => (
                ConflictKind::ForgedCreation,
                format!("made by {sender}, not by the bot"),
            ),
            Forged::Marker => (ConflictKind::ForgedMarker, format!("written by {sender}")),
            Forged::Child | Forged::Parent if is_link_elsewhere => continue,
            Forged::Child => (
                ConflictKind::ForgedChild,
                link_detail(sender, target.as_deref()),
            ),
            Forged::Parent => (
                ConflictKind::ForgedParent,
                link_detail(sender, target.as_deref()),
            ),
        };
        findings.conflict(kind, id, detail);
    }
}

fn link_detail(sender: &UserId, target: Option<&RoomId>) -> String {
    match target {
        Some(room) => format!("link to {room} written by {sender}"),
        None => format!("link to no room id written by {sender}"),
    }
}
