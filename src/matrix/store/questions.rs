//! Permission questions: asked, decided, told.

use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId};
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::{Store, StoreError};
use crate::{
    core::chat::permission::Verdict,
    matrix::questions::{
        answer::Answer,
        note::{self, Note, Shown},
    },
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

    /// The server has the message. Where it stands in the room, only the room tells.
    pub async fn asked(&self, key: Uuid, event: &EventId) -> Result<(), StoreError> {
        let event = event.to_string();
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE question SET event_id = coalesce(event_id, ?2) WHERE key = ?1",
                )?
                .execute([key.to_string(), event])?;
            Ok(())
        })
        .await
    }

    /// Decides the question that the answer is to, unless it is decided; what holds now.
    pub async fn answer(&self, answer: &Answer) -> Result<Option<QuestionRow>, StoreError> {
        let (question, word) = (answer.question().to_string(), note::word(answer.verdict()));
        let by = answer.given_in().to_string();
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE question SET verdict = ?2, decided_by = ?3 WHERE event_id = ?1 AND verdict IS NULL",
                )?
                .execute([&question, &word, &by])?;
            one(connection, "event_id = ?1", &question)
        })
        .await
    }

    /// Decides the question without an answer of the owner, unless it is decided; what holds now.
    pub async fn close(
        &self,
        key: Uuid,
        verdict: Verdict,
    ) -> Result<Option<QuestionRow>, StoreError> {
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE question SET verdict = ?2 WHERE key = ?1 AND verdict IS NULL",
                )?
                .execute([key.to_string(), note::word(verdict)])?;
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

    /// The last question of the turn whose message stands before this place in the room's order, open or not. One whose
    /// place is not known yet stands behind all that is.
    pub async fn question_before(
        &self,
        turn: &EventId,
        seq: i64,
    ) -> Result<Option<QuestionRow>, StoreError> {
        let turn = turn.to_string();
        self.call(move |connection| {
            let found = connection
                .prepare_cached(&format!(
                    "{COLUMNS} WHERE turn = ?1 AND event_id IS NOT NULL AND position < ?2
                     ORDER BY position DESC, id DESC LIMIT 1"
                ))?
                .query_row(params![turn, seq], row)
                .optional()?;
            Ok(found.flatten())
        })
        .await
    }

    /// The question whose message this event is.
    pub async fn question_shown_as(
        &self,
        room: &RoomId,
        event: &EventId,
    ) -> Result<Option<QuestionRow>, StoreError> {
        let (room, event) = (room.to_owned(), event.to_string());
        let found = self
            .call(move |connection| one(connection, "event_id = ?1", &event))
            .await?;
        Ok(found.filter(|question| question.room == room))
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

/// Questions as a timeline shows them: where each stands in the room's order, and all of it after the memory was lost,
/// unless their turns are done. `place` makes the number of events beside one the place of the event before it.
pub(super) fn take_in(
    connection: &Connection,
    room: &str,
    questions: &[(usize, Shown)],
    place: impl Fn(i64) -> i64,
) -> Result<(), StoreError> {
    let mut put = connection.prepare_cached(
        "INSERT INTO question (key, turn, room_id, note, event_id, verdict, told, position)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?6 IS NOT NULL, ?7 WHERE NOT EXISTS
         (SELECT 1 FROM journal WHERE event_id = ?2 AND state = 'done')
         ON CONFLICT (key) DO UPDATE SET event_id = coalesce(event_id, excluded.event_id),
             verdict = coalesce(verdict, excluded.verdict), told = max(told, excluded.told),
             position = CASE WHEN coalesce(event_id, excluded.event_id) = excluded.event_id
                             THEN coalesce(position, excluded.position) ELSE position END",
    )?;
    for (events, shown) in questions {
        let note = &shown.note;
        let beside = i64::try_from(*events).unwrap_or(i64::MAX);
        put.execute(params![
            note.key.to_string(),
            note.turn.as_str(),
            room,
            note.to_json(),
            shown.event_id.as_str(),
            note.verdict,
            shown.is_message.then(|| place(beside)),
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
