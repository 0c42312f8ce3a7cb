//! A server and a store in memory. Any request that reconcile must never make ends the test.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use async_trait::async_trait;
use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::Value;

use super::fixtures::{BOT, event, user};
use crate::matrix::{
    batch::TimelineItem,
    client::{MatrixClient, MatrixError, NewRoom},
    reconcile::{Recorded, RowChanges, RowStore, RowStoreError},
    state::{RoomState, Snapshot, StateEvent},
    store::rows::Rows,
};

pub(super) struct Server {
    bot: OwnedUserId,
    pub(super) truth: Mutex<BTreeMap<OwnedRoomId, RoomState>>,
    /// What fails, and how: reading the state of a room, or writing this type into it.
    pub(super) failures: BTreeMap<(&'static str, &'static str), fn() -> MatrixError>,
    pub(super) asked: Mutex<Vec<String>>,
    pub(super) written: Mutex<Vec<String>>,
}

impl Server {
    pub(super) fn with(truth: &Snapshot) -> Self {
        Self {
            bot: user(BOT),
            truth: Mutex::new(truth.rooms.clone()),
            failures: BTreeMap::new(),
            asked: Mutex::default(),
            written: Mutex::default(),
        }
    }

    pub(super) fn failing(
        mut self,
        room: &'static str,
        what: &'static str,
        how: fn() -> MatrixError,
    ) -> Self {
        self.failures.insert((room, what), how);
        self
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn written(&self) -> Vec<String> {
        self.written.lock().unwrap().clone()
    }

    fn check(&self, room: &RoomId, what: &str) -> Result<(), MatrixError> {
        let failure = self.failures.get(&(room.as_str(), what));
        failure.map_or(Ok(()), |how| Err(how()))
    }
}

pub(super) fn forbidden() -> MatrixError {
    MatrixError::Refused {
        status: 403,
        errcode: "M_FORBIDDEN".into(),
        message: "no".into(),
    }
}

#[async_trait]
impl MatrixClient for Server {
    fn user_id(&self) -> &UserId {
        &self.bot
    }

    async fn room_state(&self, room: &RoomId) -> Result<Vec<StateEvent>, MatrixError> {
        self.asked.lock().unwrap().push(room.to_string());
        self.check(room, "state")?;
        let truth = self.truth.lock().unwrap();
        let state = truth.get(room).ok_or_else(forbidden)?;
        let mut events: Vec<_> = state.events.values().cloned().collect();
        for event in &mut events {
            event.invited_by = None;
        }
        Ok(events)
    }

    async fn put_state(
        &self,
        room: &RoomId,
        event_type: &str,
        state_key: &str,
        content: &Value,
    ) -> Result<(), MatrixError> {
        self.check(room, event_type)?;
        let written = format!("{room} {event_type} {state_key}");
        self.written.lock().unwrap().push(written);
        let mut truth = self.truth.lock().unwrap();
        let state = truth.get_mut(room).ok_or_else(forbidden)?;
        state.insert(event(event_type, state_key, BOT, content.clone()));
        Ok(())
    }

    async fn joined_rooms(&self) -> Result<BTreeSet<OwnedRoomId>, MatrixError> {
        Ok(self.truth.lock().unwrap().keys().cloned().collect())
    }

    async fn joined_members(&self, _: &RoomId) -> Result<BTreeSet<OwnedUserId>, MatrixError> {
        unreachable!("members are in the snapshot")
    }

    async fn display_name(&self, _: &UserId) -> Result<Option<String>, MatrixError> {
        unreachable!("names are in the snapshot")
    }

    async fn decrypt(
        &self,
        _: &RoomId,
        _: &TimelineItem,
    ) -> Result<Option<TimelineItem>, MatrixError> {
        unreachable!("reconcile reads no messages")
    }

    async fn default_room_version(&self) -> Result<String, MatrixError> {
        unreachable!("reconcile never makes a room")
    }

    async fn create_room(&self, _: &NewRoom) -> Result<OwnedRoomId, MatrixError> {
        unreachable!("reconcile never makes a room")
    }

    async fn put_room_account_data(
        &self,
        _: &RoomId,
        _: &str,
        _: &Value,
    ) -> Result<(), MatrixError> {
        unreachable!("reconcile writes markers and links only")
    }

    async fn invite(&self, _: &RoomId, _: &UserId) -> Result<(), MatrixError> {
        unreachable!("reconcile never invites")
    }

    async fn join(&self, _: &RoomId) -> Result<(), MatrixError> {
        unreachable!("reconcile never joins")
    }

    async fn leave(&self, _: &RoomId) -> Result<(), MatrixError> {
        unreachable!("reconcile never leaves")
    }

    async fn forget(&self, _: &RoomId) -> Result<(), MatrixError> {
        unreachable!("reconcile never forgets")
    }

    async fn send_message(
        &self,
        _: &RoomId,
        _: &str,
        _: &Value,
    ) -> Result<OwnedEventId, MatrixError> {
        unreachable!("reconcile never speaks")
    }

    async fn set_read_marker(&self, _: &RoomId, _: &EventId) -> Result<(), MatrixError> {
        unreachable!("reconcile reads no messages")
    }

    async fn set_typing(&self, _: &RoomId, _: bool) -> Result<(), MatrixError> {
        unreachable!("reconcile never speaks")
    }

    async fn event(&self, _: &RoomId, _: &EventId) -> Result<Option<TimelineItem>, MatrixError> {
        unreachable!("reconcile reads no messages")
    }

    async fn messages_before(
        &self,
        _: &RoomId,
        _: Option<&str>,
    ) -> Result<(Vec<TimelineItem>, Option<String>), MatrixError> {
        unreachable!("reconcile reads no messages")
    }
}

/// Rows in memory.
#[derive(Default)]
pub(super) struct MemoryRows {
    pub(super) recorded: Mutex<Recorded>,
    pub(super) transactions: Mutex<usize>,
    pub(super) is_broken: bool,
}

impl MemoryRows {
    pub(super) fn recorded_now(&self) -> Recorded {
        self.recorded.lock().unwrap().clone()
    }
}

#[async_trait]
impl RowStore for MemoryRows {
    async fn recorded(&self) -> Result<Recorded, RowStoreError> {
        Ok(self.recorded_now())
    }

    async fn apply_rows(
        &self,
        changes: &RowChanges,
        recorded: &Rows,
    ) -> Result<bool, RowStoreError> {
        if self.is_broken {
            return Err(RowStoreError("disk full".into()));
        }
        *self.transactions.lock().unwrap() += 1;
        let mut now = self.recorded.lock().unwrap();
        if now.rows != *recorded {
            return Ok(false);
        }
        now.rows = changes.applied_to(&now.rows);
        Ok(true)
    }
}
