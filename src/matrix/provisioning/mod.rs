//! Making rooms, so that a crash at any point leaves exactly one of each.
//!
//! Every wish has an intent, derived from what caused it: the same cause always names the same intent. It is recorded
//! before `createRoom` is asked for, and stands in the room's creation content, where nobody can change it. A room that
//! is found with the intent is adopted and completed; only where none can exist any more is one made.

mod create;
mod invite;
mod layout;
mod onboard;
mod replace;
mod rooms;
mod saves;

use std::{
    collections::BTreeMap,
    pin::Pin,
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
    lifecycle::Tasks,
    matrix::{
        client::{MatrixClient, MatrixError},
        outbox::{Outbox, OutboxError},
        patient::backoff,
        reconcile::ReconcileError,
        reconciler::Reconciler,
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

/// What a provisioner works with.
pub struct Parts {
    /// Makes one attempt for each request: pauses are made where no lock is held.
    pub client: Arc<dyn MatrixClient>,
    /// Rows, state and what is being made.
    pub store: Store,
    /// Says the welcome.
    pub outbox: Outbox,
    /// Tells when a room was requested and when an invitation is due.
    pub clock: Arc<dyn Clock>,
    /// Names and agents of new rooms.
    pub defaults: Defaults,
    /// The start of a process that found no record of what the one before it was doing.
    pub amnesia_since: Option<SystemTime>,
    /// Moves chats into a new Space; its lock keeps it away from what is being changed here.
    pub reconciler: Reconciler,
    /// When waiting ends.
    pub tasks: Tasks,
}

/// The longest pause between two attempts, whatever the server asks for.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// One attempt at a change.
type Attempt<'a, T> = Pin<Box<dyn Future<Output = Result<T, ChatRoomsError>> + Send + 'a>>;

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
    reconciler: Reconciler,
    tasks: Tasks,
    room_version: Arc<OnceCell<String>>,
    locks: Arc<Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>>,
}

/// The second and the third of the locks whose order stands in [`crate::matrix::reconciler`].
type Locks = (OwnedMutexGuard<()>, OwnedRwLockReadGuard<()>);

impl Provisioner {
    /// Nothing is asked or written yet.
    pub fn new(parts: Parts) -> Self {
        let server = parts.client.user_id().server_name().to_owned();
        let (room_version, locks) = Default::default();
        Self {
            client: parts.client,
            store: parts.store,
            outbox: parts.outbox,
            clock: parts.clock,
            defaults: parts.defaults,
            server,
            amnesia_since: parts.amnesia_since,
            reconciler: parts.reconciler,
            tasks: parts.tasks,
            room_version,
            locks,
        }
    }

    /// One change of a user's rooms at a time, as two writers at once would fork the Space's history; and none while
    /// a reconcile looks at all of them.
    async fn lock(&self, user: &UserKey) -> Locks {
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(locks.entry(user.as_str().to_owned()).or_default())
        };
        (
            lock.lock_owned().await,
            Arc::clone(self.reconciler.rooms()).read_owned().await,
        )
    }

    /// Makes attempts at a change of the user's rooms, with the locks, and pauses between them, without.
    async fn attempts<'a, T>(
        &self,
        user: &UserKey,
        attempt: impl Fn() -> Attempt<'a, T> + Send + Sync,
    ) -> Result<T, ChatRoomsError> {
        let mut count = 0;
        loop {
            let one = async {
                let _held = self.lock(user).await;
                attempt().await
            };
            let ended = tokio::select! {
                biased;
                () = self.tasks.stop().cancelled() => return Err(ChatRoomsError::ShuttingDown),
                ended = one => ended,
            };
            match ended {
                Err(ChatRoomsError::Later(wish)) => self.pause(wish, count).await?,
                other => return other,
            }
            count += 1;
        }
    }

    /// The pause after an attempt that may succeed later. Ends early with the process.
    async fn pause(&self, wish: Option<Duration>, attempt: u32) -> Result<(), ChatRoomsError> {
        let own = backoff().nth(attempt as usize).unwrap_or(LONGEST_PAUSE);
        let pause = wish.unwrap_or(own).min(LONGEST_PAUSE);
        tracing::debug!(
            pause_ms = pause.as_millis(),
            attempt,
            "a change of rooms waits"
        );
        self.tasks.pause(pause).await;
        if self.tasks.is_draining() {
            return Err(ChatRoomsError::ShuttingDown);
        }
        Ok(())
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
            MatrixError::RateLimited { retry_after } => Self::Later(retry_after),
            MatrixError::Unanswered(_) => Self::Later(None),
            other => Self::Refused(Box::new(other)),
        }
    }
}

impl From<ReconcileError> for ChatRoomsError {
    fn from(error: ReconcileError) -> Self {
        match error {
            ReconcileError::Matrix(error) => error.into(),
            other => Self::Store(ChatStoreError(Box::new(other))),
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
