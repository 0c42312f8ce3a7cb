//! Which number each chat has among its owner's, and the numbers and contexts that are not to be had.

use std::collections::{BTreeMap, BTreeSet};

use matrix_sdk::ruma::{RoomId, UserId};
use uuid::Uuid;

use super::{Findings, Ground, chats::Draft, classify::Classified};
use crate::{core::ids::ChatId, matrix::reconcile::report::ConflictKind};

/// A larger number in a room's name was not meant as the chat's.
const LARGEST_IN_A_NAME: u32 = 9_999;

/// Numbers and contexts of rooms that are not decided about in this plan.
#[derive(Default)]
pub(super) struct Held<'a> {
    /// Of rooms that are left alone: not even a marker elsewhere can claim them.
    pub(super) numbers: BTreeSet<(&'a str, u32)>,
    /// Of rooms that are left alone.
    pub(super) contexts: BTreeSet<Uuid>,
    /// In rows of rooms that are no chats any more: free for a marker that claims them, and for nothing else.
    pub(super) old_numbers: BTreeSet<(&'a str, u32)>,
    /// In rows of rooms that are no chats any more.
    pub(super) old_contexts: BTreeSet<Uuid>,
}

impl<'a> Held<'a> {
    pub(super) fn of(
        ground: &Ground<'_, 'a>,
        rooms: &Classified<'a>,
        drafts: &[Draft<'a>],
    ) -> Self {
        let closed: BTreeSet<&str> = rooms.closed.iter().map(|room| room.as_str()).collect();
        let joined: BTreeSet<&str> = ground.observed.rooms.keys().map(|id| id.as_str()).collect();
        let known: BTreeSet<&str> = drafts.iter().map(|draft| draft.id.as_str()).collect();
        let mut held = Self::default();
        held.take_markers(ground, rooms);
        for row in ground
            .records
            .rooms
            .values()
            .filter(|row| row.room_type == "chat")
        {
            let room = row.room_id.as_str();
            let is_closed = closed.contains(room);
            // Of a room that is not left alone the row is put right or dropped.
            if !is_closed && joined.contains(room) {
                continue;
            }
            if let Some((chat_id, number)) = row.chat_id.as_deref().and_then(numbered) {
                let key = (row.matrix_user_id.as_str(), chat_id);
                let chat = ground.records.chats.get(&key);
                // Both tables have to say so before a marker elsewhere gives way.
                let is_borne_out = chat.is_some_and(|chat| chat.surface_ref == room);
                held.numbers(is_closed && is_borne_out)
                    .insert((key.0, number));
            }
            if let Some(context) = row.platform_chat_id.as_deref().and_then(context_of) {
                held.contexts(is_closed).insert(context);
            }
        }
        for row in ground.records.chats.values() {
            if !known.contains(row.surface_ref.as_str())
                && let Some(number) = number_of(&row.chat_id)
            {
                held.old_numbers.insert((&row.user_id, number));
            }
        }
        held
    }

    fn take_markers(&mut self, ground: &Ground<'_, 'a>, rooms: &Classified<'a>) {
        for room in &rooms.closed {
            let seen = ground.observed.rooms.get(*room);
            let Some(marker) = seen.and_then(|seen| seen.chat_marker.ours()) else {
                continue;
            };
            if let Some(number) = number_of(&marker.chat_id) {
                self.numbers.insert((marker.owner.as_str(), number));
            }
            self.contexts.insert(marker.platform_chat_id);
        }
    }

    const fn numbers(&mut self, is_closed: bool) -> &mut BTreeSet<(&'a str, u32)> {
        if is_closed {
            &mut self.numbers
        } else {
            &mut self.old_numbers
        }
    }

    const fn contexts(&mut self, is_closed: bool) -> &mut BTreeSet<Uuid> {
        if is_closed {
            &mut self.contexts
        } else {
            &mut self.old_contexts
        }
    }
}

/// The number in a chat id.
pub(super) fn number_of(chat_id: &str) -> Option<u32> {
    chat_id.parse().ok().map(ChatId::number)
}

fn numbered(chat_id: &str) -> Option<(&str, u32)> {
    Some((chat_id, number_of(chat_id)?))
}

/// The context in a row.
pub(super) fn context_of(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok()
}

/// Numbers taken so far, and rooms served.
struct Counter<'a> {
    taken: BTreeSet<(&'a str, u32)>,
    given: BTreeMap<&'a RoomId, ChatId>,
}

impl<'a> Counter<'a> {
    fn give(&mut self, draft: &Draft<'a>, number: u32) -> bool {
        let is_free = self.taken.insert((draft.owner.as_str(), number));
        if is_free {
            self.given.insert(draft.id, ChatId::new(number));
        }
        is_free
    }

    fn is_waiting(&self, draft: &Draft<'_>) -> bool {
        !self.given.contains_key(draft.id)
    }
}

/// Gives every chat its number: marker, row, name, next free. `drafts` are ordered by age, so the older keeps what
/// two of them claim.
pub(super) fn assign<'a>(
    ground: &Ground<'_, 'a>,
    drafts: &[Draft<'a>],
    held: &Held<'a>,
    findings: &mut Findings,
) -> BTreeMap<&'a RoomId, ChatId> {
    let mut counter = Counter {
        taken: held.numbers.clone(),
        given: BTreeMap::new(),
    };
    for draft in drafts {
        let Some(marker) = draft.room.seen.chat_marker.ours() else {
            continue;
        };
        match number_of(&marker.chat_id) {
            Some(number) if counter.give(draft, number) => {}
            Some(number) => {
                let detail = format!("C{number} of {} belongs to another room", draft.owner);
                findings.conflict(ConflictKind::ChatIdTaken, draft.id, detail);
            }
            None => {
                let detail = "the chat id in the marker cannot be understood and counts as missing";
                findings.conflict(ConflictKind::MalformedMarker, draft.id, detail);
            }
        }
    }
    counter.taken.extend(&held.old_numbers);
    for draft in drafts {
        if counter.is_waiting(draft)
            && let Some(number) = recorded_number(ground, draft)
        {
            counter.give(draft, number);
        }
    }
    for draft in drafts {
        if counter.is_waiting(draft)
            && let Some(number) = draft.room.seen.name.as_deref().and_then(number_in_name)
        {
            counter.give(draft, number);
        }
    }
    let mut next: BTreeMap<&UserId, u32> = BTreeMap::new();
    for draft in drafts {
        if counter.is_waiting(draft) {
            let number = next.entry(draft.owner).or_insert(1);
            while !counter.give(draft, *number) {
                *number += 1;
            }
        }
    }
    counter.given
}

fn recorded_number(ground: &Ground<'_, '_>, draft: &Draft<'_>) -> Option<u32> {
    let room = draft.id.as_str();
    let by_room_row = ground.records.chat_room(room);
    let by_room_row = by_room_row.and_then(|row| number_of(row.chat_id.as_deref()?));
    by_room_row.or_else(|| {
        let mut rows = ground.records.chats_in(room);
        rows.find(|row| row.user_id == draft.owner.as_str())
            .and_then(|row| number_of(&row.chat_id))
    })
}

/// The first number in the name: `Чат 3` is the third.
fn number_in_name(name: &str) -> Option<u32> {
    let digits: String = name
        .chars()
        .skip_while(|letter| !letter.is_ascii_digit())
        .take_while(char::is_ascii_digit)
        .collect();
    let number = digits.parse().ok()?;
    (1..=LARGEST_IN_A_NAME).contains(&number).then_some(number)
}
