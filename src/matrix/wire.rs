//! Raw JSON of the client-server API into the plain values of this module. Pure, and suspicious: an event that lacks what
//! every event has is dropped.

use matrix_sdk::ruma::OwnedUserId;
use serde_json::Value;

use crate::matrix::{
    batch::TimelineItem,
    state::{KEPT_TYPES, StateEvent},
};

/// A state event of a kept type; `None` for all others.
pub fn kept_state_event(raw: &Value) -> Option<StateEvent> {
    let event_type = raw.get("type")?.as_str()?;
    if !KEPT_TYPES.contains(&event_type) {
        return None;
    }
    Some(StateEvent {
        event_type: event_type.to_owned(),
        state_key: raw.get("state_key")?.as_str()?.to_owned(),
        sender: user_id(raw.get("sender")?)?,
        origin_server_ts: raw
            .get("origin_server_ts")
            .and_then(Value::as_u64)
            .unwrap_or(0),
        content: raw.get("content").cloned().unwrap_or(Value::Null),
        invited_by: None,
    })
}

/// An event of a timeline.
pub fn timeline_item(raw: &Value) -> Option<TimelineItem> {
    let mut content = raw.get("content").cloned().unwrap_or(Value::Null);
    // Up to room version 10 a redaction names its target beside the content, later within, and servers tell clients both.
    // Which of the two they checked depends on the version: one that differs may be forged, and names nothing.
    if let (Some(beside), Some(content)) = (raw.get("redacts"), content.as_object_mut()) {
        let within = content.entry("redacts").or_insert_with(|| beside.clone());
        if within != beside {
            *within = Value::Null;
        }
    }
    Some(TimelineItem {
        event_id: raw.get("event_id")?.as_str()?.try_into().ok()?,
        sender: user_id(raw.get("sender")?)?,
        event_type: raw.get("type")?.as_str()?.to_owned(),
        state_key: raw
            .get("state_key")
            .and_then(Value::as_str)
            .map(str::to_owned),
        origin_server_ts: raw
            .get("origin_server_ts")
            .and_then(Value::as_u64)
            .unwrap_or(0),
        content,
        was_joined: membership_before(raw) == Some("join"),
    })
}

/// An event as it is asked for by its id, in the form that the last edit of its sender gave it: servers hand the edit out
/// with the event.
pub fn in_newest_form(raw: &Value) -> Option<TimelineItem> {
    let mut item = timeline_item(raw)?;
    let edit = raw
        .get("unsigned")
        .and_then(|unsigned| unsigned.get("m.relations")?.get("m.replace"))
        .filter(|edit| edit.get("sender").and_then(Value::as_str) == Some(item.sender.as_str()));
    let new = edit.and_then(|edit| edit.get("content")?.get("m.new_content")?.as_object());
    if let Some(new) = new {
        // What it relates to is not for an edit to change.
        let relation = item.content.get("m.relates_to").cloned();
        let mut new = new.clone();
        new.remove("m.relates_to");
        new.extend(relation.map(|relation| ("m.relates_to".to_owned(), relation)));
        item.content = Value::Object(new);
    }
    Some(item)
}

fn membership_before(raw: &Value) -> Option<&str> {
    raw.get("unsigned")?
        .get("prev_content")?
        .get("membership")?
        .as_str()
}

fn user_id(value: &Value) -> Option<OwnedUserId> {
    value.as_str()?.try_into().ok()
}

#[cfg(test)]
mod tests;
