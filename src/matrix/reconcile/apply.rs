//! Does what a plan says: server first, rows second. Takes no decisions of its own.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use matrix_sdk::ruma::{OwnedRoomId, RoomId};

use super::{
    ReconcileError, RowStore,
    changes::StateWrite,
    plan::Plan,
    report::{Conflict, ConflictKind},
};
use crate::{
    boundary::{Boundary, reached},
    matrix::{
        client::{MatrixClient, MatrixError},
        state::StateEvent,
        store::rows::Rows,
    },
};

/// Rooms that are asked or written at once. More does not make Synapse faster.
pub(super) const ROOMS_AT_ONCE: usize = 8;

/// What applying a plan came to.
#[derive(Debug, Default)]
pub struct Applied {
    /// What was written, as it now stands in the rooms.
    pub written: Vec<(OwnedRoomId, StateEvent)>,
    /// One conflict for each write that the server refused.
    pub refused: Vec<Conflict>,
}

/// Carries the plan out. A write that the server refuses for good is reported and does not stop the others; the rows
/// are applied all the same, as they say what was decided.
pub async fn apply(
    plan: &Plan,
    recorded: &Rows,
    client: &dyn MatrixClient,
    store: &dyn RowStore,
) -> Result<Applied, ReconcileError> {
    let mut by_room: BTreeMap<&RoomId, Vec<StateWrite>> = BTreeMap::new();
    for write in &plan.writes {
        by_room
            .entry(&write.room_id)
            .or_default()
            .push(write.clone());
    }
    // In one room one after the other: two writes at once make the room fork.
    let rooms: Vec<Applied> = stream::iter(by_room.into_values())
        .map(|writes| write_room(client, writes))
        .buffered(ROOMS_AT_ONCE)
        .try_collect()
        .await?;
    let mut applied = Applied::default();
    for room in rooms {
        applied.written.extend(room.written);
        applied.refused.extend(room.refused);
    }
    reached(Boundary::ReconcileWritten);
    if !plan.rows.is_empty() && !store.apply_rows(&plan.rows, recorded).await? {
        return Err(ReconcileError::RowsChanged);
    }
    Ok(applied)
}

async fn write_room(
    client: &dyn MatrixClient,
    writes: Vec<StateWrite>,
) -> Result<Applied, ReconcileError> {
    let mut applied = Applied::default();
    for write in &writes {
        let StateWrite {
            room_id,
            event_type,
            state_key,
            content,
            ..
        } = write;
        match client
            .put_state(room_id, event_type, state_key, content)
            .await
        {
            Ok(()) => {
                let event = StateEvent {
                    event_type: (*event_type).to_owned(),
                    state_key: state_key.clone(),
                    sender: client.user_id().to_owned(),
                    origin_server_ts: 0,
                    content: content.clone(),
                    invited_by: None,
                };
                applied.written.push((room_id.clone(), event));
            }
            Err(error) if is_final(&error) => {
                tracing::warn!(
                    room.id = %room_id,
                    error = &error as &dyn std::error::Error,
                    "the homeserver refused {event_type} in {room_id}"
                );
                applied.refused.push(Conflict {
                    kind: ConflictKind::WriteRefused,
                    room_id: room_id.clone(),
                    detail: format!("{event_type} with state key {state_key:?}: {error}"),
                });
            }
            Err(error) => return Err(ReconcileError::Matrix(error)),
        }
    }
    Ok(applied)
}

/// Whether the answer concerns this request alone and will stay the same.
pub(super) const fn is_final(error: &MatrixError) -> bool {
    matches!(error, MatrixError::Refused { .. } | MatrixError::Local(_))
}
