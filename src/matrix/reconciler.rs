//! Reconcile, with the bot's own store behind it: alone with the rooms while it runs, and the cache brought up to date
//! afterwards.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use matrix_sdk::ruma::RoomId;
use tokio::sync::OwnedRwLockWriteGuard;

use crate::matrix::{
    client::MatrixClient,
    intake::needed_state,
    reconcile::{
        self, Defaults, Mode, Observed, Outcome, ReconcileError, Recorded, Report, RowChanges,
        RowStore, RowStoreError, SeenRoom,
    },
    store::{Store, StoreError},
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
    rooms: RoomsLock,
}

impl Reconciler {
    /// `client` must be patient: a failure it reports is final. `defaults` is asked at each run: the configuration that
    /// they come from may be read again while the bot runs.
    pub fn new(
        client: Arc<dyn MatrixClient>,
        store: Store,
        defaults: impl Fn() -> Defaults + Send + Sync + 'static,
        rooms: RoomsLock,
    ) -> Self {
        Self {
            client,
            store,
            defaults: Arc::new(defaults),
            rooms,
        }
    }

    /// Everything, from the kept state of all joined rooms.
    pub async fn full(&self) -> Result<Report, ReconcileError> {
        let _alone = self.alone().await;
        let observed = self.observe().await?;
        self.run(observed, &Mode::Full).await
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

    /// Because of a message from this joined room, which has no row: its state is asked for first.
    pub async fn single(&self, room: &RoomId) -> Result<Report, ReconcileError> {
        let _alone = self.alone().await;
        match self.client.room_state(room).await {
            Ok(state) => self
                .store
                .replace_room_state(room, needed_state(self.client.user_id(), state))
                .await
                .map_err(store_failed)?,
            Err(error) => return Err(ReconcileError::Matrix(error)),
        }
        let observed = self.observe().await?;
        self.run(observed, &Mode::Single(room.to_owned())).await
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

    async fn apply_rows(&self, changes: &RowChanges) -> Result<(), RowStoreError> {
        self.write_rows(changes.clone())
            .await
            .map_err(|error| RowStoreError(Box::new(error)))
    }
}
