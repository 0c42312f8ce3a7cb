//! The two kinds of change a plan can hold: rows of the three tables, and state events of rooms that exist.
//!
//! There is no variant for making, joining or leaving a room, so no plan can hold one.

use std::collections::BTreeMap;

use matrix_sdk::ruma::OwnedRoomId;
use serde_json::Value;

use crate::matrix::store::rows::{ChatRow, RoomRow, Rows, UserRow};

/// Changes to rows, applied in one transaction: first what is dropped, then what is put.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowChanges {
    /// `matrix_user` rows to drop, by `user_id`.
    pub drop_users: Vec<String>,
    /// `matrix_room` rows to drop, by `room_id`.
    pub drop_rooms: Vec<String>,
    /// `chat` rows to drop, by `user_id` and `chat_id`.
    pub drop_chats: Vec<(String, String)>,
    /// `matrix_user` rows to insert or replace.
    pub put_users: Vec<UserRow>,
    /// `matrix_room` rows to insert or replace.
    pub put_rooms: Vec<RoomRow>,
    /// `chat` rows to insert or replace.
    pub put_chats: Vec<ChatRow>,
}

impl RowChanges {
    /// How many rows change.
    pub fn len(&self) -> usize {
        self.drop_users.len()
            + self.drop_rooms.len()
            + self.drop_chats.len()
            + self.put_users.len()
            + self.put_rooms.len()
            + self.put_chats.len()
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the rows are afterwards, each table by primary key.
    pub fn applied_to(&self, rows: &Rows) -> Rows {
        let user_key = |row: &UserRow| row.user_id.clone();
        let room_key = |row: &RoomRow| row.room_id.clone();
        let chat_key = |row: &ChatRow| (row.user_id.clone(), row.chat_id.clone());
        Rows {
            users: merged(&rows.users, &self.drop_users, &self.put_users, user_key),
            rooms: merged(&rows.rooms, &self.drop_rooms, &self.put_rooms, room_key),
            chats: merged(&rows.chats, &self.drop_chats, &self.put_chats, chat_key),
        }
    }
}

fn merged<Row: Clone, Key: Ord>(
    old: &[Row],
    dropped: &[Key],
    put: &[Row],
    key: impl Fn(&Row) -> Key,
) -> Vec<Row> {
    let mut table: BTreeMap<Key, Row> = old.iter().map(|row| (key(row), row.clone())).collect();
    for gone in dropped {
        table.remove(gone);
    }
    table.extend(put.iter().map(|row| (key(row), row.clone())));
    table.into_values().collect()
}

/// One state event to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct StateWrite {
    /// Where.
    pub room_id: OwnedRoomId,
    /// `type`.
    pub event_type: &'static str,
    /// `state_key`.
    pub state_key: String,
    /// `content`.
    pub content: Value,
    /// What it is for.
    pub why: Why,
}

/// What a [`StateWrite`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A marker that is missing or no longer right.
    Stamp,
    /// A link between a Space and a chat that should be there.
    Link,
    /// A link between a Space and a chat that should not be there.
    Unlink,
}

#[cfg(test)]
mod tests {
    use super::RowChanges;
    use crate::matrix::store::rows::{ChatRow, Rows, UserRow};

    fn chat(user: &str, id: &str, room: &str) -> ChatRow {
        ChatRow {
            user_id: user.into(),
            chat_id: id.into(),
            surface_ref: room.into(),
            ..ChatRow::default()
        }
    }

    #[test]
    fn a_row_dropped_and_put_under_another_key_has_moved() {
        let rows = Rows {
            chats: vec![chat("@a:hs", "C1", "!one"), chat("@b:hs", "C1", "!two")],
            ..Rows::default()
        };
        let changes = RowChanges {
            drop_chats: vec![("@b:hs".into(), "C1".into())],
            put_chats: vec![chat("@a:hs", "C2", "!two")],
            ..RowChanges::default()
        };
        let after = changes.applied_to(&rows);
        assert_eq!(
            after.chats,
            [chat("@a:hs", "C1", "!one"), chat("@a:hs", "C2", "!two")]
        );
        assert_eq!(changes.len(), 2);
    }

    #[test]
    fn a_put_row_replaces_the_one_of_the_same_key() {
        let user = |space: &str| UserRow {
            user_id: "@a:hs".into(),
            space_id: Some(space.into()),
            ..UserRow::default()
        };
        let rows = Rows {
            users: vec![user("!old")],
            ..Rows::default()
        };
        let changes = RowChanges {
            put_users: vec![user("!new")],
            ..RowChanges::default()
        };
        assert_eq!(changes.applied_to(&rows).users, [user("!new")]);
    }

    #[test]
    fn no_change_leaves_the_rows_as_they_are() {
        let rows = Rows {
            chats: vec![chat("@a:hs", "C1", "!one")],
            ..Rows::default()
        };
        assert!(RowChanges::default().is_empty());
        assert_eq!(RowChanges::default().applied_to(&rows), rows);
    }
}
