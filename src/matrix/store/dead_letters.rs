//! What never got its answer, kept where operators can see it.

use matrix_sdk::ruma::{EventId, RoomId};
use rusqlite::{Connection, params};

use super::{Store, StoreError};

/// The part under which an event itself is dead, not a message of its answer.
const WHOLE_EVENT: i64 = -1;

/// How many letters are dead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeadLetters {
    /// Messages that the server refused for good.
    pub answers: u64,
    /// Events that were given up.
    pub events: u64,
}

impl Store {
    /// The event is given up: nothing that is frozen for it is sent any more.
    pub async fn bury(
        &self,
        event: &EventId,
        room: &RoomId,
        reason: &'static str,
    ) -> Result<(), StoreError> {
        let (event, room) = (event.to_string(), room.to_string());
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            transaction.execute(
                "UPDATE outbox SET failure = ?2 WHERE question = ?1 AND event_id IS NULL AND failure IS NULL",
                params![event, reason],
            )?;
            note(&transaction, &event, WHOLE_EVENT, "event", &room, reason)?;
            Ok(transaction.commit()?)
        })
        .await
    }

    /// All there are.
    pub async fn dead_letters(&self) -> Result<DeadLetters, StoreError> {
        self.call(|connection| {
            let count = |kind: &str| -> Result<u64, StoreError> {
                let count: i64 = connection
                    .prepare_cached("SELECT count(*) FROM dead_letter WHERE kind = ?1")?
                    .query_row([kind], |row| row.get(0))?;
                Ok(u64::try_from(count).unwrap_or(0))
            };
            Ok(DeadLetters {
                answers: count("answer")?,
                events: count("event")?,
            })
        })
        .await
    }
}

/// A message of an answer that the server will never have.
pub(super) fn note_answer(
    connection: &Connection,
    question: &str,
    part: u32,
    reason: &str,
) -> Result<(), StoreError> {
    let room: String = connection
        .prepare_cached("SELECT room_id FROM outbox WHERE question = ?1 AND part = ?2")?
        .query_row(params![question, part], |row| row.get(0))?;
    note(
        connection,
        question,
        i64::from(part),
        "answer",
        &room,
        reason,
    )
}

fn note(
    connection: &Connection,
    question: &str,
    part: i64,
    kind: &str,
    room: &str,
    reason: &str,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO dead_letter (question, part, kind, room_id, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![question, part, kind, room, reason])?;
    Ok(())
}
