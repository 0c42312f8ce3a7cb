//! The journal: what a sync brought, committed in one transaction with the position it brought us to.

use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Store, StoreError, amendments, compaction, inherited, invites, questions, queue, state_cache,
    stops,
};
use crate::matrix::{
    batch::TimelineItem,
    intake::{BatchIntake, Fate, RoomIntake},
};

/// Numbers left free below the first event behind a gap, for the events fetched into it.
const GAP_ROOM: i64 = 100_000;

/// A pending event.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its place in the order of arrival.
    pub seq: i64,
    /// The event.
    pub item: TimelineItem,
}

impl Store {
    /// The position of the last committed sync, if it belongs to this device.
    pub async fn position(&self, device: &str) -> Result<Option<String>, StoreError> {
        let device = device.to_owned();
        self.call(move |connection| {
            Ok(if meta(connection, "device")?.as_deref() == Some(&device) {
                meta(connection, "sync_position")?
            } else {
                None
            })
        })
        .await
    }

    /// Commits everything a sync brought, and its position. All of it or nothing. Tells whether the bot is no longer in
    /// a room that it was in.
    pub async fn commit(&self, device: &str, intake: BatchIntake) -> Result<bool, StoreError> {
        let device = device.to_owned();
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let is_first = meta(&transaction, "device")?.as_deref() != Some(&device);
            if intake.full_state {
                state_cache::clear(&transaction, &intake.rooms)?;
            }
            for room in &intake.rooms {
                state_cache::take_in(&transaction, room)?;
                take_in_events(&transaction, room, intake.queue_limit)?;
            }
            let mut removed = false;
            for room in &intake.left {
                removed |= state_cache::remove(&transaction, room)?;
                invites::left(&transaction, room)?;
            }
            for (room, inviter) in &intake.invited {
                invites::received(&transaction, room, inviter, !intake.full_state)?;
            }
            if is_first {
                inherited::note(&transaction)?;
            }
            set_meta(&transaction, "sync_position", &intake.position)?;
            set_meta(&transaction, "device", &device)?;
            transaction.commit()?;
            Ok(removed)
        })
        .await
    }

    /// Rooms with pending events and no gap before them.
    pub async fn rooms_with_work(&self) -> Result<Vec<OwnedRoomId>, StoreError> {
        self.call(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT room_id FROM journal WHERE state = 'pending' AND room_id NOT IN (SELECT room_id FROM gap)
                 GROUP BY room_id ORDER BY min(seq)",
            )?;
            let rooms: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok(rooms.into_iter().filter_map(|room| room.try_into().ok()).collect())
        })
        .await
    }

    /// The oldest pending events of the room, at most `limit`.
    pub async fn pending(&self, room: &RoomId, limit: u32) -> Result<Vec<Entry>, StoreError> {
        self.pending_after(room, i64::MIN, limit).await
    }

    /// At most `limit` pending events of the room behind `seq`, oldest first.
    pub async fn pending_after(
        &self,
        room: &RoomId,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        let room = room.to_string();
        self.call(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT seq, item FROM journal
                 WHERE state = 'pending' AND room_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
            )?;
            let rows: Vec<(i64, String)> = statement
                .query_map(params![room, seq, limit], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect::<Result<_, _>>()?;
            Ok(rows
                .into_iter()
                .filter_map(|(seq, item)| {
                    Some(Entry {
                        seq,
                        item: serde_json::from_str(&item).ok()?,
                    })
                })
                .collect())
        })
        .await
    }

    /// The event in the form it has now, if it still waits.
    pub async fn pending_entry(&self, event: &EventId) -> Result<Option<Entry>, StoreError> {
        let event = event.to_string();
        self.call(move |connection| {
            let row: Option<(i64, String)> = connection
                .prepare_cached(
                    "SELECT seq, item FROM journal WHERE event_id = ?1 AND state = 'pending'",
                )?
                .query_row([event], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            Ok(row.and_then(|(seq, item)| {
                let item = serde_json::from_str(&item).ok()?;
                Some(Entry { seq, item })
            }))
        })
        .await
    }

    /// The last event of the room up to which, from this one on, everything is finished with: that far the cursor may
    /// move. `None` where something before it still waits, or may be hidden by a gap.
    pub async fn finished_up_to(
        &self,
        room: &RoomId,
        event: &EventId,
    ) -> Result<Option<OwnedEventId>, StoreError> {
        let (room, event) = (room.to_string(), event.to_string());
        self.call(move |connection| {
            let found: Option<String> = connection
                .prepare_cached(
                    "SELECT event_id FROM journal
                     WHERE room_id = ?1 AND state = 'done' AND sender <> ''
                           AND seq >= (SELECT seq FROM journal WHERE event_id = ?2)
                           AND seq < coalesce((SELECT min(seq) FROM journal
                                               WHERE room_id = ?1 AND state <> 'done'), 9223372036854775807)
                           AND NOT EXISTS (SELECT 1 FROM gap WHERE room_id = ?1)
                     ORDER BY seq DESC LIMIT 1",
                )?
                .query_row([room, event], |row| row.get(0))
                .optional()?;
            Ok(found.and_then(|event| event.try_into().ok()))
        })
        .await
    }

    /// How many events wait, in all rooms.
    pub async fn pending_count(&self) -> Result<usize, StoreError> {
        self.call(|connection| {
            let count: i64 = connection
                .prepare_cached("SELECT count(*) FROM journal WHERE state = 'pending'")?
                .query_row([], |row| row.get(0))?;
            Ok(usize::try_from(count).unwrap_or(0))
        })
        .await
    }

    /// The event is finished with; it will never be handled again.
    pub async fn finish(&self, event: &EventId) -> Result<(), StoreError> {
        let event = event.to_string();
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            transaction
                .prepare_cached(
                    "UPDATE journal SET state = 'done', item = NULL WHERE event_id = ?1",
                )?
                .execute([&event])?;
            transaction
                .prepare_cached("DELETE FROM outbox WHERE question = ?1")?
                .execute([&event])?;
            questions::forget_told(&transaction)?;
            stops::forget(&transaction, &event)?;
            Ok(transaction.commit()?)
        })
        .await
    }

    /// How often handling the event was begun so far.
    pub async fn attempts(&self, event: &EventId) -> Result<u32, StoreError> {
        let event = event.to_string();
        self.call(move |connection| {
            Ok(connection
                .prepare_cached("SELECT attempts FROM journal WHERE event_id = ?1")?
                .query_row([event], |row| row.get(0))?)
        })
        .await
    }

    /// The event is about to be handled; tells how often that was begun.
    pub async fn begin_attempt(&self, event: &EventId) -> Result<u32, StoreError> {
        let event = event.to_string();
        self.call(move |connection| {
            Ok(connection
                .prepare_cached("UPDATE journal SET attempts = attempts + 1 WHERE event_id = ?1 RETURNING attempts")?
                .query_row([event], |row| row.get(0))?)
        })
        .await
    }

    /// The attempt ended with the process, as it should: it does not count.
    pub async fn forgive_attempt(&self, event: &EventId) -> Result<(), StoreError> {
        let event = event.to_string();
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE journal SET attempts = max(0, attempts - 1) WHERE event_id = ?1",
                )?
                .execute([event])?;
            Ok(())
        })
        .await
    }

    /// The event can be read now.
    pub async fn decrypted(&self, event: &EventId, item: &TimelineItem) -> Result<(), StoreError> {
        let event = event.to_string();
        let json = to_json(item);
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE journal SET item = ?2 WHERE event_id = ?1 AND state = 'pending'",
                )?
                .execute([event, json])?;
            Ok(())
        })
        .await
    }
}

fn take_in_events(
    connection: &Connection,
    room: &RoomIntake,
    queue_limit: Option<u32>,
) -> Result<(), StoreError> {
    let last: i64 = connection
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM journal")?
        .query_row([], |row| row.get(0))?;
    // What comes now is behind every question that is known, also where events before one are no longer there.
    let last = last.max(questions::last_position(connection)?);
    let room_id = room.room.as_str();
    let mut seq = last;
    if let Some(gap) = &room.gap {
        seq += GAP_ROOM;
        connection.execute(
            "INSERT INTO gap (room_id, from_token, until, before_seq) VALUES (?1, ?2, ?3, ?4)",
            params![
                room_id,
                gap.from_token,
                gap.until.as_ref().map(|event| event.as_str()),
                seq
            ],
        )?;
    }
    let before = seq;
    for (item, fate) in &room.events {
        seq += 1;
        insert(connection, seq, room_id, item, *fate, queue_limit)?;
    }
    inherited::take_in_answers(connection, room_id, &room.answered, &room.drafts)?;
    questions::take_in(connection, room_id, &room.questions, |events| {
        before + events
    })?;
    for amendment in &room.amendments {
        amendments::apply(connection, room_id, amendment)?;
    }
    Ok(())
}

/// `queue_limit` is set for events that fill a queue.
pub(super) fn insert(
    connection: &Connection,
    seq: i64,
    room: &str,
    item: &TimelineItem,
    fate: Fate,
    queue_limit: Option<u32>,
) -> Result<(), StoreError> {
    if compaction::was_handled(connection, item.event_id.as_str())? {
        return Ok(());
    }
    let (state, json) = match (fate, queue_limit) {
        (Fate::Done, _) => ("done", None),
        (Fate::Pending, Some(limit)) if queue::is_full(connection, room, item, limit)? => {
            ("refused", Some(to_json(item)))
        }
        (Fate::Pending, _) => ("pending", Some(to_json(item))),
    };
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO journal (seq, event_id, room_id, state, sender, item, live, refused)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            seq,
            item.event_id.as_str(),
            room,
            state,
            item.sender.as_str(),
            json,
            queue_limit.is_some(),
            state == "refused"
        ])?;
    Ok(())
}

pub(super) fn to_json(item: &TimelineItem) -> String {
    serde_json::to_string(item).expect("a timeline item is plain JSON")
}

fn meta(connection: &Connection, key: &str) -> Result<Option<String>, StoreError> {
    Ok(connection
        .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
            row.get(0)
        })
        .optional()?)
}

pub(super) fn set_meta(connection: &Connection, key: &str, value: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
        .execute([key, value])?;
    Ok(())
}
