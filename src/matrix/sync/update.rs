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

/// How far `state_after` is believed, where a response has it instead of `state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StateAfter {
    /// It is the state after the timeline: the server says that it knows `use_state_after`.
    Whole,
    /// It may lack what the timeline tells: some servers answer with it before they can.
    Partial,
}

/// As the SDK hands it out: decrypted where that was possible.
pub(super) fn of_sdk(update: &JoinedRoomUpdate, after: StateAfter) -> JoinedUpdate {
    let (state, told) = match &update.state {
        State::Before(events) => (events, StateIs::BeforeTimeline),
        State::After(events) => (events, StateIs::after(after)),
    };
    let timeline = &update.timeline;
    read(&Parts {
        state: state.iter().map(json_of).collect(),
        told,
        timeline: timeline
            .events
            .iter()
            .map(|event| json_of(event.raw()))
            .collect(),
        gap_before: timeline.prev_batch.clone().filter(|_| timeline.limited),
        notes: update.account_data.iter().map(json_of).collect(),
    })
}

/// Whether the timeline tells that the room is encrypted, and `state_after` does not: the SDK then believes that it is not.
pub(super) fn hides_encryption(update: &JoinedRoomUpdate) -> bool {
    let is_encryption =
        |event: Value| event["type"] == "m.room.encryption" && event["state_key"] == "";
    let State::After(state) = &update.state else {
        return false;
    };
    let mut timeline = update.timeline.events.iter();
    timeline.any(|event| is_encryption(json_of(event.raw())))
        && !state.iter().any(|event| is_encryption(json_of(event)))
}

/// As the server sent it.
pub(super) fn of_server(update: &JoinedRoom) -> JoinedUpdate {
    let (state, told) = match &update.state {
        RawState::Before(state) => (&state.events, StateIs::BeforeTimeline),
        RawState::After(state) => (&state.events, StateIs::AfterTimeline),
        _ => return JoinedUpdate::default(),
    };
    let timeline = &update.timeline;
    read(&Parts {
        state: state.iter().map(json_of).collect(),
        told,
        timeline: timeline.events.iter().map(json_of).collect(),
        gap_before: timeline.prev_batch.clone().filter(|_| timeline.limited),
        notes: update.account_data.events.iter().map(json_of).collect(),
    })
}

struct Parts {
    state: Vec<Value>,
    told: StateIs,
    timeline: Vec<Value>,
    gap_before: Option<String>,
    notes: Vec<Value>,
}

/// Which of the two holds where state and timeline tell of the same thing.
#[derive(Clone, Copy)]
enum StateIs {
    /// The timeline.
    BeforeTimeline,
    /// The state, and nothing in the timeline counts.
    AfterTimeline,
    /// The state, and the timeline where the state says nothing.
    AfterTimelineInPart,
}

impl StateIs {
    const fn after(after: StateAfter) -> Self {
        match after {
            StateAfter::Whole => Self::AfterTimeline,
            StateAfter::Partial => Self::AfterTimelineInPart,
        }
    }
}

/// What comes later holds.
fn state_in_order(parts: &Parts) -> Vec<StateEvent> {
    let nothing = &[][..];
    let (first, last) = match parts.told {
        StateIs::BeforeTimeline => (&parts.state[..], &parts.timeline[..]),
        StateIs::AfterTimeline => (&parts.state[..], nothing),
        StateIs::AfterTimelineInPart => (&parts.timeline[..], &parts.state[..]),
    };
    let events = first.iter().chain(last);
    events.filter_map(wire::kept_state_event).collect()
}

fn read(parts: &Parts) -> JoinedUpdate {
    JoinedUpdate {
        state: state_in_order(parts),
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

#[cfg(test)]
mod tests;
