//! The bound of a room's queue: which live messages find room in it, and which are refused.
//!
//! Only what comes while the bot is there fills a queue. What waited during its absence, and what a gap hid, is taken in
//! full: nobody could have known that it was too much.

use matrix_sdk::ruma::{OwnedRoomId, RoomId};
use rusqlite::{Connection, params};
use serde_json::Value;

use super::{Entry, Store, StoreError};
use crate::matrix::batch::TimelineItem;

/// How many times the queue's limit a sender's commands and reactions may fill: `!stop` is to come through where words
/// do not.
const FOR_COMMANDS: u32 = 2;

/// What becomes of a live event, by its sender's part of the room's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It waits for its turn.
    Wait,
    /// The queue is full: its sender is told.
    Refuse,
    /// The queue is full, and it is nothing whose sender expects an answer.
    Drop,
}

/// One person cannot fill the queue for another.
pub(super) fn admit(
    connection: &Connection,
    room: &str,
    item: &TimelineItem,
    limit: u32,
) -> Result<Admission, StoreError> {
    if item.event_type == "m.room.name" {
        // Only the last name counts, so one of them is enough.
        connection
            .prepare_cached(
                "UPDATE journal SET state = 'done', item = NULL
                 WHERE state = 'pending' AND room_id = ?1 AND sender = ?2 AND begun = 0
                       AND json_extract(item, '$.event_type') = 'm.room.name'",
            )?
            .execute(params![room, item.sender.as_str()])?;
        return Ok(Admission::Wait);
    }
    let is_message = matches!(
        item.event_type.as_str(),
        "m.room.message" | "m.room.encrypted"
    );
    let waiting: u32 = connection
        .prepare_cached(
            "SELECT count(*) FROM journal
             WHERE state = 'pending' AND room_id = ?1 AND live = 1 AND sender = ?2",
        )?
        .query_row(params![room, item.sender.as_str()], |row| row.get(0))?;
    let limit = if is_command(item) || !is_message {
        limit.saturating_mul(FOR_COMMANDS)
    } else {
        limit
    };
    Ok(match (waiting < limit, is_message) {
        (true, _) => Admission::Wait,
        (false, true) => Admission::Refuse,
        (false, false) => Admission::Drop,
    })
}

/// As far as can be told without reading the message: the caption of a file is none.
fn is_command(item: &TimelineItem) -> bool {
    let text = |key: &str| item.content.get(key).and_then(Value::as_str);
    matches!(text("msgtype"), Some("m.text" | "m.emote"))
        && text("body").is_some_and(|body| body.trim_start().starts_with('!'))
}

impl Store {
    /// Rooms with refused messages that nobody was told of.
    pub async fn rooms_with_refused(&self) -> Result<Vec<OwnedRoomId>, StoreError> {
        self.call(|connection| {
            let rooms: Vec<String> = connection
                .prepare_cached("SELECT DISTINCT room_id FROM journal WHERE state = 'refused'")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            Ok(rooms
                .into_iter()
                .filter_map(|room| room.try_into().ok())
                .collect())
        })
        .await
    }

    /// The oldest refused message of the room, and whether it begins a run: the one that its sender wrote before it was
    /// taken.
    pub async fn refused(&self, room: &RoomId) -> Result<Option<(Entry, bool)>, StoreError> {
        let room = room.to_string();
        self.call(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT seq, item, coalesce((
                     SELECT before.refused FROM journal AS before
                     WHERE before.room_id = journal.room_id AND before.sender = journal.sender
                       AND before.seq < journal.seq
                     ORDER BY before.seq DESC LIMIT 1), 0)
                 FROM journal WHERE state = 'refused' AND room_id = ?1 ORDER BY seq LIMIT 1",
            )?;
            let mut rows = statement.query([room])?;
            let Some(row) = rows.next()? else {
                return Ok(None);
            };
            let item: String = row.get(1)?;
            let Ok(item) = serde_json::from_str(&item) else {
                return Ok(None);
            };
            let entry = Entry {
                seq: row.get(0)?,
                item,
            };
            Ok(Some((entry, row.get::<_, i64>(2)? == 0)))
        })
        .await
    }
}
