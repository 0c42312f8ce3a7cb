//! Which context each chat has. No two chats ever get the same one.

use std::collections::{BTreeMap, BTreeSet};

use matrix_sdk::ruma::RoomId;
use uuid::Uuid;

use super::{
    Findings, Ground,
    chats::Draft,
    numbers::{Held, context_of},
};
use crate::{
    core::ids::{PlatformChatId, RoomKey},
    matrix::reconcile::report::ConflictKind,
};

/// The context of a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) id: PlatformChatId,
    pub(super) generation: u32,
    /// Neither marker nor row named one that could be kept.
    pub(super) backfilled: bool,
}

/// Gives every chat its context: marker, row, derived from the room. `drafts` are ordered by age, so the older keeps
/// what two of them claim.
pub(super) fn assign<'a>(
    ground: &Ground<'_, 'a>,
    drafts: &[Draft<'a>],
    held: &Held<'a>,
    findings: &mut Findings,
) -> BTreeMap<&'a RoomId, Context> {
    let mut taken = held.contexts.clone();
    let mut given: BTreeMap<&RoomId, Context> = BTreeMap::new();
    let mut waiting = Vec::new();
    for draft in drafts {
        let Some(marker) = draft.room.seen.chat_marker.ours() else {
            continue;
        };
        if taken.insert(marker.platform_chat_id) {
            given.insert(draft.id, kept(marker.platform_chat_id, marker.generation));
        } else {
            report_taken(draft, findings);
            waiting.push((draft.id, marker.generation));
        }
    }
    taken.extend(&held.old_contexts);
    for draft in drafts {
        if draft.room.seen.chat_marker.ours().is_some() {
            continue;
        }
        match recorded_context(ground, draft) {
            Some((context, generation)) if taken.insert(context) => {
                given.insert(draft.id, kept(context, generation));
            }
            Some(_) => {
                report_taken(draft, findings);
                waiting.push((draft.id, 0));
            }
            None => waiting.push((draft.id, 0)),
        }
    }
    for (room, generation) in waiting {
        given.insert(room, backfilled(room, generation, &mut taken));
    }
    given
}

const fn kept(context: Uuid, generation: u32) -> Context {
    Context {
        id: PlatformChatId::new(context),
        generation,
        backfilled: false,
    }
}

fn report_taken(draft: &Draft<'_>, findings: &mut Findings) {
    let detail = "its context belongs to another room; it gets one of its own";
    findings.conflict(ConflictKind::ContextTaken, draft.id, detail);
}

fn recorded_context(ground: &Ground<'_, '_>, draft: &Draft<'_>) -> Option<(Uuid, u32)> {
    let row = ground.records.chat_room(draft.id.as_str())?;
    let context = context_of(row.platform_chat_id.as_deref()?)?;
    Some((context, row.generation))
}

/// The context derived from the room. Where another room holds it already, the next generation's.
fn backfilled(room: &RoomId, from: u32, taken: &mut BTreeSet<Uuid>) -> Context {
    let key = RoomKey::new(room.as_str());
    let mut generation = from;
    loop {
        let id = PlatformChatId::backfill(&key, generation);
        if taken.insert(id.uuid()) {
            return Context {
                id,
                generation,
                backfilled: true,
            };
        }
        generation = generation.wrapping_add(1);
    }
}
