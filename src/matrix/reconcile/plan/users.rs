//! Which rows of `matrix_user` differ from what was decided.

use std::collections::{BTreeMap, BTreeSet};

use matrix_sdk::ruma::{RoomId, UserId};

use super::{
    Ground,
    chats::{Home, KnownChat},
    classify::Classified,
    numbers::Held,
    rows::Tally,
};
use crate::matrix::{marker::SpaceMarker, reconcile::seen::RoomType, store::rows::UserRow};

/// Compares the rows of users. Rows that are right are not touched.
pub(super) fn diff(
    ground: &Ground<'_, '_>,
    rooms: &Classified<'_>,
    known: &[KnownChat<'_>],
    held: &Held<'_>,
    tally: &mut Tally,
) {
    let next = next_numbers(known, held);
    let next_of = |user: &str| next.get(user).copied().unwrap_or(1);
    for (owner, space) in &ground.spaces.of_owner {
        let wanted = user_row(ground, rooms, owner, space, next_of(owner.as_str()));
        put(ground, wanted, tally);
    }
    let unread = owners_of_unread_spaces(ground, rooms, known);
    for (owner, space) in &unread {
        if !ground.records.users.contains_key(owner.as_str()) {
            let row = UserRow {
                user_id: owner.to_string(),
                space_id: Some(space.to_string()),
                display_name: owner.localpart().to_owned(),
                next_chat_index: next_of(owner.as_str()),
                ..UserRow::default()
            };
            put(ground, row, tally);
        }
    }
    let closed: BTreeSet<&str> = rooms.closed.iter().map(|room| room.as_str()).collect();
    for row in ground.records.users.values() {
        let is_untouchable = row
            .space_id
            .as_deref()
            .is_some_and(|space| closed.contains(space));
        if !is_untouchable && !has_space(ground, row) {
            let unread = user_id(row).and_then(|user| unread.get(user).copied());
            settle(ground, row, unread, next_of(&row.user_id), tally);
        }
    }
}

/// One more than the highest number that any chat of the user has or had.
fn next_numbers<'a>(known: &'a [KnownChat<'_>], held: &'a Held<'_>) -> BTreeMap<&'a str, u32> {
    let decided = known
        .iter()
        .map(|chat| (chat.owner.as_str(), chat.number.number()));
    let others = held.numbers.iter().chain(&held.old_numbers).copied();
    let mut next: BTreeMap<&str, u32> = BTreeMap::new();
    for (user, number) in decided.chain(others) {
        let after = number.saturating_add(1);
        let highest = next.entry(user).or_insert(after);
        *highest = after.max(*highest);
    }
    next
}

fn user_row(
    ground: &Ground<'_, '_>,
    rooms: &Classified<'_>,
    owner: &UserId,
    space: &RoomId,
    next_chat_index: u32,
) -> UserRow {
    let recorded = ground.records.users.get(owner.as_str()).copied();
    let settings = ground.spaces.marker_of(ground.observed, space).cloned();
    let settings = settings.unwrap_or_else(|| SpaceMarker {
        version: 0,
        owner: owner.to_owned(),
        locale: recorded.and_then(|row| row.locale.clone()),
        default_agent: recorded.and_then(|row| row.default_agent.clone()),
        streaming: recorded.and_then(|row| row.streaming),
    });
    UserRow {
        user_id: owner.to_string(),
        space_id: Some(space.to_string()),
        display_name: display_name(ground, rooms, owner, space),
        next_chat_index,
        locale: settings.locale,
        default_agent: settings.default_agent,
        streaming: settings.streaming,
    }
}

/// As in the Space's name, else as the owner is called there, else the first part of the user id.
fn display_name(
    ground: &Ground<'_, '_>,
    rooms: &Classified<'_>,
    owner: &UserId,
    space: &RoomId,
) -> String {
    let seen = rooms.spaces.get(space).map(|space| space.seen);
    let in_name = seen
        .and_then(|seen| seen.name.as_deref())
        .and_then(|name| name.strip_prefix(ground.defaults.brand.as_str()))
        .and_then(|rest| rest.strip_prefix(" — "))
        .filter(|name| !name.trim().is_empty());
    let in_space = seen.and_then(|seen| seen.accounts.get(owner)?.display_name.as_deref());
    in_name.or(in_space).unwrap_or(owner.localpart()).to_owned()
}

/// Owners whose chats name a Space that is left alone now. With a row that names it too, nobody makes them a second
/// Space.
fn owners_of_unread_spaces<'a>(
    ground: &Ground<'_, '_>,
    rooms: &Classified<'_>,
    known: &[KnownChat<'a>],
) -> BTreeMap<&'a UserId, &'a RoomId> {
    let mut owners = BTreeMap::new();
    for chat in known {
        if let Home::Closed(space) = chat.home
            && !rooms.ownerless.contains(space)
            && !ground.spaces.of_owner.contains_key(chat.owner)
        {
            owners.entry(chat.owner).or_insert(space);
        }
    }
    owners
}

fn put(ground: &Ground<'_, '_>, wanted: UserRow, tally: &mut Tally) {
    let space = wanted.space_id.as_deref().unwrap_or_default();
    let mut elsewhere = ground.records.users_of(space);
    let has_moved = elsewhere.any(|row| !has_space(ground, row));
    match ground.records.users.get(wanted.user_id.as_str()) {
        Some(row) if **row == wanted => return,
        None if !has_moved => tally.report.restored_user_meta += 1,
        _ => tally.report.repaired_user_meta += 1,
    }
    tally.changes.put_users.push(wanted);
}

/// What becomes of the row of a user without a Space that could be read. `unread` is one that could not.
fn settle(
    ground: &Ground<'_, '_>,
    row: &UserRow,
    unread: Option<&RoomId>,
    next_chat_index: u32,
    tally: &mut Tally,
) {
    let mut wanted = row.clone();
    wanted.next_chat_index = next_chat_index;
    let named = row.space_id.as_deref();
    let named = named.and_then(|space| <&RoomId>::try_from(space).ok());
    if let Some(space) = unread {
        wanted.space_id = Some(space.to_string());
    } else if let Some(owner) = named.and_then(|space| ground.spaces.owners.get(space)) {
        // The Space has another owner, whose row is right by now: this one is what is left of it.
        if ground.records.users.contains_key(owner.as_str()) {
            tally.report.repaired_user_meta += 1;
        }
        tally.changes.drop_users.push(row.user_id.clone());
        return;
    } else if named.is_some_and(|space| is_no_space_of_ours(ground, space)) {
        wanted.space_id = None;
    }
    if wanted != *row {
        tally.report.repaired_user_meta += 1;
        tally.changes.put_users.push(wanted);
    }
}

fn has_space(ground: &Ground<'_, '_>, row: &UserRow) -> bool {
    user_id(row).is_some_and(|user| ground.spaces.of_owner.contains_key(user))
}

fn user_id(row: &UserRow) -> Option<&UserId> {
    <&UserId>::try_from(row.user_id.as_str()).ok()
}

/// Whether the bot is in the room and sees that it is no Space that it made. Of a room that it left it sees nothing.
fn is_no_space_of_ours(ground: &Ground<'_, '_>, room: &RoomId) -> bool {
    let seen = ground.observed.rooms.get(room);
    let creation = seen.and_then(|seen| seen.creation.as_ref());
    creation.is_some_and(|made| !made.by_bot || made.room_type != RoomType::Space)
}
