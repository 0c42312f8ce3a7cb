//! What a room is to a message in it. Pure, over the rows.

use crate::{
    core::{chat::Chat, ids::UserKey},
    matrix::store::rows::RoomRow,
};

/// Where a message belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// To a chat.
    Chat(Chat),
    /// To the entry room of this user.
    Entry(UserKey),
    /// To nothing that listens: a Space, a room that is gone.
    Silent,
    /// The rows do not know the room: reconcile may.
    Unknown,
}

/// Routes by the room's row, and by the chat's where it is one.
pub fn route(room: Option<&RoomRow>, chat: Option<Chat>) -> Route {
    if let Some(chat) = chat {
        return Route::Chat(chat);
    }
    match room.map(|row| (row.room_type.as_str(), row.gone)) {
        Some((_, true) | ("space", _)) => Route::Silent,
        Some(("entry", _)) => room.map_or(Route::Unknown, |row| {
            Route::Entry(UserKey::new(&row.matrix_user_id))
        }),
        // A chat whose rows do not fit together counts as unknown, so that reconcile mends them.
        _ => Route::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(room_type: &str, gone: bool) -> RoomRow {
        RoomRow {
            room_id: "!r:hs".to_owned(),
            room_type: room_type.to_owned(),
            matrix_user_id: "@alice:hs".to_owned(),
            gone,
            ..RoomRow::default()
        }
    }

    #[test]
    fn rows_decide_where_a_message_belongs() {
        let cases = [
            (None, Route::Unknown),
            (Some(row("space", false)), Route::Silent),
            (
                Some(row("entry", false)),
                Route::Entry(UserKey::new("@alice:hs")),
            ),
            (Some(row("entry", true)), Route::Silent),
            (Some(row("chat", false)), Route::Unknown),
            (Some(row("nonsense", false)), Route::Unknown),
        ];
        for (row, expected) in cases {
            assert_eq!(route(row.as_ref(), None), expected, "{row:?}");
        }
    }
}
