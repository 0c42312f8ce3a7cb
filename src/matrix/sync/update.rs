//! What a sync says of one joined room, as plain values: the same, whether the SDK has seen it or not.

use matrix_sdk::{
    ruma::{
        OwnedUserId,
        api::client::sync::sync_events::v3::{JoinedRoom, State as RawState},
    },
    sync::{JoinedRoomUpdate, State},
};
use serde_json::Value;

use crate::matrix::{
    batch::JoinedUpdate, marker::ENTRY_NOTE, sdk_client::json_of, state::StateEvent, wire,
};

/// As the SDK hands it out: decrypted where that was possible.
pub(super) fn of_sdk(update: &JoinedRoomUpdate) -> JoinedUpdate {
    let (state, is_before) = match &update.state {
        State::Before(events) => (events, true),
        State::After(events) => (events, false),
    };
    let timeline = &update.timeline;
    read(&Parts {
        state: state.iter().map(json_of).collect(),
        is_before,
        timeline: timeline
            .events
            .iter()
            .map(|event| json_of(event.raw()))
            .collect(),
        gap_before: timeline.prev_batch.clone().filter(|_| timeline.limited),
        notes: update.account_data.iter().map(json_of).collect(),
    })
}

/// As the server sent it.
pub(super) fn of_server(update: &JoinedRoom) -> JoinedUpdate {
    let (state, is_before) = match &update.state {
        RawState::Before(state) => (&state.events, true),
        RawState::After(state) => (&state.events, false),
        _ => return JoinedUpdate::default(),
    };
    let timeline = &update.timeline;
    read(&Parts {
        state: state.iter().map(json_of).collect(),
        is_before,
        timeline: timeline.events.iter().map(json_of).collect(),
        gap_before: timeline.prev_batch.clone().filter(|_| timeline.limited),
        notes: update.account_data.events.iter().map(json_of).collect(),
    })
}

struct Parts {
    state: Vec<Value>,
    /// It is the state before the timeline, whose own state events count then.
    is_before: bool,
    timeline: Vec<Value>,
    gap_before: Option<String>,
    notes: Vec<Value>,
}

fn read(parts: &Parts) -> JoinedUpdate {
    let later = parts.timeline.iter().filter(|_| parts.is_before);
    let state: Vec<StateEvent> = parts
        .state
        .iter()
        .chain(later)
        .filter_map(wire::kept_state_event)
        .collect();
    JoinedUpdate {
        state,
        timeline: parts
            .timeline
            .iter()
            .filter_map(wire::timeline_item)
            .collect(),
        gap_before: parts.gap_before.clone(),
        fully_read: note(&parts.notes, "m.fully_read")
            .and_then(|content| content.get("event_id")?.as_str()?.try_into().ok()),
        entry_of: entry_note(&parts.notes),
    }
}

fn entry_note(notes: &[Value]) -> Option<OwnedUserId> {
    note(notes, ENTRY_NOTE)?
        .get("user")?
        .as_str()?
        .try_into()
        .ok()
}

/// The content of the room account data of this type.
fn note<'a>(notes: &'a [Value], event_type: &str) -> Option<&'a Value> {
    notes
        .iter()
        .find(|note| note.get("type").and_then(Value::as_str) == Some(event_type))?
        .get("content")
}
