//! Which rows of `matrix_room` and `chat` differ from what was decided, and which have lost their room.

use std::collections::{BTreeMap, BTreeSet};

use matrix_sdk::ruma::RoomId;

use super::{Ground, chats::KnownChat, classify::Classified};
use crate::matrix::{
    reconcile::{changes::RowChanges, report::Report},
    store::rows::{ChatRow, RoomRow},
};

/// Changes to rows, and what they count as.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) changes: RowChanges,
    pub(super) report: Report,
}

/// Compares the rows of rooms and chats. Rows that are right are not touched.
pub(super) fn diff(
    ground: &Ground<'_, '_>,
    rooms: &Classified<'_>,
    known: &[KnownChat<'_>],
) -> Tally {
    let mut tally = Tally::default();
    let mut gone = BTreeSet::new();
    let fate = Fate::of(ground, rooms, known);
    put_rooms(ground, rooms, known, &mut tally);
    put_chats(ground, known, &fate, &mut tally);
    settle_rooms(ground, &fate, &mut tally, &mut gone);
    settle_chats(ground, &fate, &mut tally, &mut gone);
    tally.report.gone_rooms = gone.len();
    tally
}

fn put_rooms(
    ground: &Ground<'_, '_>,
    rooms: &Classified<'_>,
    known: &[KnownChat<'_>],
    tally: &mut Tally,
) {
    let spaces = ground.spaces.owners.iter();
    let spaces = spaces.filter_map(|(id, owner)| {
        let name = rooms.spaces.get(id)?.seen.name.clone();
        Some(space_row(ground, id, owner.as_str(), name))
    });
    let chats = known.iter().map(chat_room_row);
    let entries = rooms.entries.iter().map(|(id, inviter)| RoomRow {
        room_id: id.to_string(),
        room_type: "entry".to_owned(),
        display_name: room_name(ground, id),
        matrix_user_id: inviter.to_string(),
        ..RoomRow::default()
    });
    for wanted in spaces.chain(chats).chain(entries) {
        match ground.records.rooms.get(wanted.room_id.as_str()) {
            Some(row) if **row == wanted => continue,
            Some(_) => tally.report.repaired_room_meta += 1,
            None => tally.report.restored_room_meta += 1,
        }
        tally.changes.put_rooms.push(wanted);
    }
}

fn space_row(ground: &Ground<'_, '_>, id: &RoomId, owner: &str, name: Option<String>) -> RoomRow {
    let recorded = ground.records.rooms.get(id.as_str());
    RoomRow {
        room_id: id.to_string(),
        room_type: "space".to_owned(),
        display_name: name
            .or_else(|| recorded.map(|row| row.display_name.clone()))
            .unwrap_or_default(),
        matrix_user_id: owner.to_owned(),
        ..RoomRow::default()
    }
}

fn chat_room_row(chat: &KnownChat<'_>) -> RoomRow {
    RoomRow {
        room_id: chat.id.to_string(),
        room_type: "chat".to_owned(),
        chat_id: Some(chat.number.to_string()),
        display_name: chat.name.clone(),
        matrix_user_id: chat.owner.to_string(),
        space_id: Some(chat.home.id().to_string()),
        agent_id: Some(chat.agent.to_owned()),
        platform_chat_id: Some(chat.context.id.to_string()),
        generation: chat.context.generation,
        gone: false,
    }
}

fn room_name(ground: &Ground<'_, '_>, id: &RoomId) -> String {
    let seen = ground.observed.rooms.get(id);
    seen.and_then(|seen| seen.name.clone()).unwrap_or_default()
}

fn put_chats(ground: &Ground<'_, '_>, known: &[KnownChat<'_>], fate: &Fate<'_>, tally: &mut Tally) {
    for chat in known {
        let wanted = ChatRow {
            user_id: chat.owner.to_string(),
            chat_id: chat.number.to_string(),
            surface_ref: chat.id.to_string(),
            name: chat.name.clone(),
            status: if chat.archived { "archived" } else { "active" }.to_owned(),
        };
        let key = (wanted.user_id.as_str(), wanted.chat_id.as_str());
        let mut elsewhere = ground.records.chats_in(chat.id.as_str());
        let has_moved = elsewhere.any(|row| !fate.is_wanted(&row.user_id, &row.chat_id));
        match ground.records.chats.get(&key) {
            Some(row) if **row == wanted => continue,
            None if !has_moved => tally.report.restored_chat_rows += 1,
            _ => tally.report.repaired_chat_rows += 1,
        }
        tally.changes.put_chats.push(wanted);
    }
}

/// What becomes of rows that no room claims.
struct Fate<'a> {
    joined: BTreeSet<&'a str>,
    closed: BTreeSet<&'a str>,
    /// Rooms that have a row of their own by now.
    placed: BTreeSet<&'a str>,
    /// By room: the key of its `chat` row.
    chats: BTreeMap<&'a str, (&'a str, String)>,
    /// The keys of all of these.
    chat_keys: BTreeSet<(&'a str, String)>,
}

impl<'a> Fate<'a> {
    fn of(ground: &Ground<'_, 'a>, rooms: &Classified<'a>, known: &[KnownChat<'a>]) -> Self {
        let observed = ground.observed;
        let joined = observed.rooms.keys().chain(&observed.incomplete);
        let spaces = ground.spaces.owners.keys();
        let placed = spaces.chain(rooms.entries.keys()).copied();
        let chats: BTreeMap<_, _> = known
            .iter()
            .map(|chat| {
                (
                    chat.id.as_str(),
                    (chat.owner.as_str(), chat.number.to_string()),
                )
            })
            .collect();
        Self {
            joined: joined.map(|room| room.as_str()).collect(),
            closed: rooms.closed.iter().map(|room| room.as_str()).collect(),
            placed: placed
                .chain(known.iter().map(|chat| chat.id))
                .map(RoomId::as_str)
                .collect(),
            chat_keys: chats.values().cloned().collect(),
            chats,
        }
    }
}

impl Fate<'_> {
    fn is_wanted(&self, user: &str, chat_id: &str) -> bool {
        self.chat_keys.contains(&(user, chat_id.to_owned()))
    }
}

fn settle_rooms<'a>(
    ground: &Ground<'_, 'a>,
    fate: &Fate<'a>,
    tally: &mut Tally,
    gone: &mut BTreeSet<&'a str>,
) {
    for (room, row) in &ground.records.rooms {
        if fate.placed.contains(room) || fate.closed.contains(room) {
            continue;
        }
        let is_joined = fate.joined.contains(room);
        if is_joined && row.room_type != "entry" {
            // Someone else's room. A row that says otherwise would bind it to an owner of ours.
            tally.report.repaired_room_meta += 1;
            tally.changes.drop_rooms.push(row.room_id.clone());
        } else if row.gone == is_joined {
            // An entry room may be known by its row alone: the note of who invited us can have been lost.
            let mut changed = (*row).clone();
            changed.gone = !is_joined;
            tally.changes.put_rooms.push(changed);
            if is_joined {
                tally.report.repaired_room_meta += 1;
            } else {
                gone.insert(room);
            }
        }
    }
}

fn settle_chats<'a>(
    ground: &Ground<'_, 'a>,
    fate: &Fate<'a>,
    tally: &mut Tally,
    gone: &mut BTreeSet<&'a str>,
) {
    for ((user, chat_id), row) in &ground.records.chats {
        let room = row.surface_ref.as_str();
        if fate.is_wanted(user, chat_id) || fate.closed.contains(room) {
            continue;
        }
        if fate.chats.contains_key(room) {
            // What is left of a row that moved to its right key, or a second row of the same room.
            let (user, chat_id) = &fate.chats[room];
            if ground.records.chats.contains_key(&(user, chat_id.as_str())) {
                tally.report.repaired_chat_rows += 1;
            }
            tally
                .changes
                .drop_chats
                .push((row.user_id.clone(), row.chat_id.clone()));
        } else if row.status != "gone" {
            let mut changed = (*row).clone();
            "gone".clone_into(&mut changed.status);
            tally.changes.put_chats.push(changed);
            if fate.joined.contains(room) {
                tally.report.repaired_chat_rows += 1;
            } else {
                gone.insert(room);
            }
        }
    }
}
