//! The rows, findable by every key that a step asks for. Ids in rows are text that anyone may have edited.

use std::collections::BTreeMap;

use super::Recorded;
use crate::matrix::store::rows::{ChatRow, RoomRow, UserRow};

/// The recorded rows by key.
pub(super) struct Records<'a> {
    pub(super) users: BTreeMap<&'a str, &'a UserRow>,
    pub(super) rooms: BTreeMap<&'a str, &'a RoomRow>,
    pub(super) chats: BTreeMap<(&'a str, &'a str), &'a ChatRow>,
    chats_by_room: BTreeMap<&'a str, Vec<&'a ChatRow>>,
    users_by_space: BTreeMap<&'a str, Vec<&'a UserRow>>,
}

impl<'a> Records<'a> {
    pub(super) fn of(recorded: &'a Recorded) -> Self {
        let rows = &recorded.rows;
        let mut records = Self {
            users: rows
                .users
                .iter()
                .map(|row| (row.user_id.as_str(), row))
                .collect(),
            rooms: rows
                .rooms
                .iter()
                .map(|row| (row.room_id.as_str(), row))
                .collect(),
            chats: rows
                .chats
                .iter()
                .map(|row| ((row.user_id.as_str(), row.chat_id.as_str()), row))
                .collect(),
            chats_by_room: BTreeMap::new(),
            users_by_space: BTreeMap::new(),
        };
        // Through the maps by primary key, so that the order of the input means nothing.
        for row in records.chats.values() {
            records
                .chats_by_room
                .entry(&row.surface_ref)
                .or_default()
                .push(row);
        }
        for row in records.users.values() {
            if let Some(space) = &row.space_id {
                records.users_by_space.entry(space).or_default().push(row);
            }
        }
        records
    }

    /// The room's row, if it is a chat's.
    pub(super) fn chat_room(&self, room: &str) -> Option<&'a RoomRow> {
        self.rooms
            .get(room)
            .copied()
            .filter(|row| row.room_type == "chat")
    }

    /// The `chat` rows that point at the room.
    pub(super) fn chats_in(&self, room: &str) -> impl Iterator<Item = &'a ChatRow> + use<'_, 'a> {
        self.chats_by_room.get(room).into_iter().flatten().copied()
    }

    /// The `matrix_user` rows that point at the Space.
    pub(super) fn users_of(&self, space: &str) -> impl Iterator<Item = &'a UserRow> + use<'_, 'a> {
        self.users_by_space
            .get(space)
            .into_iter()
            .flatten()
            .copied()
    }
}
