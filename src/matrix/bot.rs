//! The order of a start, and the loop that follows. Nothing else.
//!
//! Nothing that a sync brings is handled before the rows agree with the server's rooms.

use std::{sync::Arc, time::Duration};

use crate::{
    boundary::{Boundary, reached},
    lifecycle::Tasks,
    matrix::{
        client::{MatrixClient, MatrixError, SyncFrom, SyncSource},
        gaps::GapFiller,
        inbox::Inbox,
        intake,
        patient::{backoff, pause_after},
        reception::Reception,
        reconcile::{ReconcileError, Report},
        reconciler::Reconciler,
        store::{Store, StoreError},
    },
    ops::{Metrics, Readiness},
};

/// How long the server may hold an empty answer back.
const LONG_POLL: Duration = Duration::from_secs(30);
/// A live sync neither comes nor fails for so long: longer than any request may take, so it is the SDK that is stuck.
const STUCK_AFTER: Duration = Duration::from_mins(5);
/// The pause before a commit that failed is tried again: a full disk can be emptied.
const COMMIT_PAUSE: Duration = Duration::from_secs(2);

/// How often the journal is looked through for events that were finished with long ago.
const COMPACTED_EVERY: Duration = Duration::from_hours(1);

/// What the first sync of a session asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstSync {
    /// What is new since the kept position, where the kept state can be shown to be complete.
    Auto,
    /// What is new since the kept position, and the full state of every joined room.
    Full,
    /// Everything: the homeserver does not know the kept position.
    FromNothing,
}

/// The running bot.
pub struct Bot {
    /// Where responses come from.
    pub source: Arc<dyn SyncSource>,
    /// Patient: a failure it reports is final.
    pub client: Arc<dyn MatrixClient>,
    /// Where responses go.
    pub store: Store,
    /// The device that the position belongs to.
    pub device_id: String,
    /// What the first sync asks for.
    pub first_sync: FirstSync,
    /// Makes rows agree with rooms.
    pub reconciler: Reconciler,
    /// Handles messages.
    pub inbox: Inbox,
    /// Handles invitations.
    pub reception: Reception,
    /// Fetches what syncs left out.
    pub gaps: GapFiller,
    /// Tells the world.
    pub readiness: Readiness,
    /// Counts.
    pub metrics: Metrics,
    /// Where work runs, and when it ends.
    pub tasks: Tasks,
}

/// Why the bot stopped.
#[derive(Debug, thiserror::Error)]
pub enum BotError {
    /// The process is ending, as it was asked to.
    #[error("shutting down")]
    ShuttingDown,
    /// The server or the SDK failed in a way that waiting does not mend.
    #[error("the homeserver connection failed")]
    Matrix(#[source] MatrixError),
    /// The database failed in a way that waiting does not mend.
    #[error("the database failed")]
    Store(#[from] StoreError),
    /// The rows could not be made to agree with the rooms.
    #[error("reconcile failed")]
    Reconcile(#[from] ReconcileError),
    /// The full state is needed, and this client cannot be trusted to hand it out: a response that ends where the one
    /// before it ended is dropped by the SDK. A new client over the same data can, and its first sync asks for this.
    #[error("a new client is needed for the full state")]
    NewClientNeeded(FirstSync),
}

impl BotError {
    /// Whether a new session, over the same data, may do what this one cannot: it was ended from outside, or the SDK
    /// has lost its way.
    pub const fn wants_a_new_session(&self) -> bool {
        let (Self::Matrix(error) | Self::Reconcile(ReconcileError::Matrix(error))) = self else {
            return false;
        };
        matches!(
            error,
            MatrixError::UnknownToken { .. } | MatrixError::Local(_)
        )
    }
}

impl Bot {
    /// First sync, reconcile, ready, and then the live loop until the process is asked to end.
    pub async fn run(&self) -> Result<(), BotError> {
        self.first_sync().await?;
        let report = self.reconciler.full().await?;
        reached(Boundary::ReconcileApplied);
        self.reception_of_unfinished_entries().await?;
        self.ready(&report);
        self.compact_now_and_then();
        let died = self.store.record_deaths().await?;
        if died > 0 {
            tracing::info!(
                events = died,
                "the process before this one ended while it handled messages"
            );
        }
        self.inbox.tidy();
        self.wake().await?;
        self.live().await
    }

    /// Brings the kept state of every joined room up to date. Events are stored, not handled.
    pub async fn first_sync(&self) -> Result<(), BotError> {
        let kept = match self.first_sync {
            FirstSync::FromNothing => None,
            FirstSync::Auto | FirstSync::Full => self.store.position(&self.device_id).await?,
        };
        let full = kept.is_none() || self.first_sync == FirstSync::Full;
        self.sync_and_commit(from(kept, full), Duration::ZERO)
            .await?;
        if full {
            return Ok(());
        }
        let joined = self.client.joined_rooms().await?;
        let known = self.store.joined_rooms().await?;
        let is_complete =
            known.len() == joined.len() && known.iter().all(|(room, _)| joined.contains(room));
        if is_complete {
            return Ok(());
        }
        tracing::info!(
            joined = joined.len(),
            known = known.len(),
            "the kept state does not hold every joined room: asking for the full state"
        );
        Err(BotError::NewClientNeeded(FirstSync::Full))
    }

    /// Entry rooms in which the bot has not said a word: an onboarding that was cut off and then forgotten.
    async fn reception_of_unfinished_entries(&self) -> Result<(), BotError> {
        for (room, inviter) in self.store.silent_entry_rooms().await? {
            self.store.invite_joined(&room, &inviter).await?;
        }
        Ok(())
    }

    fn ready(&self, report: &Report) {
        report.log();
        self.metrics.reconciled(report.counts());
        self.readiness.reconciled();
        tracing::info!(
            joined_rooms = report.joined_rooms,
            drift = report.drift,
            conflicts = report.conflicts.len(),
            skipped_rooms = report.skipped_rooms.len(),
            reconcile_ms = report.duration_ms,
            "ready"
        );
    }

    /// Keeps the journal small, a little at a time.
    fn compact_now_and_then(&self) {
        let (store, tasks) = (self.store.clone(), self.tasks.clone());
        self.tasks.spawn("compaction", async move {
            while !tasks.is_draining() {
                match store.compact().await {
                    Ok(0) => tasks.pause(COMPACTED_EVERY).await,
                    Ok(events) => tracing::debug!(events, "older events are out of the journal"),
                    Err(error) => {
                        tracing::warn!(%error, "the journal cannot be compacted");
                        tasks.pause(COMPACTED_EVERY).await;
                    }
                }
            }
        });
    }

    async fn live(&self) -> Result<(), BotError> {
        loop {
            let Some(position) = self.store.position(&self.device_id).await? else {
                return Err(BotError::Matrix(MatrixError::Local(
                    "the sync position is gone".to_owned(),
                )));
            };
            let left = match self
                .sync_and_commit(SyncFrom::Position(position), LONG_POLL)
                .await
            {
                Err(BotError::ShuttingDown) => return Ok(()),
                other => other?,
            };
            if left {
                self.reconcile_aside();
            }
            self.wake().await?;
        }
    }

    /// The rows of rooms the bot was removed from are to say so. Not in the loop: reconcile waits for whoever makes a
    /// room, and they wait for the sync that brings it.
    fn reconcile_aside(&self) {
        let reconciler = self.reconciler.clone();
        self.tasks.spawn("reconcile", async move {
            match reconciler.full().await {
                Ok(report) => report.log(),
                Err(ReconcileError::Matrix(MatrixError::ShuttingDown)) => {}
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "reconcile failed");
                }
            }
        });
    }

    async fn wake(&self) -> Result<(), BotError> {
        self.gaps.wake(self.inbox.clone()).await?;
        self.reception.wake().await?;
        Ok(self.inbox.wake().await?)
    }

    /// One sync, asked for until it is there, and committed until it is kept. Tells whether the bot left a room.
    async fn sync_and_commit(&self, from: SyncFrom, wait: Duration) -> Result<bool, BotError> {
        let is_live = wait > Duration::ZERO;
        let mut batch = self.sync(from, wait).await?;
        self.readiness.synced();
        reached(Boundary::SyncReceived);
        if batch.full_state
            && batch.joined.is_empty()
            && !self.client.joined_rooms().await?.is_empty()
        {
            tracing::warn!(
                "a full state came without any of the joined rooms: what is kept of them stays"
            );
            batch.full_state = false;
        }
        // What waited while the bot was away fills no queue.
        let queue_limit = (is_live && !batch.from_nothing).then(|| self.inbox.queue_limit());
        let mut intake = intake::take_in(self.client.user_id(), batch);
        intake.queue_limit = queue_limit;
        intake.before_reconcile = !is_live;
        let left = intake.left.clone();
        for (room, event) in intake.wanted() {
            tracing::debug!(event.id = %event, room.id = %room, "received");
        }
        loop {
            match self.store.commit(&self.device_id, intake.clone()).await {
                Ok(removed) => {
                    reached(Boundary::SyncCommitted);
                    self.inbox.stop_turns_in(&left);
                    return Ok(removed);
                }
                // The response is kept in memory: the server would not repeat it as it was.
                Err(error) if error.is_transient() => {
                    tracing::error!(%error, "a sync cannot be kept: free disk space, trying again");
                    self.tasks.pause(COMMIT_PAUSE).await;
                }
                Err(error) => return Err(error.into()),
            }
            if self.tasks.is_draining() {
                return Err(BotError::ShuttingDown);
            }
        }
    }

    async fn sync(
        &self,
        mut from: SyncFrom,
        wait: Duration,
    ) -> Result<crate::matrix::batch::SyncBatch, BotError> {
        let mut pauses = backoff();
        loop {
            let attempt = tokio::select! {
                biased;
                () = self.tasks.draining().cancelled() => return Err(BotError::ShuttingDown),
                attempt = self.source.sync(from.clone(), wait) => attempt,
                () = stuck(wait) => Err(MatrixError::Local("a sync neither came nor failed".to_owned())),
            };
            let error = match attempt {
                Ok(batch) => return Ok(batch),
                Err(error) => error,
            };
            if is_position_unknown(&error) && from != SyncFrom::Nothing {
                tracing::warn!(%error, "the homeserver does not accept the kept position: asking for everything");
                if !wait.is_zero() {
                    return Err(BotError::NewClientNeeded(FirstSync::FromNothing));
                }
                from = SyncFrom::Nothing;
                continue;
            }
            let pause = match error {
                // For a reason that its operator can mend: the position stays, and so does the process.
                MatrixError::Refused { .. } => pauses.next(),
                _ => pause_after(&error, &mut pauses),
            };
            let Some(pause) = pause else {
                return Err(error.into());
            };
            tracing::warn!(%error, pause_ms = pause.as_millis(), "the sync failed: trying again");
            self.tasks.pause(pause).await;
        }
    }
}

/// Whether the homeserver refused a sync because of its position, as one does that was set back to an older state. No
/// code is specified for that: servers answer as they do to any parameter that they cannot use.
fn is_position_unknown(error: &MatrixError) -> bool {
    matches!(error, MatrixError::Refused { status: 400, errcode, .. }
        if matches!(errcode.as_str(), "M_UNKNOWN" | "M_UNKNOWN_POS" | "M_INVALID_PARAM"))
}

/// Ends when a live sync has taken too long; a first one may take what it needs.
async fn stuck(wait: Duration) {
    if wait.is_zero() {
        return std::future::pending().await;
    }
    tokio::time::sleep(STUCK_AFTER).await;
}

fn from(position: Option<String>, full: bool) -> SyncFrom {
    match (position, full) {
        (None, _) => SyncFrom::Nothing,
        (Some(position), true) => SyncFrom::PositionWithFullState(position),
        (Some(position), false) => SyncFrom::Position(position),
    }
}

impl From<MatrixError> for BotError {
    fn from(error: MatrixError) -> Self {
        match error {
            MatrixError::ShuttingDown => Self::ShuttingDown,
            other => Self::Matrix(other),
        }
    }
}
