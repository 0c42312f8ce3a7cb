//! How handling of an event was begun and how that ended, so that an event that ends the process does not do so for ever.
//!
//! A failure that the process survives, or whose panic it sees, is blamed on its event. A death that leaves no record
//! (SIGKILL, out of memory, abort) is found at the next start: events whose handling had begun were in progress then, and
//! one of them may be the reason, or none. What was in progress at two such deaths is *suspected*. One suspected event
//! at a time is handled in its turn (the inbox sees to that), so only a death with it counts against it alone.

use matrix_sdk::ruma::EventId;
use rusqlite::params;

use super::{Store, StoreError};

/// Failed attempts after which an event is dead-lettered.
const MOST_FAILURES: u32 = 3;
/// Deaths with an event in progress after which it is suspected.
const SUSPECTED_AFTER: u32 = 2;
/// Deaths with only this suspected event in progress after which it is dead-lettered. Many: a supervisor, a full memory or
/// a loss of power may end the process for reasons of their own.
const MOST_DEATHS_ALONE: u32 = 10;
/// How often the notice about a dead-lettered event is tried, should sending it be what ends the process.
const NOTICE_ATTEMPTS: u32 = 2;

/// How an event came to be handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In its turn.
    InTurn,
    /// Ahead of the turn that runs.
    Ahead,
}

impl Way {
    const fn mark(self) -> u32 {
        match self {
            Self::InTurn => 1,
            Self::Ahead => 2,
        }
    }
}

/// What counts against an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Attempts that failed or panicked.
    pub failures: u32,
    /// Deaths of the process while this was the only suspected event in progress.
    pub deaths_alone: u32,
}

impl Record {
    /// Whether the event is to be dead-lettered.
    pub const fn is_too_much(self) -> bool {
        self.failures >= MOST_FAILURES || self.deaths_alone >= MOST_DEATHS_ALONE
    }

    /// Whether its sender may still be told.
    pub const fn allows_a_notice(self) -> bool {
        self.failures < MOST_FAILURES + NOTICE_ATTEMPTS
            && self.deaths_alone < MOST_DEATHS_ALONE + NOTICE_ATTEMPTS
    }
}

/// How an attempt ended that did not finish with its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// For a reason that has nothing to do with the event.
    Innocent,
    /// It failed, or panicked.
    Failed,
    /// The process ends because of a panic outside of any attempt. Of a suspected event that is enough.
    OwnDeath,
}

impl Store {
    /// Whether the event was in progress at so many deaths that it may be the reason.
    pub async fn is_suspected(&self, event: &EventId) -> Result<bool, StoreError> {
        let event = event.to_string();
        self.call(move |connection| {
            Ok(connection
                .prepare_cached("SELECT 1 FROM journal WHERE event_id = ?1 AND deaths >= ?2")?
                .exists(params![event, SUSPECTED_AFTER])?)
        })
        .await
    }

    /// The event is about to be handled; tells what counts against it.
    pub async fn begin_attempt(&self, event: &EventId, way: Way) -> Result<Record, StoreError> {
        let event = event.to_string();
        self.call(move |connection| {
            Ok(connection
                .prepare_cached(
                    "UPDATE journal SET begun = ?2 WHERE event_id = ?1 RETURNING attempts, deaths_alone",
                )?
                .query_row(params![event, way.mark()], |row| {
                    Ok(Record {
                        failures: row.get(0)?,
                        deaths_alone: row.get(1)?,
                    })
                })?)
        })
        .await
    }

    /// Handling the event has ended, and it still waits.
    pub async fn end_attempt(&self, event: &EventId, end: End) -> Result<(), StoreError> {
        let event = event.to_string();
        let (failures, deaths) = match end {
            End::Innocent => (0, 0),
            End::Failed => (1, 0),
            End::OwnDeath => (0, 1),
        };
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE journal SET begun = 0, attempts = attempts + ?2,
                         deaths_alone = deaths_alone + iif(deaths >= ?4, ?3 * ?5, 0), deaths = deaths + ?3
                     WHERE event_id = ?1",
                )?
                .execute(params![event, failures, deaths, SUSPECTED_AFTER, MOST_DEATHS_ALONE])?;
            Ok(())
        })
        .await
    }

    /// To be called at a start, before anything is handled: what was in progress when the process before this one died
    /// counts one death more. Tells how many events that were.
    pub async fn record_deaths(&self) -> Result<usize, StoreError> {
        self.call(|connection| {
            let transaction = connection.transaction()?;
            // Of those in their turn, one at most is suspected. One that passed ahead was in progress for a moment only,
            // so it is the more likely reason.
            transaction.execute(
                "UPDATE journal SET deaths_alone = deaths_alone + 1
                 WHERE state = 'pending' AND deaths >= ?1 AND begun = coalesce(
                     (SELECT max(begun) FROM journal WHERE state = 'pending' AND begun > 0 AND deaths >= ?1), 0)
                     AND begun > 0",
                [SUSPECTED_AFTER],
            )?;
            let died = transaction.execute(
                "UPDATE journal SET deaths = deaths + 1, begun = 0 WHERE state = 'pending' AND begun > 0",
                [],
            )?;
            transaction.commit()?;
            Ok(died)
        })
        .await
    }
}
