//! Making rooms, so that a crash at any point leaves exactly one of each.
//!
//! Every wish has an intent, derived from what caused it: the same cause always names the same intent. It is recorded
//! before `createRoom` is asked for, and stands in the room's creation content, where nobody can change it. A room that
//! is found with the intent is adopted and completed; only where none can exist any more is one made.

mod create;
mod layout;
mod onboard;
mod rooms;
mod saves;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use matrix_sdk::ruma::{OwnedRoomId, OwnedServerName, OwnedUserId, RoomId};
use serde_json::Value;
use tokio::sync::{OnceCell, OwnedMutexGuard, OwnedRwLockReadGuard};

use crate::{
    clock::Clock,
    core::{
        chat::{ChatRoomsError, ChatStoreError, Locale},
        ids::{RoomKey, UserKey},
    },
    matrix::{
        client::{MatrixClient, MatrixError},
        outbox::{Outbox, OutboxError},
        reconciler::RoomsLock,
        state::StateEvent,
        store::{Store, StoreError},
    },
    platform::routed::Agents,
};

/// How rooms are named and who answers in them, where nobody chose otherwise.
#[derive(Clone)]
pub struct Defaults {
    /// First word of Space names.
    pub brand: String,
    /// Language of users who chose none.
    pub locale: Locale,
    /// Who may answer whom.
    pub agents: Arc<Agents>,
}

/// After a `createRoom` whose end is unknown, the server may still be busy making the room: it is looked for this long
/// before another one is made.
const SETTLES_WITHIN: Duration = Duration::from_secs(6);

/// Makes, completes and changes the bot's rooms.
#[derive(Clone)]
pub struct Provisioner {
    client: Arc<dyn MatrixClient>,
    store: Store,
    outbox: Outbox,
    clock: Arc<dyn Clock>,
    defaults: Defaults,
    server: OwnedServerName,
    amnesia_since: Option<SystemTime>,
    rooms: RoomsLock,
    room_version: Arc<OnceCell<String>>,
    locks: Arc<Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>>,
}

impl Provisioner {
    /// `client` must be patient: a failure it reports is final. `amnesia_since` is the start of a process that found no
    /// record of what the one before it was doing. `rooms` is shared with reconcile.
    pub fn new(
        client: Arc<dyn MatrixClient>,
        store: Store,
        outbox: Outbox,
        clock: Arc<dyn Clock>,
        defaults: Defaults,
        amnesia_since: Option<SystemTime>,
        rooms: RoomsLock,
    ) -> Self {
        let server = client.user_id().server_name().to_owned();
        let (room_version, locks) = Default::default();
        Self {
            client,
            store,
            outbox,
            clock,
            defaults,
            server,
            amnesia_since,
            rooms,
            room_version,
            locks,
        }
    }

    /// One change of a user's rooms at a time, as two writers at once would fork the Space's history; and none while
    /// a reconcile looks at all of them.
    async fn lock(&self, user: &UserKey) -> (OwnedMutexGuard<()>, OwnedRwLockReadGuard<()>) {
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(locks.entry(user.as_str().to_owned()).or_default())
        };
        (
            lock.lock_owned().await,
            Arc::clone(&self.rooms).read_owned().await,
        )
    }

    /// Writes a state event. It stands in the cache at once, so that nobody takes an older one for the truth.
    async fn put(
        &self,
        room: &RoomId,
        event_type: &str,
        state_key: &str,
        content: Value,
    ) -> Result<(), ChatRoomsError> {
        self.client
            .put_state(room, event_type, state_key, &content)
            .await?;
        let now = self
            .clock
            .now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let event = StateEvent {
            event_type: event_type.to_owned(),
            state_key: state_key.to_owned(),
            sender: self.client.user_id().to_owned(),
            origin_server_ts: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
            content,
            invited_by: None,
        };
        Ok(self.store.put_state(room, event).await?)
    }

    async fn room_version(&self) -> Result<&str, MatrixError> {
        let version = self
            .room_version
            .get_or_try_init(|| self.client.default_room_version())
            .await?;
        Ok(version)
    }
}

fn room_id(key: &RoomKey) -> Result<OwnedRoomId, ChatRoomsError> {
    key.as_str()
        .try_into()
        .map_err(|error| ChatRoomsError::Refused(Box::new(error)))
}

fn user_id(key: &UserKey) -> Result<OwnedUserId, ChatRoomsError> {
    key.as_str()
        .try_into()
        .map_err(|error| ChatRoomsError::Refused(Box::new(error)))
}

impl From<MatrixError> for ChatRoomsError {
    fn from(error: MatrixError) -> Self {
        match error {
            // Without a session nothing can be told either: the message stays in the journal until there is one.
            MatrixError::ShuttingDown | MatrixError::UnknownToken { .. } => Self::ShuttingDown,
            other => Self::Refused(Box::new(other)),
        }
    }
}

impl From<OutboxError> for ChatRoomsError {
    fn from(error: OutboxError) -> Self {
        match error {
            OutboxError::Interrupted(error) => error.into(),
            OutboxError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for ChatRoomsError {
    fn from(error: StoreError) -> Self {
        Self::Store(ChatStoreError(Box::new(error)))
    }
}
