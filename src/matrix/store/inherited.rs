//! What a former life of the bot left behind: questions it did not finish with, and answers of it that come to light later
//! than they were given.

use std::collections::BTreeMap;

use matrix_sdk::ruma::{OwnedEventId, RoomId};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Store, StoreError,
    journal::{self, Numbers},
};

/// The number in the journal up to which events came with the first sync of a device, or before it.
const INHERITED: &str = "inherited_up_to";

impl Store {
    /// The oldest message of the room that waits and may have been answered by an earlier device, or by one whose memory
    /// is lost.
    pub async fn oldest_inherited(&self, room: &RoomId) -> Result<Option<String>, StoreError> {
        let room = room.to_string();
        self.call(move |connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT event_id FROM journal WHERE state = 'pending' AND room_id = ?1
                     AND seq <= (SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?2) ORDER BY seq LIMIT 1",
                )?
                .query_row([&room, INHERITED], |row| row.get(0))
                .optional()?)
        })
        .await
    }

    /// Takes in what a look at the room's history found: which questions are answered there, and which drafts begun.
    pub async fn learn_answers(
        &self,
        room: &RoomId,
        answered: BTreeMap<OwnedEventId, OwnedEventId>,
        drafts: Vec<(OwnedEventId, OwnedEventId)>,
    ) -> Result<(), StoreError> {
        let room = room.to_string();
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let mut numbers = Numbers::read(&transaction)?;
            take_in_answers(&transaction, &room, &answered, &drafts, &mut numbers)?;
            numbers.write(&transaction)?;
            Ok(transaction.commit()?)
        })
        .await
    }
}

/// What the journal holds now was brought by the first sync of a device, or left by another.
pub(super) fn note(connection: &Connection) -> Result<(), StoreError> {
    let last = Numbers::read(connection)?.last();
    journal::set_meta(connection, INHERITED, &last.to_string())
}

/// A question that is answered counts as done even before it comes. One that waits already, and for which nothing is
/// frozen, was answered in a former life: that answer is taken for ours. A draft is completed once its question is
/// answered.
pub(super) fn take_in_answers(
    connection: &Connection,
    room: &str,
    answered: &BTreeMap<OwnedEventId, OwnedEventId>,
    drafts: &[(OwnedEventId, OwnedEventId)],
    numbers: &mut Numbers,
) -> Result<(), StoreError> {
    let mut done = connection.prepare_cached(
        "INSERT INTO journal (seq, event_id, room_id, state, sender) VALUES (?1, ?2, ?3, 'done', '')
         ON CONFLICT (event_id) DO NOTHING",
    )?;
    let mut given = connection.prepare_cached(
        "INSERT INTO outbox (question, part, room_id, transaction_id, content, event_id)
         SELECT ?1, 1, ?2, '', '{}', ?3
         WHERE EXISTS (SELECT 1 FROM journal WHERE event_id = ?1 AND state = 'pending')
           AND NOT EXISTS (SELECT 1 FROM outbox WHERE question = ?1 AND part > 0)",
    )?;
    for (question, answer) in answered {
        done.execute(params![numbers.take(), question.as_str(), room])?;
        if given.execute(params![question.as_str(), room, answer.as_str()])? > 0 {
            tracing::info!(event.id = %question, answer.id = %answer, room.id = room,
                "{question} was answered before: the answer has come to light");
        }
    }
    let mut begun = connection.prepare_cached(
        "INSERT OR IGNORE INTO outbox (question, part, room_id, transaction_id, content, event_id)
         SELECT ?1, 0, ?2, '', '{}', ?3 WHERE NOT EXISTS
         (SELECT 1 FROM journal WHERE event_id = ?1 AND state = 'done')",
    )?;
    for (question, message) in drafts {
        begun.execute(params![question.as_str(), room, message.as_str()])?;
    }
    Ok(())
}
