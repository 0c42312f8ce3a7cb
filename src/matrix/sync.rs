//! [`SyncSource`] over matrix-sdk: one `/sync`, taken in by the SDK's stores and handed on as a plain [`SyncBatch`].
//!
//! The position is the caller's: the SDK saves its own before it hands events out, and is never asked for it.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use matrix_sdk::{
    Client,
    config::{RequestConfig, SyncSettings, SyncToken},
    ruma::{
        OwnedUserId,
        api::client::{
            filter::{Filter, FilterDefinition},
            sync::sync_events::{self, v3::Filter as SyncFilter},
        },
        presence::PresenceState,
        serde::Raw,
        uint,
    },
    sync::{JoinedRoomUpdate, State},
};
use serde_json::Value;

use crate::matrix::{
    batch::{JoinedUpdate, SyncBatch},
    client::{MatrixError, SyncFrom, SyncSource},
    marker::ENTRY_NOTE,
    sdk_client::{failure, json_of, timeline_item},
    state::StateEvent,
    wire,
};

/// How long a server may take to put a full state together. It answers as soon as it can.
const FULL_STATE_WITHIN: Duration = Duration::from_mins(10);

/// Syncs through the SDK.
pub struct SdkSync {
    client: Client,
    bot: OwnedUserId,
    filter: FilterDefinition,
}

impl SdkSync {
    /// A source over a client that is logged in as `bot`.
    pub fn new(client: Client, bot: OwnedUserId) -> Self {
        Self {
            client,
            bot,
            filter: filter(),
        }
    }
}

/// No lazy loading of members: who was ever in a Space must be known in full.
fn filter() -> FilterDefinition {
    let mut filter = FilterDefinition::default();
    filter.presence = Filter::ignore_all();
    filter.room.ephemeral = matrix_sdk::ruma::api::client::filter::RoomEventFilter::ignore_all();
    filter.room.timeline.limit = Some(uint!(50));
    filter
}

#[async_trait]
impl SyncSource for SdkSync {
    async fn sync(&self, from: SyncFrom, wait: Duration) -> Result<SyncBatch, MatrixError> {
        let full_state = !matches!(from, SyncFrom::Position(_));
        let from_nothing = matches!(from, SyncFrom::Nothing);
        let (token, wait) = match from {
            // A server may answer the same request from a cache that is minutes old; an odd timeout makes it a new one.
            SyncFrom::Nothing => (SyncToken::NoToken, FULL_STATE_WITHIN + odd_millis()),
            SyncFrom::PositionWithFullState(position) => (
                SyncToken::Specific(position),
                FULL_STATE_WITHIN + odd_millis(),
            ),
            SyncFrom::Position(position) => (SyncToken::Specific(position), wait),
        };
        let settings = SyncSettings::new()
            .filter(SyncFilter::FilterDefinition(self.filter.clone()))
            .set_presence(PresenceState::Offline)
            .full_state(full_state)
            .timeout(wait)
            .token(token);
        let response = self.client.sync_once(settings).await.map_err(failure)?;
        let joined = response
            .rooms
            .joined
            .into_iter()
            .map(|(room, update)| (room, joined_update(&update)))
            .collect::<BTreeMap<_, _>>();
        let invited = response
            .rooms
            .invited
            .into_iter()
            .filter_map(|(room, update)| {
                let inviter = update
                    .invite_state
                    .events
                    .iter()
                    .find_map(|event| self.inviter(event))?;
                Some((room, inviter))
            })
            .collect();
        Ok(SyncBatch {
            next_batch: response.next_batch,
            full_state,
            from_nothing,
            joined,
            invited,
            left: response.rooms.left.into_keys().collect(),
        })
    }
}

impl SdkSync {
    /// The sender of our own invitation, if the event is it.
    fn inviter<T>(&self, event: &Raw<T>) -> Option<OwnedUserId> {
        let event = json_of(event);
        let ours = event.get("type")?.as_str()? == "m.room.member"
            && event.get("state_key")?.as_str()? == self.bot;
        if ours {
            event.get("sender")?.as_str()?.try_into().ok()
        } else {
            None
        }
    }
}

fn joined_update(update: &JoinedRoomUpdate) -> JoinedUpdate {
    let (events, timeline_counts) = match &update.state {
        State::Before(events) => (events, true),
        State::After(events) => (events, false),
    };
    let mut state: Vec<StateEvent> = events
        .iter()
        .filter_map(|event| wire::kept_state_event(&json_of(event)))
        .collect();
    if timeline_counts {
        state.extend(
            update
                .timeline
                .events
                .iter()
                .filter_map(|event| wire::kept_state_event(&json_of(event.raw()))),
        );
    }
    let notes: Vec<Value> = update.account_data.iter().map(json_of).collect();
    JoinedUpdate {
        state,
        timeline: update
            .timeline
            .events
            .iter()
            .filter_map(|event| timeline_item(event.raw()))
            .collect(),
        gap_before: update
            .timeline
            .prev_batch
            .clone()
            .filter(|_| update.timeline.limited),
        fully_read: note(&notes, "m.fully_read")
            .and_then(|content| content.get("event_id")?.as_str()?.try_into().ok()),
        entry_of: entry_note(&notes),
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

/// A full sync that leaves no trace: nothing is stored, no keys are uploaded, no position is kept.
pub async fn look(client: &Client) -> Result<SyncBatch, MatrixError> {
    let mut request = sync_events::v3::Request::new();
    request.filter = Some(SyncFilter::FilterDefinition(filter()));
    request.set_presence = PresenceState::Offline;
    request.timeout = Some(FULL_STATE_WITHIN + odd_millis());
    let patience = RequestConfig::new()
        .disable_retry()
        .timeout(FULL_STATE_WITHIN);
    let response = client.send(request).with_request_config(patience).await?;
    let joined = response
        .rooms
        .join
        .iter()
        .map(|(room, update)| {
            let (before, timeline_counts) = match &update.state {
                sync_events::v3::State::Before(state) => (&state.events, true),
                sync_events::v3::State::After(state) => (&state.events, false),
                _ => return (room.clone(), JoinedUpdate::default()),
            };
            let timeline: Vec<Value> = update.timeline.events.iter().map(json_of).collect();
            let mut state: Vec<StateEvent> = before
                .iter()
                .filter_map(|event| wire::kept_state_event(&json_of(event)))
                .collect();
            if timeline_counts {
                state.extend(timeline.iter().filter_map(wire::kept_state_event));
            }
            let notes: Vec<Value> = update.account_data.events.iter().map(json_of).collect();
            (
                room.clone(),
                JoinedUpdate {
                    state,
                    entry_of: entry_note(&notes),
                    ..JoinedUpdate::default()
                },
            )
        })
        .collect();
    Ok(SyncBatch {
        next_batch: response.next_batch,
        full_state: true,
        from_nothing: true,
        joined,
        ..SyncBatch::default()
    })
}

/// Up to four seconds, different for each call.
fn odd_millis() -> Duration {
    Duration::from_millis(u64::from(uuid::Uuid::new_v4().as_fields().1 & 0xfff))
}
