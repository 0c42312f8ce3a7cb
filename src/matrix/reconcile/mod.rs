//! Makes the rows say what the joined Space graph says: the same way at start-up, by command and for a single room.
//!
//! `observe -> plan -> (a second look at what does not add up, and plan again) -> apply`. Only this file and [`apply`]
//! do I/O, and of the server's rooms they only ever write markers and links: nothing here can make, join or leave a
//! room.

pub mod apply;
pub mod changes;
pub mod graph;
pub mod observe;
pub mod plan;
pub mod report;
pub mod seen;
pub mod suspect;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    time::Instant,
};

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use matrix_sdk::ruma::{OwnedRoomId, UserId};

use self::{apply::ROOMS_AT_ONCE, plan::Plan};
pub use self::{
    changes::RowChanges,
    plan::{Defaults, Recorded},
    report::Report,
    seen::{Observed, SeenRoom},
};
use crate::matrix::{
    client::{MatrixClient, MatrixError},
    state::{RoomState, StateEvent},
    store::rows::Rows,
};

/// The rows, as reconcile reads and writes them.
#[async_trait]
pub trait RowStore: Send + Sync {
    /// All rows, and the intents of the rooms that are being made, as of one moment.
    async fn recorded(&self) -> Result<Recorded, RowStoreError>;
    /// Applies the changes in one transaction, if the rows are still what was recorded; tells whether they are.
    async fn apply_rows(
        &self,
        changes: &RowChanges,
        recorded: &Rows,
    ) -> Result<bool, RowStoreError>;
}

/// Why rows could not be read or written. The run ends; the next one starts over.
#[derive(Debug, thiserror::Error)]
#[error("the row store failed")]
pub struct RowStoreError(#[source] pub Box<dyn Error + Send + Sync>);

/// Why a run came to no end. What it wrote until then is right, and the next run does the rest.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The homeserver could not be asked at all.
    #[error("the homeserver could not be asked")]
    Matrix(#[source] MatrixError),
    /// Rows could not be read or written.
    #[error(transparent)]
    Store(#[from] RowStoreError),
    /// Rows were written by others while the run looked at the rooms: it has to look again.
    #[error("the rows changed meanwhile")]
    RowsChanged,
}

/// What a run is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything is put right.
    Full,
    /// The same, because of a message from this room, which has no row. The bot is at work meanwhile, so the snapshot
    /// is believed less: the server is asked for the state of every room whose rows differ.
    Single(OwnedRoomId),
    /// Nothing is written anywhere.
    Check,
}

impl Mode {
    /// The mode's name in the report.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Single(_) => "single",
            Self::Check => "check",
        }
    }
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// For the log, people and scripts.
    pub report: Report,
    /// Rooms whose state was asked for again: what is kept of them should be replaced by this.
    pub refreshed: BTreeMap<OwnedRoomId, RoomState>,
    /// Events written after that, for what is kept of their rooms. The next sync brings them too.
    pub written: Vec<(OwnedRoomId, StateEvent)>,
}

/// Reconciles the rows with what was observed. One call at a time.
pub async fn run(
    client: &dyn MatrixClient,
    store: &dyn RowStore,
    mut observed: Observed,
    defaults: &Defaults,
    mode: &Mode,
) -> Result<Outcome, ReconcileError> {
    let started = Instant::now();
    // A joined room can be missing among what was observed: joined a moment ago, or left out by the homeserver. Its rows
    // must not be taken for those of a room that was left.
    let joined = client
        .joined_rooms()
        .await
        .map_err(ReconcileError::Matrix)?;
    let unseen = joined
        .into_iter()
        .filter(|room| !observed.rooms.contains_key(room));
    observed.incomplete.extend(unseen.collect::<Vec<_>>());
    let recorded = store.recorded().await?;
    let (plan, refreshed) = settled_plan(client, observed, &recorded, defaults, mode).await?;
    let mut outcome = Outcome {
        report: plan.report.clone(),
        refreshed,
        written: Vec::new(),
    };
    if *mode != Mode::Check {
        let applied = apply::apply(&plan, &recorded.rows, client, store).await?;
        outcome.written = applied.written;
        outcome.report.conflicts.extend(applied.refused);
        outcome.report.conflicts.sort();
    }
    outcome.report.mode = mode.as_str();
    outcome.report.duration_ms = started.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
    Ok(outcome)
}

/// Plans, looks again at every room that the plan makes suspicious, and plans anew until there is none left. No room
/// is asked for twice, so this ends.
async fn settled_plan(
    client: &dyn MatrixClient,
    mut observed: Observed,
    recorded: &Recorded,
    defaults: &Defaults,
    mode: &Mode,
) -> Result<(Plan, BTreeMap<OwnedRoomId, RoomState>), ReconcileError> {
    let mut refreshed = BTreeMap::new();
    loop {
        let plan = plan::plan(&observed, recorded, defaults);
        let rooms = unasked(&observed, recorded, &plan, &refreshed, mode);
        if rooms.is_empty() {
            return Ok((plan, refreshed));
        }
        tracing::info!(
            "asking for the state of {} rooms that do not add up",
            rooms.len()
        );
        let answers: Vec<_> = stream::iter(rooms)
            .map(|room| ask(client, room))
            .buffered(ROOMS_AT_ONCE)
            .try_collect()
            .await?;
        for (room, events) in answers {
            if let Some(events) = events {
                let bot = client.user_id();
                let state = refreshed_state(observed.rooms.get(&room), events, bot);
                let seen = SeenRoom::read(&state, bot);
                observed.rooms.insert(room.clone(), seen);
                refreshed.insert(room, state);
            } else {
                observed.set_aside(room);
            }
        }
    }
}

fn unasked(
    observed: &Observed,
    recorded: &Recorded,
    plan: &Plan,
    refreshed: &BTreeMap<OwnedRoomId, RoomState>,
    mode: &Mode,
) -> Vec<OwnedRoomId> {
    let mut suspects = suspect::suspects(observed, plan);
    let mut touched = suspect::touched_by_rows(observed, plan);
    if !matches!(mode, Mode::Single(_)) {
        // Rows that are made anew contradict nothing: after a lost database no room is asked for because of its row.
        let known: BTreeSet<&str> = recorded
            .rows
            .rooms
            .iter()
            .map(|row| row.room_id.as_str())
            .collect();
        touched.retain(|room| known.contains(room.as_str()));
    }
    suspects.extend(touched);
    suspects
        .into_iter()
        .filter(|room| !refreshed.contains_key(room) && !observed.incomplete.contains(room))
        .collect()
}

/// The room's state as the server has it now; `None` where the server will not tell.
async fn ask(
    client: &dyn MatrixClient,
    room: OwnedRoomId,
) -> Result<(OwnedRoomId, Option<Vec<StateEvent>>), ReconcileError> {
    match client.room_state(&room).await {
        Ok(events) => Ok((room, Some(events))),
        Err(error) if apply::is_final(&error) => {
            tracing::warn!(
                room.id = %room,
                error = &error as &dyn Error,
                "the state of {room} cannot be read: it is left alone"
            );
            Ok((room, None))
        }
        Err(error) => Err(ReconcileError::Matrix(error)),
    }
}

/// The new state, with what only a sync tells kept from before: the bot's note, and who invited it.
fn refreshed_state(old: Option<&SeenRoom>, events: Vec<StateEvent>, bot: &UserId) -> RoomState {
    let mut state = RoomState {
        entry_of: old.and_then(|old| old.entry_of.clone()),
        ..RoomState::default()
    };
    let invited_by = old.and_then(|old| old.invited_by.clone());
    for mut event in events {
        if event.event_type == "m.room.member" && event.state_key == bot.as_str() {
            event.invited_by = event.invited_by.or_else(|| invited_by.clone());
        }
        state.insert(event);
    }
    state
}
