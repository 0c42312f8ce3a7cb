//! A homeserver that knows two requests and answers them by a script; for tests of patience and pace.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use matrix_sdk::ruma::{
    EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId, owned_room_id, user_id,
};
use serde_json::Value;
use tokio::time::Instant;

use crate::matrix::{
    batch::TimelineItem,
    client::{MatrixClient, MatrixError, NewRoom},
    state::StateEvent,
};

/// One request: when it came, counted from the first, its transaction id and content.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arrived {
    pub(crate) at: Duration,
    pub(crate) transaction_id: String,
    pub(crate) content: Value,
}

/// Answers `createRoom` and `send` with these failures, one after the other, and then with success.
pub(crate) struct ScriptedServer {
    started: Instant,
    failures: Mutex<VecDeque<MatrixError>>,
    arrived: Mutex<Vec<Arrived>>,
    typing: Mutex<Vec<bool>>,
}

impl ScriptedServer {
    pub(crate) fn new(failures: impl IntoIterator<Item = MatrixError>) -> Self {
        Self {
            started: Instant::now(),
            failures: Mutex::new(failures.into_iter().collect()),
            arrived: Mutex::default(),
            typing: Mutex::default(),
        }
    }

    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        lock(&self.arrived).clone()
    }

    pub(crate) fn typing(&self) -> Vec<bool> {
        lock(&self.typing).clone()
    }

    fn answer(&self, transaction_id: &str, content: &Value) -> Result<(), MatrixError> {
        lock(&self.arrived).push(Arrived {
            at: self.started.elapsed(),
            transaction_id: transaction_id.to_owned(),
            content: content.clone(),
        });
        lock(&self.failures).pop_front().map_or(Ok(()), Err)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_scripted<T>() -> Result<T, MatrixError> {
    Err(MatrixError::Local("not scripted".to_owned()))
}

#[async_trait]
impl MatrixClient for ScriptedServer {
    fn user_id(&self) -> &UserId {
        user_id!("@bot:hs")
    }

    async fn joined_rooms(&self) -> Result<BTreeSet<OwnedRoomId>, MatrixError> {
        not_scripted()
    }

    async fn room_state(&self, _room: &RoomId) -> Result<Vec<StateEvent>, MatrixError> {
        not_scripted()
    }

    async fn joined_members(&self, _room: &RoomId) -> Result<BTreeSet<OwnedUserId>, MatrixError> {
        not_scripted()
    }

    async fn display_name(&self, _user: &UserId) -> Result<Option<String>, MatrixError> {
        not_scripted()
    }

    async fn default_room_version(&self) -> Result<String, MatrixError> {
        not_scripted()
    }

    async fn create_room(&self, room: &NewRoom) -> Result<OwnedRoomId, MatrixError> {
        self.answer("", &room.creation_content)?;
        Ok(owned_room_id!("!new:hs"))
    }

    async fn put_state(
        &self,
        _room: &RoomId,
        _event_type: &str,
        _state_key: &str,
        _content: &Value,
    ) -> Result<(), MatrixError> {
        not_scripted()
    }

    async fn put_room_account_data(
        &self,
        _room: &RoomId,
        _event_type: &str,
        _content: &Value,
    ) -> Result<(), MatrixError> {
        not_scripted()
    }

    async fn invite(&self, _room: &RoomId, _user: &UserId) -> Result<(), MatrixError> {
        not_scripted()
    }

    async fn join(&self, _room: &RoomId) -> Result<(), MatrixError> {
        not_scripted()
    }

    async fn leave(&self, _room: &RoomId) -> Result<(), MatrixError> {
        not_scripted()
    }

    async fn forget(&self, _room: &RoomId) -> Result<(), MatrixError> {
        not_scripted()
    }

    async fn send_message(
        &self,
        _room: &RoomId,
        transaction_id: &str,
        content: &Value,
    ) -> Result<OwnedEventId, MatrixError> {
        self.answer(transaction_id, content)?;
        let event = format!("$event{}", lock(&self.arrived).len());
        event
            .try_into()
            .map_err(|_| MatrixError::Local("no event id".to_owned()))
    }

    async fn set_read_marker(&self, _room: &RoomId, _event: &EventId) -> Result<(), MatrixError> {
        not_scripted()
    }

    async fn set_typing(&self, _room: &RoomId, typing: bool) -> Result<(), MatrixError> {
        lock(&self.typing).push(typing);
        Ok(())
    }

    async fn decrypt(
        &self,
        _room: &RoomId,
        _item: &TimelineItem,
    ) -> Result<Option<TimelineItem>, MatrixError> {
        not_scripted()
    }

    async fn event(
        &self,
        _room: &RoomId,
        _event: &EventId,
    ) -> Result<Option<TimelineItem>, MatrixError> {
        not_scripted()
    }

    async fn messages_before(
        &self,
        _room: &RoomId,
        _from: Option<&str>,
    ) -> Result<(Vec<TimelineItem>, Option<String>), MatrixError> {
        not_scripted()
    }
}
