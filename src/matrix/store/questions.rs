//! Permission questions: asked, decided, told.

use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId};
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::{Store, StoreError};
use crate::{
    core::chat::permission::Verdict,
    matrix::questions::note::{self, Note, Shown},
};

/// A question, and what became of it so far.
#[derive(Clone, Debug, PartialEq)]
pub struct QuestionRow {
    /// Names it.
    pub key: Uuid,
    /// Where it was asked.
    pub room: OwnedRoomId,
    /// What was asked.
    pub note: Note,
    /// The message, once the server has it.
    pub event_id: Option<OwnedEventId>,
    /// What was decided; `None` while it is open.
    pub verdict: Option<Verdict>,
    /// The event that decided it, where a person did.
    pub decided_by: Option<OwnedEventId>,
}

const COLUMNS: &str = "SELECT key, room_id, note, event_id, verdict, decided_by FROM question";

impl Store {
    /// Records the question; one that is recorded already stays what it is, and is told.
    pub async fn ask(&self, room: &RoomId, note: &Note) -> Result<QuestionRow, StoreError> {
        let (room, note) = (room.to_owned(), note.clone());
        self.call(move |connection| {
            connection
                .prepare_cached("INSERT OR IGNORE INTO question (key, turn, room_id, note) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![note.key.to_string(), note.turn.as_str(), room.as_str(), note.to_json()])?;
            let known = one(connection, "key = ?1", &note.key.to_string())?;
            Ok(known.unwrap_or(QuestionRow {
                key: note.key,
                room,
                note,
                event_id: None,
                verdict: None,
                decided_by: None,
            }))
        })
        .await
    }

    /// The server has the message.
    pub async fn asked(&self, key: Uuid, event: &EventId) -> Result<(), StoreError> {
        let event = event.to_string();
        self.call(move |connection| {
            connection
                .prepare_cached("UPDATE question SET event_id = ?2 WHERE key = ?1")?
                .execute([key.to_string(), event])?;
            Ok(())
        })
        .await
    }

    /// Decides the question, unless it is decided; what holds now.
    pub async fn decide(
        &self,
        key: Uuid,
        verdict: Verdict,
        by: Option<&EventId>,
    ) -> Result<Option<QuestionRow>, StoreError> {
        let by = by.map(ToString::to_string);
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE question SET verdict = ?2, decided_by = ?3 WHERE key = ?1 AND verdict IS NULL",
                )?
                .execute(params![key.to_string(), note::word(verdict), by])?;
            one(connection, "key = ?1", &key.to_string())
        })
        .await
    }

    /// The message says what was decided.
    pub async fn told(&self, key: Uuid) -> Result<(), StoreError> {
        self.call(move |connection| {
            connection
                .prepare_cached("UPDATE question SET told = 1 WHERE key = ?1")?
                .execute([key.to_string()])?;
            forget_told(connection)
        })
        .await
    }

    /// The question as it is now.
    pub async fn question(&self, key: Uuid) -> Result<Option<QuestionRow>, StoreError> {
        self.call(move |connection| one(connection, "key = ?1", &key.to_string()))
            .await
    }

    /// The question that is open in the room.
    pub async fn open_question(&self, room: &RoomId) -> Result<Option<QuestionRow>, StoreError> {
        let room = room.to_string();
        self.call(move |connection| {
            let open = "room_id = ?1 AND verdict IS NULL AND event_id IS NOT NULL";
            one(connection, open, &room)
        })
        .await
    }

    /// The question that this event decided.
    pub async fn decided_by(&self, event: &EventId) -> Result<Option<QuestionRow>, StoreError> {
        let event = event.to_string();
        self.call(move |connection| one(connection, "decided_by = ?1", &event))
            .await
    }

    /// Questions of the turn whose messages do not say yet what was decided.
    pub async fn untold_questions_of(&self, turn: &str) -> Result<Vec<QuestionRow>, StoreError> {
        let turn = turn.to_owned();
        self.call(move |connection| many(connection, "turn = ?1 AND told = 0", &[&turn]))
            .await
    }

    /// Questions of turns that are finished with, whose messages do not say what was decided.
    pub async fn stale_questions(&self) -> Result<Vec<QuestionRow>, StoreError> {
        self.call(move |connection| {
            // A turn may be hidden by a gap.
            let stale =
                "told = 0 AND turn NOT IN (SELECT event_id FROM journal WHERE state = 'pending')
                         AND room_id NOT IN (SELECT room_id FROM gap)";
            many(connection, stale, &[])
        })
        .await
    }
}

/// Questions that are settled on the server are forgotten with their turns.
pub(super) fn forget_told(connection: &Connection) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM question WHERE told = 1 AND NOT EXISTS
             (SELECT 1 FROM journal WHERE event_id = question.turn AND state = 'pending')",
        )?
        .execute([])?;
    Ok(())
}

/// Questions that the bot finds in a timeline after its memory was lost, unless their turns are finished with.
pub(super) fn take_in(
    connection: &Connection,
    room: &str,
    questions: &[Shown],
) -> Result<(), StoreError> {
    let mut put = connection.prepare_cached(
        "INSERT INTO question (key, turn, room_id, note, event_id, verdict, told)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?6 IS NOT NULL WHERE NOT EXISTS
         (SELECT 1 FROM journal WHERE event_id = ?2 AND state = 'done')
         ON CONFLICT (key) DO UPDATE SET event_id = coalesce(event_id, excluded.event_id),
             verdict = coalesce(verdict, excluded.verdict), told = max(told, excluded.told)",
    )?;
    for Shown { note, event_id } in questions {
        put.execute(params![
            note.key.to_string(),
            note.turn.as_str(),
            room,
            note.to_json(),
            event_id.as_str(),
            note.verdict,
        ])?;
    }
    Ok(())
}

fn one(
    connection: &Connection,
    condition: &str,
    value: &str,
) -> Result<Option<QuestionRow>, StoreError> {
    let found = connection
        .prepare_cached(&format!("{COLUMNS} WHERE {condition} ORDER BY id LIMIT 1"))?
        .query_row([value], row)
        .optional()?;
    Ok(found.flatten())
}

fn many(
    connection: &Connection,
    condition: &str,
    values: &[&str],
) -> Result<Vec<QuestionRow>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("{COLUMNS} WHERE {condition} ORDER BY id"))?;
    let rows: Vec<Option<QuestionRow>> = statement
        .query_map(rusqlite::params_from_iter(values), row)?
        .collect::<Result<_, _>>()?;
    Ok(rows.into_iter().flatten().collect())
}

/// A row that was edited into something impossible is as good as absent.
fn row(row: &Row<'_>) -> rusqlite::Result<Option<QuestionRow>> {
    let text = |index: usize| row.get::<_, Option<String>>(index);
    let event = |text: Option<String>| text.and_then(|event| event.try_into().ok());
    let read = |key: &str, room: &str, note: &str| {
        Some((
            key.parse().ok()?,
            room.try_into().ok()?,
            Note::from_json(note)?,
        ))
    };
    let (key, room, note): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let Some((key, room, note)) = read(&key, &room, &note) else {
        return Ok(None);
    };
    Ok(Some(QuestionRow {
        key,
        room,
        note,
        event_id: event(text(3)?),
        verdict: text(4)?.as_deref().and_then(note::verdict),
        decided_by: event(text(5)?),
    }))
}
