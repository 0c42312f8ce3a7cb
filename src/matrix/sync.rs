//! [`SyncSource`] over matrix-sdk: one `/sync`, taken in by the SDK's stores where it concerns them, and handed on as a
//! plain [`SyncBatch`].
//!
//! The position is the caller's: the SDK saves its own before it hands events out, and is never asked for it.

mod plain;
mod update;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use matrix_sdk::{
    Client, RoomState,
    config::{RequestConfig, SyncSettings, SyncToken},
    ruma::{
        OwnedUserId, RoomId,
        api::{
            MatrixVersion,
            client::{
                filter::{Filter, FilterDefinition, RoomEventFilter},
                sync::sync_events::{self, v3::Filter as SyncFilter},
            },
        },
        presence::PresenceState,
        serde::Raw,
        uint,
    },
    sync::{RoomUpdates, State},
};
use matrix_sdk_base::RoomInfoNotableUpdateReasons;
use tokio::time::Instant;

use self::{
    plain::{KeyCounts, is_plain},
    update::StateAfter,
};
use crate::matrix::{
    batch::SyncBatch,
    client::{MatrixError, SyncFrom, SyncSource},
    sdk_client::{failure, json_of},
};

/// How long a server may take to put a full state together. It answers as soon as it can.
const FULL_STATE_WITHIN: Duration = Duration::from_mins(10);
/// How long a server may take for a live sync, beyond what it holds an empty answer back.
const LIVE_WITHIN: Duration = Duration::from_secs(30);
/// The SDK sees a sync at least so often: what it has to send, it sends then.
const SDK_SYNCS_EVERY: Duration = Duration::from_mins(1);

/// What servers call `use_state_after` among their unstable features. It is in the specification since version 1.16.
const STATE_AFTER_FLAGS: [&str; 2] = ["org.matrix.msc4222", "org.matrix.msc4222.stable"];

/// Syncs through the SDK.
pub struct SdkSync {
    client: Client,
    bot: OwnedUserId,
    filter: FilterDefinition,
    told: Mutex<Told>,
}

/// What a live sync came to.
enum Live {
    /// This is all.
    Plain(SyncBatch),
    /// The same is to be asked for once more, through the SDK, which then knows this of its keys.
    ForTheSdk(KeyCounts),
}

/// What the SDK was told last, and when.
#[derive(Default)]
struct Told {
    keys: Option<KeyCounts>,
    at: Option<Instant>,
}

impl SdkSync {
    /// A source over a client that is logged in as `bot`.
    pub fn new(client: Client, bot: OwnedUserId) -> Self {
        Self {
            client,
            bot,
            filter: filter(),
            told: Mutex::default(),
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The SDK has taken a sync in.
    fn tell(&self, keys: Option<KeyCounts>) {
        let mut told = self.told();
        told.at = Some(Instant::now());
        told.keys = keys.or(told.keys.take());
    }

    fn is_due(&self) -> bool {
        let at = self.told().at;
        at.is_none_or(|at| at.elapsed() >= SDK_SYNCS_EVERY)
    }

    /// A live sync that the SDK does not see, unless it has to.
    async fn plain(&self, position: &str, wait: Duration) -> Result<Live, MatrixError> {
        let mut request = sync_events::v3::Request::new();
        request.since = Some(position.to_owned());
        request.filter = Some(SyncFilter::FilterDefinition(self.filter.clone()));
        request.set_presence = PresenceState::Offline;
        request.timeout = Some(wait);
        // As the SDK asks: a server that remembers its answer need not make it a second time.
        request.use_state_after = true;
        let patience = RequestConfig::new()
            .disable_retry()
            .timeout(wait + LIVE_WITHIN);
        let response = self
            .client
            .send(request)
            .with_request_config(patience)
            .await?;
        let is_clear = |room: &RoomId| self.is_clear(room);
        Ok(
            if is_plain(&response, self.told().keys.as_ref(), is_clear) {
                Live::Plain(batch_of(response))
            } else {
                Live::ForTheSdk(KeyCounts::of(&response))
            },
        )
    }

    /// Whether the SDK knows that the bot is in this room, and not that it is encrypted.
    fn is_clear(&self, room: &RoomId) -> bool {
        self.client.get_room(room).is_some_and(|room| {
            room.state() == RoomState::Joined && !room.encryption_state().is_encrypted()
        })
    }

    async fn through_the_sdk(
        &self,
        from: SyncFrom,
        wait: Duration,
    ) -> Result<SyncBatch, MatrixError> {
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
        let rooms = response.rooms;
        let after = self.state_after(&rooms).await;
        let invited = rooms
            .invited
            .into_iter()
            .filter_map(|(room, update)| {
                let mut events = update.invite_state.events.iter();
                let inviter = events.find_map(|event| self.inviter(event));
                if inviter.is_none() {
                    tracing::warn!(room.id = %room, "an invitation does not say who sent it: ignored");
                }
                Some((room, inviter?))
            })
            .collect();
        Ok(SyncBatch {
            next_batch: response.next_batch,
            full_state,
            from_nothing,
            joined: rooms
                .joined
                .iter()
                .map(|(room, update)| (room.clone(), update::of_sdk(update, after)))
                .collect(),
            invited,
            left: rooms.left.into_keys().collect(),
        })
    }

    /// How far the answers to `use_state_after` are believed. A room that the SDK takes for unencrypted because of one is
    /// asked for again before anything is sent to it.
    async fn state_after(&self, rooms: &RoomUpdates) -> StateAfter {
        let mut is_used = false;
        for (id, update) in &rooms.joined {
            is_used |= matches!(update.state, State::After(_));
            if let Some(room) = self.client.get_room(id)
                && update::hides_encryption(update)
            {
                room.update_room_info(|mut info| {
                    info.mark_encryption_state_missing();
                    (info, RoomInfoNotableUpdateReasons::empty())
                })
                .await;
            }
        }
        if is_used && self.knows_state_after().await {
            StateAfter::Whole
        } else {
            StateAfter::Partial
        }
    }

    /// Whether the server says that it knows `use_state_after`; the SDK remembers what it said.
    async fn knows_state_after(&self) -> bool {
        let Ok(server) = self.client.supported_versions().await else {
            return false;
        };
        let is_in_version = server
            .versions
            .iter()
            .any(|version| *version >= MatrixVersion::V1_16);
        is_in_version
            || server
                .features
                .iter()
                .any(|flag| STATE_AFTER_FLAGS.contains(&flag.as_str()))
    }

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

/// No lazy loading of members: who was ever in a Space must be known in full.
fn filter() -> FilterDefinition {
    let mut filter = FilterDefinition::default();
    filter.presence = Filter::ignore_all();
    filter.room.ephemeral = RoomEventFilter::ignore_all();
    filter.room.timeline.limit = Some(uint!(50));
    filter
}

#[async_trait]
impl SyncSource for SdkSync {
    async fn sync(&self, from: SyncFrom, wait: Duration) -> Result<SyncBatch, MatrixError> {
        let mut keys = None;
        if let SyncFrom::Position(position) = &from
            && wait > Duration::ZERO
            && !self.is_due()
        {
            match self.plain(position, wait).await? {
                Live::Plain(batch) => return Ok(batch),
                Live::ForTheSdk(counts) => keys = Some(counts),
            }
        }
        let batch = self.through_the_sdk(from, wait).await?;
        self.tell(keys);
        Ok(batch)
    }
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
    Ok(SyncBatch {
        full_state: true,
        from_nothing: true,
        ..batch_of(response)
    })
}

/// What the response says of joined rooms, without the SDK.
fn batch_of(response: sync_events::v3::Response) -> SyncBatch {
    SyncBatch {
        joined: response
            .rooms
            .join
            .iter()
            .map(|(room, update)| (room.clone(), update::of_server(update)))
            .collect(),
        next_batch: response.next_batch,
        ..SyncBatch::default()
    }
}

/// Up to four seconds, different for each call.
fn odd_millis() -> Duration {
    Duration::from_millis(u64::from(uuid::Uuid::new_v4().as_fields().1 & 0xfff))
}
