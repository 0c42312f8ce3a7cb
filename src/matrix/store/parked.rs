//! Events that could not be decrypted: set aside, so that their room goes on, and taken up again when they can be read.

use matrix_sdk::ruma::{EventId, OwnedRoomId, RoomId};
use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    Entry, Store, StoreError, amendments,
    journal::{Numbers, to_json},
};
use crate::matrix::{
    batch::TimelineItem,
    intake::{Meaning, meaning},
};

/// An event that was set aside.
#[derive(Clone, Debug, PartialEq)]
pub struct Parked {
    /// Its room.
    pub room: OwnedRoomId,
    /// As it came.
    pub item: TimelineItem,
}

impl Store {
    /// The event for which the room is told that this session cannot be decrypted: `event`, unless it was another one.
    pub async fn announce_session(
        &self,
        room: &RoomId,
        session: &str,
        event: &EventId,
    ) -> Result<String, StoreError> {
        let (room, session, event) = (room.to_string(), session.to_owned(), event.to_string());
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            transaction.execute(
                "INSERT OR IGNORE INTO undecryptable (room_id, session, event) VALUES (?1, ?2, ?3)",
                params![room, session, event],
            )?;
            let announced = transaction.query_row(
                "SELECT event FROM undecryptable WHERE room_id = ?1 AND session = ?2",
                [room, session],
                |row| row.get(0),
            )?;
            transaction.commit()?;
            Ok(announced)
        })
        .await
    }

    /// Whether the room is told of this session because of another event.
    pub async fn is_announced(
        &self,
        room: &RoomId,
        session: &str,
        event: &EventId,
    ) -> Result<bool, StoreError> {
        let (room, session, event) = (room.to_string(), session.to_owned(), event.to_string());
        self.call(move |connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT 1 FROM undecryptable WHERE room_id = ?1 AND session = ?2 AND event <> ?3",
                )?
                .exists([room, session, event])?)
        })
        .await
    }

    /// The event is set aside. What is frozen under `notice` was sent: its event is remembered beside the session.
    pub async fn park(
        &self,
        room: &RoomId,
        event: &EventId,
        session: &str,
        notice: Option<String>,
    ) -> Result<(), StoreError> {
        let (room, event, session) = (room.to_string(), event.to_string(), session.to_owned());
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            transaction.execute(
                "UPDATE journal SET state = 'parked', session = ?2, begun = 0
                 WHERE event_id = ?1 AND state = 'pending'",
                [&event, &session],
            )?;
            if let Some(notice) = notice {
                transaction.execute(
                    "UPDATE undecryptable SET notice = (SELECT event_id FROM outbox WHERE question = ?3)
                     WHERE room_id = ?1 AND session = ?2",
                    [&room, &session, &notice],
                )?;
                transaction.execute("DELETE FROM outbox WHERE question = ?1", [&notice])?;
            }
            Ok(transaction.commit()?)
        })
        .await
    }

    /// At most `limit` events that are set aside, oldest first.
    pub async fn parked(&self, limit: u32) -> Result<Vec<Parked>, StoreError> {
        self.call(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT room_id, item FROM journal WHERE state = 'parked' ORDER BY seq LIMIT ?1",
            )?;
            let rows: Vec<(String, String)> = statement
                .query_map([limit], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            Ok(rows
                .into_iter()
                .filter_map(|(room, item)| {
                    let room = room.try_into().ok()?;
                    let item = Entry::of(0, &item)?.item;
                    Some(Parked { room, item })
                })
                .collect())
        })
        .await
    }

    /// An event that was set aside can be read now: it waits again, as the newest of its room.
    pub async fn unpark(&self, room: &RoomId, item: &TimelineItem) -> Result<(), StoreError> {
        let (room, item) = (room.to_string(), item.clone());
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let mut numbers = Numbers::read(&transaction)?;
            let waits = transaction.execute(
                "UPDATE journal SET state = 'pending', seq = ?2, late = 1 WHERE event_id = ?1 AND state = 'parked'",
                params![item.event_id.as_str(), numbers.take()],
            )? > 0;
            numbers.write(&transaction)?;
            if waits {
                read(&transaction, &room, &item)?;
            }
            Ok(transaction.commit()?)
        })
        .await
    }

    /// The event will not be read any more. Of a session without such events nothing is remembered.
    pub async fn abandon_parked(&self, event: &EventId) -> Result<(), StoreError> {
        let event = event.to_string();
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let session: Option<(String, Option<String>)> = transaction
                .query_row(
                    "UPDATE journal SET state = 'done', item = NULL WHERE event_id = ?1 AND state = 'parked'
                     RETURNING room_id, session",
                    [event],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            if let Some((room, session)) = session {
                transaction.execute(
                    "DELETE FROM undecryptable WHERE room_id = ?1 AND session = ?2 AND NOT EXISTS
                     (SELECT 1 FROM journal WHERE state = 'parked' AND room_id = ?1 AND session = ?2)",
                    params![room, session],
                )?;
            }
            Ok(transaction.commit()?)
        })
        .await
    }

    /// The event, which waits, can be read now. Tells whether it is one that is handled; an edit or a redaction has
    /// changed what it is about, and is done.
    pub async fn decrypted(&self, room: &RoomId, item: &TimelineItem) -> Result<bool, StoreError> {
        let (room, item) = (room.to_string(), item.clone());
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let is_handled = read(&transaction, &room, &item)?;
            transaction.commit()?;
            Ok(is_handled)
        })
        .await
    }
}

/// Takes in what a pending event says. Tells whether it waits on.
fn read(
    transaction: &Transaction<'_>,
    room: &str,
    item: &TimelineItem,
) -> Result<bool, StoreError> {
    let waits = match meaning(item) {
        Meaning::Wanted => true,
        Meaning::Amends(amendment) => {
            amendments::apply(transaction, room, &amendment)?;
            false
        }
        Meaning::Irrelevant => false,
    };
    if waits {
        transaction
            .prepare_cached(
                "UPDATE journal SET item = ?2 WHERE event_id = ?1 AND state = 'pending'",
            )?
            .execute(params![item.event_id.as_str(), to_json(item)])?;
    }
    Ok(waits)
}
