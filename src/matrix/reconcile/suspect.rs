//! Rooms whose snapshot can be short or wrong, and deserves a second look before anything is written.
//!
//! The state in a sync response can miss an event of a room that has forked; `GET /state` cannot. Asking for every
//! room would cost a request each, so only what does not add up is asked for: on a healthy server, nothing.

use std::collections::BTreeSet;

use matrix_sdk::ruma::{OwnedRoomId, RoomId};

use super::{plan::Plan, report::SkipReason, seen::Observed};

/// The rooms to look at again: those that the plan would write to (a missing marker or link may be missing only in the
/// snapshot), those that it left alone for want of evidence, those that lack what every full state has, and the bot's
/// Spaces that link rooms in which the bot is not.
pub fn suspects(observed: &Observed, plan: &Plan) -> BTreeSet<OwnedRoomId> {
    let written = plan.writes.iter().map(|write| &write.room_id);
    let unexplained = plan.report.skipped_rooms.iter().filter(|skipped| {
        matches!(
            skipped.reason,
            SkipReason::Unclassified | SkipReason::OwnerAmbiguous
        )
    });
    let unexplained = unexplained.map(|skipped| &skipped.room_id);
    let short = observed.rooms.iter().filter(|(_, seen)| {
        let is_joined =
            |room| observed.rooms.contains_key(room) || observed.incomplete.contains(room);
        let links_elsewhere = seen.is_ours() && !seen.children.iter().all(is_joined);
        seen.creation.is_none() || !seen.has_own_member || links_elsewhere
    });
    let short = short.map(|(room, _)| room);
    written.chain(unexplained).chain(short).cloned().collect()
}

/// The rooms whose rows the plan would change. The snapshot can lag behind what was just written, and in a room that has
/// forked a sync can tell an older marker as if it were the current one, for good. So a row that differs may be right:
/// these are looked at again before a row is taken for wrong.
pub fn touched_by_rows(observed: &Observed, plan: &Plan) -> BTreeSet<OwnedRoomId> {
    let rows = &plan.rows;
    let rooms = rows.put_rooms.iter().map(|row| row.room_id.as_str());
    let chats = rows.put_chats.iter().map(|row| row.surface_ref.as_str());
    let users = rows
        .put_users
        .iter()
        .filter_map(|row| row.space_id.as_deref());
    rooms
        .chain(rows.drop_rooms.iter().map(String::as_str))
        .chain(chats)
        .chain(users)
        .filter_map(|room| <&RoomId>::try_from(room).ok())
        .filter(|room| observed.rooms.contains_key(*room))
        .map(ToOwned::to_owned)
        .collect()
}
