//! The journal: what a sync brought, committed in one transaction with the position it brought us to.

use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Store, StoreError, amendments, compaction, follow, followers, inherited, invites, members,
    questions,
    queue::{self, Admission},
    state_cache, stops,
};
use crate::matrix::{
    batch::TimelineItem,
    intake::{BatchIntake, Fate, RoomIntake},
};

/// Numbers left free below the first event behind a gap, for the events fetched into it.
const GAP_ROOM: i64 = 100_000;

/// The last number that was given out or left free for a gap.
const LAST_SEQ: &str = "last_seq";

/// Holds for a journal row that stands behind a gap of its room: something before it is still to be fetched.
const BEHIND_A_GAP: &str = "EXISTS (SELECT 1 FROM gap
     WHERE gap.room_id = journal.room_id AND gap.before_seq <= journal.seq)";

/// A pending event.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its place in the order of arrival.
    pub seq: i64,
    /// The event.
    pub item: TimelineItem,
}

impl Entry {
    /// From the columns `seq` and `item`; `None` where the item cannot be read.
    pub(super) fn of(seq: i64, item: &str) -> Option<Self> {
        let item = serde_json::from_str(item).ok()?;
        Some(Self { seq, item })
    }
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
    /// a room that it was in, or is back in one: then a reconcile has something to do.
    pub async fn commit(&self, device: &str, intake: BatchIntake) -> Result<bool, StoreError> {
        let device = device.to_owned();
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let is_first = meta(&transaction, "device")?.as_deref() != Some(&device);
            if intake.full_state {
                state_cache::clear(&transaction, &intake.rooms)?;
            }
            let mut numbers = Numbers::read(&transaction)?;
            let mut moved = false;
            for room in &intake.rooms {
                state_cache::take_in(&transaction, room, !intake.before_reconcile)?;
                members::drop_unneeded(&transaction, room)?;
                take_in_events(&transaction, room, intake.queue_limit, &mut numbers)?;
                follow::joined(&transaction, room.room.as_str())?;
                moved |= follow::is_gone(&transaction, room.room.as_str())?;
            }
            numbers.write(&transaction)?;
            for room in &intake.left {
                moved |= state_cache::remove(&transaction, room)?;
                if !intake.before_reconcile {
                    follow::left(&transaction, room.as_str())?;
                }
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
            Ok(moved)
        })
        .await
    }

    /// Rooms with pending events that stand before all gaps.
    pub async fn rooms_with_work(&self) -> Result<Vec<OwnedRoomId>, StoreError> {
        self.call(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT room_id FROM journal WHERE state = 'pending' AND NOT {BEHIND_A_GAP}
                 GROUP BY room_id ORDER BY min(seq)"
            ))?;
            let rooms: Vec<String> = statement
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            Ok(rooms
                .into_iter()
                .filter_map(|room| room.try_into().ok())
                .collect())
        })
        .await
    }

    /// The oldest pending events of the room, at most `limit`. Events behind a gap are left out: their turn comes when
    /// it is closed.
    pub async fn pending(&self, room: &RoomId, limit: u32) -> Result<Vec<Entry>, StoreError> {
        self.pending_where(room, "", i64::MIN, limit).await
    }

    /// At most `limit` pending events of the room behind `seq`, oldest first, up to the room's first gap. Events that could
    /// be read late are left out: they were sent before what they stand behind now, and neither answer nor stop it.
    pub async fn pending_after(
        &self,
        room: &RoomId,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        self.pending_where(room, "AND late = 0", seq, limit).await
    }

    async fn pending_where(
        &self,
        room: &RoomId,
        condition: &'static str,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        let room = room.to_string();
        self.call(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT seq, item FROM journal
                 WHERE state = 'pending' AND room_id = ?1 AND seq > ?2 {condition} AND NOT {BEHIND_A_GAP}
                 ORDER BY seq LIMIT ?3"
            ))?;
            let rows: Vec<(i64, String)> = statement
                .query_map(params![room, seq, limit], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect::<Result<_, _>>()?;
            Ok(rows
                .into_iter()
                .filter_map(|(seq, item)| Entry::of(seq, &item))
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
            Ok(row.and_then(|(seq, item)| Entry::of(seq, &item)))
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
                     WHERE room_id = ?1 AND state IN ('done', 'parked') AND late = 0 AND sender <> ''
                           AND seq >= (SELECT seq FROM journal WHERE event_id = ?2)
                           AND seq < coalesce((SELECT min(seq) FROM journal WHERE room_id = ?1
                                               AND state NOT IN ('done', 'parked')), 9223372036854775807)
                           AND NOT EXISTS (SELECT 1 FROM gap WHERE room_id = ?1)
                     ORDER BY seq DESC LIMIT 1",
                )?
                .query_row([room, event], |row| row.get(0))
                .optional()?;
            Ok(found.and_then(|event| event.try_into().ok()))
        })
        .await
    }

    /// How far the cursor may move once this event is done: past what is done behind it already. `None` for an event that
    /// was answered late: the cursor is past it.
    pub async fn cursor_after(
        &self,
        room: &RoomId,
        event: &EventId,
    ) -> Result<Option<OwnedEventId>, StoreError> {
        let (room_id, id) = (room.to_string(), event.to_string());
        let found: Option<Option<String>> = self
            .call(move |connection| {
                Ok(connection
                    .prepare_cached(
                        "SELECT (SELECT behind.event_id FROM journal AS behind
                                 WHERE behind.room_id = ?1 AND behind.seq > this.seq AND behind.sender <> ''
                                       AND behind.state IN ('done', 'parked') AND behind.late = 0
                                       AND behind.seq < coalesce(
                                           (SELECT min(seq) FROM journal WHERE room_id = ?1 AND seq > this.seq
                                                AND state NOT IN ('done', 'parked')), 9223372036854775807)
                                       AND NOT EXISTS (SELECT 1 FROM gap WHERE room_id = ?1)
                                 ORDER BY behind.seq DESC LIMIT 1)
                         FROM journal AS this WHERE this.event_id = ?2 AND this.late = 0",
                    )?
                    .query_row([room_id, id], |row| row.get(0))
                    .optional()?)
            })
            .await?;
        Ok(found.map(|behind| {
            behind
                .and_then(|behind| behind.try_into().ok())
                .unwrap_or_else(|| event.to_owned())
        }))
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
}

fn take_in_events(
    connection: &Connection,
    room: &RoomIntake,
    queue_limit: Option<u32>,
    numbers: &mut Numbers,
) -> Result<(), StoreError> {
    let room_id = room.room.as_str();
    if let Some(gap) = &room.gap {
        let seq = numbers.leave_free(GAP_ROOM);
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
    let before = numbers.last();
    for (item, fate) in &room.events {
        insert(
            connection,
            numbers.take(),
            room_id,
            item,
            *fate,
            queue_limit,
        )?;
    }
    if let Some(behind) = room
        .spoke_behind
        .and_then(|count| i64::try_from(count).ok())
    {
        followers::note_own(connection, room_id, before + behind)?;
    }
    inherited::take_in_answers(connection, room_id, &room.answered, &room.drafts, numbers)?;
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
    let admission = match (fate, queue_limit) {
        (Fate::Done, _) => Admission::Drop,
        (Fate::Pending, None) => Admission::Wait,
        (Fate::Pending, Some(limit)) => queue::admit(connection, room, item, limit)?,
    };
    let (state, json) = match admission {
        Admission::Wait => ("pending", Some(to_json(item))),
        Admission::Refuse => ("refused", Some(to_json(item))),
        Admission::Drop => ("done", None),
    };
    let is_new = connection
        .prepare_cached(
            "INSERT INTO journal (seq, event_id, room_id, state, sender, item, live, refused)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (event_id) DO NOTHING",
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
        ])?
        > 0;
    if is_new {
        followers::note_message(connection, seq, room, item)?;
    }
    Ok(())
}

/// Gives out the numbers of journal rows. What was given out or left free once is never given out again, whatever became
/// of the rows: a gap may still need it.
pub(super) struct Numbers {
    last: i64,
}

impl Numbers {
    pub(super) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let last = meta(connection, LAST_SEQ)?.and_then(|last| last.parse().ok());
        Ok(Self {
            last: last.unwrap_or(0),
        })
    }

    pub(super) fn write(self, connection: &Connection) -> Result<(), StoreError> {
        set_meta(connection, LAST_SEQ, &self.last.to_string())
    }

    pub(super) const fn last(&self) -> i64 {
        self.last
    }

    pub(super) const fn take(&mut self) -> i64 {
        self.leave_free(1)
    }

    /// Leaves `count` numbers free below the one that is returned.
    const fn leave_free(&mut self, count: i64) -> i64 {
        self.last += count;
        self.last
    }
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
