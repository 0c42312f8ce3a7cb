//! Whether messages stand behind a question in its room, so that its answer has to say what it answers.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Store, StoreError};
use crate::matrix::{batch::TimelineItem, event};

/// Who has sent messages that stand behind a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Followers {
    /// Somebody else than the bot: the owner or a guest.
    pub people: bool,
    /// The bot, be it with a part of the question's own answer.
    pub bot: bool,
}

impl Store {
    /// Who has sent messages that stand behind this one, as far as they are known.
    pub async fn followers(&self, question: &str) -> Result<Followers, StoreError> {
        let question = question.to_owned();
        self.call(move |connection| {
            let found = connection
                .prepare_cached(
                    "SELECT t.said > j.seq, t.spoke >= j.seq FROM journal j JOIN room_tail t ON t.room_id = j.room_id
                     WHERE j.event_id = ?1",
                )?
                .query_row([question], |row| {
                    Ok(Followers {
                        people: row.get(0)?,
                        bot: row.get(1)?,
                    })
                })
                .optional()?;
            Ok(found.unwrap_or_default())
        })
        .await
    }
}

/// A new event of somebody else, with its place in the journal. Only messages stand between others.
pub(super) fn note_message(
    connection: &Connection,
    seq: i64,
    room: &str,
    item: &TimelineItem,
) -> Result<(), StoreError> {
    let is_message = event::is_message(&item.event_type) || item.event_type == "m.room.encrypted";
    if is_message && !event::is_edit(item) {
        connection
            .prepare_cached(
                "INSERT INTO room_tail (room_id, said) VALUES (?1, ?2)
                 ON CONFLICT (room_id) DO UPDATE SET said = max(said, excluded.said)",
            )?
            .execute(params![room, seq])?;
    }
    Ok(())
}

/// The bot sent a message when this was the newest event of the journal.
pub(super) fn note_own(connection: &Connection, room: &str, newest: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO room_tail (room_id, spoke) VALUES (?1, ?2)
             ON CONFLICT (room_id) DO UPDATE SET spoke = max(spoke, excluded.spoke)",
        )?
        .execute(params![room, newest])?;
    Ok(())
}

/// A message of the outbox is on the server. An edit stands where its message stands.
pub(super) fn note_sent(
    connection: &Connection,
    question: &str,
    part: u32,
) -> Result<(), StoreError> {
    let room: Option<String> = connection
        .prepare_cached(
            "SELECT room_id FROM outbox WHERE question = ?1 AND part = ?2
                 AND json_extract(content, '$.\"m.relates_to\".rel_type') IS NOT 'm.replace'",
        )?
        .query_row(params![question, part], |row| row.get(0))
        .optional()?;
    let Some(room) = room else {
        return Ok(());
    };
    let newest: i64 = connection
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM journal")?
        .query_row([], |row| row.get(0))?;
    note_own(connection, &room, newest)
}
