//! Reconcile, with the bot's own store behind it: alone with the rooms while it runs, and the cache brought up to date
//! afterwards.
//!
//! # Locks
//!
//! Three locks keep changes of rooms and rows apart. Whoever needs several of them takes them in this order:
//!
//! 1. `ChatManager::alone`, one for each owner: a change of a chat or of settings, from reading the row to writing it.
//!    It may be held while an agent saves or loads a context.
//! 2. `Provisioner::lock`, one for each owner: whoever writes into an owner's rooms, as two writers at once would fork
//!    the history of the Space.
//! 3. [`RoomsLock`], one for all: shared by everybody who changes rooms and rows together, from the first request to the
//!    last row; held alone by a reconcile.
//!
//! `ChatRooms::hold` takes the second and the third. No lock is held over a pause: where the homeserver asks to wait or
//! does not answer, the change lets all of them go, waits, and begins again. Every change can be repeated, as it may be
//! cut off by the death of the process too.
//!
//! Syncs are committed without any of these locks. What they change in rows is also what a reconcile would make of the
//! same events, and a reconcile whose rows changed while it ran begins again.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use matrix_sdk::ruma::RoomId;
use tokio::sync::OwnedRwLockWriteGuard;

use crate::{
    lifecycle::Tasks,
    matrix::{
        client::{MatrixClient, MatrixError},
        intake::needed_state,
        patient::{backoff, pause_after},
        reconcile::{
            self, Defaults, Mode, Observed, Outcome, ReconcileError, Recorded, Report, RowChanges,
            RowStore, RowStoreError, SeenRoom,
        },
        store::{Store, StoreError, rows::Rows},
    },
};

/// Held for writing by a reconcile, and for reading by whoever changes rooms and rows together: no plan is made of a
/// picture that changes meanwhile.
pub type RoomsLock = Arc<tokio::sync::RwLock<()>>;

/// How long a reconcile lets others change rooms before it.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it looks whether nobody does.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Runs reconcile.
#[derive(Clone)]
pub struct Reconciler {
    client: Arc<dyn MatrixClient>,
    store: Store,
    defaults: Arc<dyn Fn() -> Defaults + Send + Sync>,
    tasks: Tasks,
    rooms: RoomsLock,
}

impl Reconciler {
    /// `client` makes one attempt for each request: pauses are made here, without the lock. They end with `tasks`.
    /// `defaults` is asked at each run: the configuration that they come from may be read again while the bot runs.
    pub fn new(
        client: Arc<dyn MatrixClient>,
        store: Store,
        defaults: impl Fn() -> Defaults + Send + Sync + 'static,
        tasks: Tasks,
    ) -> Self {
        Self {
            client,
            store,
            defaults: Arc::new(defaults),
            tasks,
            rooms: RoomsLock::default(),
        }
    }

    /// For whoever changes rooms and rows together.
    pub const fn rooms(&self) -> &RoomsLock {
        &self.rooms
    }

    /// Everything, from the kept state of all joined rooms.
    pub async fn full(&self) -> Result<Report, ReconcileError> {
        self.until_done(&Mode::Full).await
    }

    /// Because of a message from this joined room, which has no row: its state is asked for first.
    pub async fn single(&self, room: &RoomId) -> Result<Report, ReconcileError> {
        self.until_done(&Mode::Single(room.to_owned())).await
    }

    /// Makes attempts, with the lock, and pauses, without it.
    async fn until_done(&self, mode: &Mode) -> Result<Report, ReconcileError> {
        let mut pauses = backoff();
        loop {
            let attempt = async {
                let _alone = self.alone().await;
                self.attempt(mode).await
            };
            let ended = tokio::select! {
                biased;
                () = self.tasks.stop().cancelled() => return Err(stopped()),
                ended = attempt => ended,
            };
            let error = match ended {
                Err(ReconcileError::RowsChanged) => continue,
                Err(ReconcileError::Matrix(error)) => error,
                other => return other,
            };
            let Some(pause) = pause_after(&error, &mut pauses) else {
                return Err(ReconcileError::Matrix(error));
            };
            tracing::warn!(%error, pause_ms = pause.as_millis(), "reconcile was interrupted, trying again");
            self.tasks.pause(pause).await;
            if self.tasks.is_draining() {
                return Err(stopped());
            }
        }
    }

    /// Waits for a moment in which nobody changes rooms. Others are let past meanwhile: one slow change is no reason for
    /// everybody else to wait. Where that moment does not come by itself, it is made.
    async fn alone(&self) -> OwnedRwLockWriteGuard<()> {
        let until = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < until {
            if let Ok(alone) = Arc::clone(&self.rooms).try_write_owned() {
                return alone;
            }
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        }
        Arc::clone(&self.rooms).write_owned().await
    }

    async fn attempt(&self, mode: &Mode) -> Result<Report, ReconcileError> {
        if let Mode::Single(room) = mode {
            let state = self
                .client
                .room_state(room)
                .await
                .map_err(ReconcileError::Matrix)?;
            self.store
                .replace_room_state(room, needed_state(self.client.user_id(), state))
                .await
                .map_err(store_failed)?;
        }
        let observed = self.observe().await?;
        self.run(observed, mode).await
    }

    /// Room by room: the state of all rooms at once would be most of the bot's memory.
    async fn observe(&self) -> Result<Observed, ReconcileError> {
        let bot = self.client.user_id().to_owned();
        let reader = bot.clone();
        let rooms = self
            .store
            .read_rooms(move |state| SeenRoom::read(state, &reader))
            .await
            .map_err(store_failed)?;
        Ok(Observed {
            bot,
            rooms,
            incomplete: BTreeSet::new(),
        })
    }

    async fn run(&self, observed: Observed, mode: &Mode) -> Result<Report, ReconcileError> {
        let outcome = reconcile::run(
            self.client.as_ref(),
            &self.store,
            observed,
            &(self.defaults)(),
            mode,
        )
        .await?;
        self.remember(&outcome).await.map_err(store_failed)?;
        Ok(outcome.report)
    }

    /// What the run learned and wrote stands in the cache at once, not only when the next sync brings it.
    async fn remember(&self, outcome: &Outcome) -> Result<(), StoreError> {
        for (room, state) in &outcome.refreshed {
            self.store
                .replace_room_state(room, state.events.values().cloned().collect())
                .await?;
        }
        for (room, event) in &outcome.written {
            self.store.put_state(room, event.clone()).await?;
        }
        Ok(())
    }
}

fn stopped() -> ReconcileError {
    ReconcileError::Matrix(MatrixError::ShuttingDown)
}

fn store_failed(error: StoreError) -> ReconcileError {
    ReconcileError::Store(RowStoreError(Box::new(error)))
}

#[async_trait]
impl RowStore for Store {
    async fn recorded(&self) -> Result<Recorded, RowStoreError> {
        let failed = |error: StoreError| RowStoreError(Box::new(error));
        Ok(Recorded {
            rows: self.rows().await.map_err(failed)?,
            pending_intents: self
                .provision_intents()
                .await
                .map_err(failed)?
                .into_iter()
                .collect(),
        })
    }

    async fn apply_rows(
        &self,
        changes: &RowChanges,
        recorded: &Rows,
    ) -> Result<bool, RowStoreError> {
        self.write_rows_over(changes.clone(), recorded.clone())
            .await
            .map_err(|error| RowStoreError(Box::new(error)))
    }
}
