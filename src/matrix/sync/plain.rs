//! Syncs that bring nothing but plain words, which is most of them: the SDK need not see these.
//!
//! What it does with a sync, two transactions flushed to the disk among it, takes longer than all that the bot does
//! with a message, and none of it is needed: the bot keeps position, state and events itself. Anything that changes
//! what the SDK knows (rooms, members, encryption, keys) is not plain.

use std::collections::BTreeMap;

use matrix_sdk::ruma::{
    OneTimeKeyAlgorithm, RoomId, UInt,
    api::client::sync::sync_events::v3::{JoinedRoom, Response},
};

use crate::matrix::sdk_client::json_of;

/// What a response says of the bot's keys on the server: where it differs from what the SDK was last told, keys may be
/// due.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KeyCounts {
    one_time: BTreeMap<OneTimeKeyAlgorithm, UInt>,
    fallback: Option<Vec<OneTimeKeyAlgorithm>>,
}

impl KeyCounts {
    pub(super) fn of(response: &Response) -> Self {
        Self {
            one_time: response.device_one_time_keys_count.clone(),
            fallback: response.device_unused_fallback_key_types.clone(),
        }
    }
}

/// Whether the SDK would learn nothing from this. `told` is what it knows of its keys; `is_clear` tells rooms that it
/// knows and that are not encrypted.
pub(super) fn is_plain(
    response: &Response,
    told: Option<&KeyCounts>,
    is_clear: impl Fn(&RoomId) -> bool,
) -> bool {
    let rooms = &response.rooms;
    told == Some(&KeyCounts::of(response))
        && response.to_device.is_empty()
        && response.device_lists.is_empty()
        && response.account_data.is_empty()
        && rooms.leave.is_empty()
        && rooms.invite.is_empty()
        && rooms.knock.is_empty()
        && rooms
            .join
            .iter()
            .all(|(room, update)| has_only_words(update) && is_clear(room))
}

fn has_only_words(update: &JoinedRoom) -> bool {
    update.state.is_empty()
        && update.summary.is_empty()
        && !update.timeline.limited
        && update.timeline.events.iter().all(|event| {
            let event = json_of(event);
            event.get("state_key").is_none()
                && matches!(
                    event["type"].as_str(),
                    Some("m.room.message" | "m.reaction")
                )
        })
}

#[cfg(test)]
mod tests;
