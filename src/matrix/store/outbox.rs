//! Outgoing messages: frozen before they are sent, kept until the question is finished with.

use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId};
use rusqlite::{Connection, params};
use serde_json::Value;

use super::{Store, StoreError, dead_letters, followers};

/// A message to be frozen.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage {
    /// Its place among the messages that answer one question.
    pub part: u32,
    /// The transaction id of its one sending.
    pub transaction_id: String,
    /// `content` of the event.
    pub content: Value,
}

/// A frozen message.
#[derive(Clone, Debug, PartialEq)]
pub struct OutMessage {
    /// Its place among the messages that answer one question.
    pub part: u32,
    /// Where it goes.
    pub room: OwnedRoomId,
    /// The transaction id of its one sending.
    pub transaction_id: String,
    /// `content` of the event.
    pub content: Value,
    /// Once the server has it.
    pub event_id: Option<OwnedEventId>,
    /// Why the server will never have it.
    pub failure: Option<String>,
}

impl OutMessage {
    /// Whether nothing is left to do for it.
    pub const fn is_settled(&self) -> bool {
        self.event_id.is_some() || self.failure.is_some()
    }
}

impl Store {
    /// Freezes messages that answer `question`, all of them, unless the first of them is frozen already: what was frozen
    /// stays what it was.
    pub async fn freeze(
        &self,
        question: &str,
        room: &RoomId,
        messages: Vec<NewMessage>,
    ) -> Result<(), StoreError> {
        let (question, room) = (question.to_owned(), room.to_string());
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let is_frozen = match messages.first() {
                Some(first) => transaction
                    .prepare_cached("SELECT 1 FROM outbox WHERE question = ?1 AND part = ?2")?
                    .exists(params![question, first.part])?,
                None => true,
            };
            if is_frozen {
                return Ok(());
            }
            for message in &messages {
                transaction.execute(
                    "INSERT OR IGNORE INTO outbox (question, part, room_id, transaction_id, content, device)
                     VALUES (?1, ?2, ?3, ?4, ?5, (SELECT value FROM meta WHERE key = 'device'))",
                    params![question, message.part, room, message.transaction_id, message.content.to_string()],
                )?;
            }
            Ok(transaction.commit()?)
        })
        .await
    }

    /// The frozen messages that answer `question`, in order.
    pub async fn frozen(&self, question: &str) -> Result<Vec<OutMessage>, StoreError> {
        let question = question.to_owned();
        self.call(move |connection| frozen(connection, &question))
            .await
    }

    /// The server has the message.
    pub async fn sent(&self, question: &str, part: u32, event: &EventId) -> Result<(), StoreError> {
        let (question, event) = (question.to_owned(), event.to_string());
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let is_there = transaction
                .prepare_cached(
                    "UPDATE outbox SET event_id = ?3 WHERE question = ?1 AND part = ?2",
                )?
                .execute(params![question, part, event])?
                > 0;
            if is_there {
                followers::note_sent(&transaction, &question, part)?;
            }
            Ok(transaction.commit()?)
        })
        .await
    }

    /// The server will never have the message. Operators find it among the dead letters if `counts`.
    pub async fn not_sendable(
        &self,
        question: &str,
        part: u32,
        reason: &str,
        counts: bool,
    ) -> Result<(), StoreError> {
        let (question, reason) = (question.to_owned(), reason.to_owned());
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            transaction.execute(
                "UPDATE outbox SET failure = ?3 WHERE question = ?1 AND part = ?2",
                params![question, part, reason],
            )?;
            if counts {
                dead_letters::note_answer(&transaction, &question, part, &reason)?;
            }
            Ok(transaction.commit()?)
        })
        .await
    }

    /// Replaces what is frozen by what it became, before it is sent.
    pub async fn refreeze(
        &self,
        question: &str,
        part: u32,
        content: &Value,
    ) -> Result<(), StoreError> {
        let (question, content) = (question.to_owned(), content.to_string());
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE outbox SET content = ?3 WHERE question = ?1 AND part = ?2 AND event_id IS NULL",
                )?
                .execute(params![question, part, content])?;
            Ok(())
        })
        .await
    }

    /// Whether messages that answer `question` were frozen for another device than the one that now sends, and are not
    /// known to be on the server.
    pub async fn is_open_elsewhere(&self, question: &str) -> Result<bool, StoreError> {
        let question = question.to_owned();
        self.call(move |connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT 1 FROM outbox WHERE question = ?1 AND event_id IS NULL AND failure IS NULL
                     AND device IS NOT (SELECT value FROM meta WHERE key = 'device')",
                )?
                .exists([question])?)
        })
        .await
    }

    /// What was said without being asked for is in the room, and the bot's cursor behind it; or it will never be there.
    pub async fn said(
        &self,
        name: &str,
        room: &RoomId,
        event: Option<&EventId>,
    ) -> Result<(), StoreError> {
        let (name, room) = (name.to_owned(), room.to_string());
        let event = event.map(ToString::to_string);
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            if let Some(event) = event {
                transaction.execute(
                    "UPDATE joined_room SET fully_read = ?2 WHERE room_id = ?1",
                    [room, event],
                )?;
            }
            transaction.execute("DELETE FROM outbox WHERE question = ?1", [name])?;
            Ok(transaction.commit()?)
        })
        .await
    }

    /// From here on the messages that answer `question` are this device's: it was made sure which of them the server has.
    pub async fn adopt(&self, question: &str) -> Result<(), StoreError> {
        let question = question.to_owned();
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE outbox SET device = (SELECT value FROM meta WHERE key = 'device') WHERE question = ?1",
                )?
                .execute([question])?;
            Ok(())
        })
        .await
    }
}

fn frozen(connection: &Connection, question: &str) -> Result<Vec<OutMessage>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT part, room_id, transaction_id, content, event_id, failure FROM outbox WHERE question = ?1 ORDER BY part",
    )?;
    let mut rows = statement.query([question])?;
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        let (room, content): (String, String) = (row.get(1)?, row.get(3)?);
        let (Ok(room), Ok(content)) = (OwnedRoomId::try_from(room), serde_json::from_str(&content))
        else {
            continue;
        };
        messages.push(OutMessage {
            part: row.get(0)?,
            room,
            transaction_id: row.get(2)?,
            content,
            event_id: row
                .get::<_, Option<String>>(4)?
                .and_then(|event| event.try_into().ok()),
            failure: row.get(5)?,
        });
    }
    Ok(messages)
}
