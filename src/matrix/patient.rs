//! A [`MatrixClient`] that waits for a homeserver that is down, slow or limits rates, until the process ends.
//!
//! Only requests that may be repeated are repeated: all but `createRoom`, which is asked again only where the server
//! said that it did nothing.

use std::{collections::BTreeSet, future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use backon::{BackoffBuilder, ExponentialBuilder};
use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::matrix::{
    batch::TimelineItem,
    client::{MatrixClient, MatrixError, NewRoom},
    pace::Pace,
    state::StateEvent,
};

/// The longest a server's own wish to wait is obeyed before asking again.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// A wish to wait longer than this for an invitation is passed on to the caller.
const LONG_WAIT: Duration = Duration::from_secs(15);

/// Where pauses stop growing, without the jitter: with all of it, a bot whose homeserver comes back is ready again well
/// before anybody takes it for dead.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Between two attempts to send to a room that no sync has brought yet. Each attempt waits for the room by itself.
const ROOM_PAUSE: Duration = Duration::from_millis(100);

/// Requests that count against the same limit of the server as messages do.
const SHARES_LIMIT_OF_MESSAGES: [&str; 2] = ["send", "put_state"];

/// Growing pauses with jitter, which at most doubles them: half a second first, half a minute at most, for ever.
pub fn backoff() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(LONGEST_PAUSE)
        .with_jitter()
        .without_max_times()
        .build()
}

/// How long to wait after this failure; `None` where asking again is no use.
pub fn pause_after(
    error: &MatrixError,
    pauses: &mut (impl Iterator<Item = Duration> + ?Sized),
) -> Option<Duration> {
    let own = pauses.next().unwrap_or(LONGEST_WAIT);
    match error {
        MatrixError::RateLimited {
            retry_after: Some(wish),
        } => Some((*wish).min(LONGEST_WAIT)),
        MatrixError::RateLimited { retry_after: None } | MatrixError::Unanswered(_) => Some(own),
        MatrixError::RoomNotSynced => Some(ROOM_PAUSE),
        _ => None,
    }
}

/// Told of each request that is asked again.
pub type OnRetry = Arc<dyn Fn(&'static str) + Send + Sync>;

/// The wrapper.
#[derive(Clone)]
pub struct PatientClient {
    inner: Arc<dyn MatrixClient>,
    stop: CancellationToken,
    draining: CancellationToken,
    pace: Pace,
    on_retry: OnRetry,
}

impl PatientClient {
    /// Wraps `inner`; waiting ends with [`MatrixError::ShuttingDown`] once `stop` is cancelled.
    pub fn new(inner: Arc<dyn MatrixClient>, stop: CancellationToken, on_retry: OnRetry) -> Self {
        Self {
            inner,
            draining: stop.clone(),
            stop,
            pace: Pace::default(),
            on_retry,
        }
    }

    /// The same, and a room that no sync has brought is not waited for once `draining` is cancelled: a process that is
    /// ending does not sync any more.
    #[must_use]
    pub fn draining_with(mut self, draining: CancellationToken) -> Self {
        self.draining = draining;
        self
    }

    /// The same, and `pace` learns where the server limits messages.
    #[must_use]
    pub fn pacing(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    async fn patiently<T, F>(
        &self,
        what: &'static str,
        mut ask: impl FnMut() -> F + Send,
    ) -> Result<T, MatrixError>
    where
        F: Future<Output = Result<T, MatrixError>> + Send,
    {
        let mut pauses = backoff();
        // Drafts wait from the first refusal until the request is through.
        let mut waits = None;
        loop {
            let attempt = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(MatrixError::ShuttingDown),
                attempt = ask() => attempt,
            };
            let error = match attempt {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let Some(pause) = pause_after(&error, &mut pauses) else {
                return Err(error);
            };
            let is_limited = matches!(error, MatrixError::RateLimited { .. });
            if is_limited && SHARES_LIMIT_OF_MESSAGES.contains(&what) {
                self.pace.limited_for(pause);
                waits.get_or_insert_with(|| self.pace.final_waits());
            }
            let waits_for_sync = matches!(error, MatrixError::RoomNotSynced);
            if !waits_for_sync {
                (self.on_retry)(what);
                tracing::warn!(request = what, pause_ms = pause.as_millis(), %error, "asking the homeserver again");
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(MatrixError::ShuttingDown),
                () = self.draining.cancelled(), if waits_for_sync => {
                    return Err(MatrixError::ShuttingDown);
                }
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

#[async_trait]
impl MatrixClient for PatientClient {
    fn user_id(&self) -> &UserId {
        self.inner.user_id()
    }

    async fn joined_rooms(&self) -> Result<BTreeSet<OwnedRoomId>, MatrixError> {
        self.patiently("joined_rooms", || self.inner.joined_rooms())
            .await
    }

    async fn room_state(&self, room: &RoomId) -> Result<Vec<StateEvent>, MatrixError> {
        self.patiently("room_state", || self.inner.room_state(room))
            .await
    }

    async fn joined_members(&self, room: &RoomId) -> Result<BTreeSet<OwnedUserId>, MatrixError> {
        self.patiently("joined_members", || self.inner.joined_members(room))
            .await
    }

    async fn display_name(&self, user: &UserId) -> Result<Option<String>, MatrixError> {
        self.patiently("display_name", || self.inner.display_name(user))
            .await
    }

    async fn default_room_version(&self) -> Result<String, MatrixError> {
        self.patiently("capabilities", || self.inner.default_room_version())
            .await
    }

    async fn create_room(&self, room: &NewRoom) -> Result<OwnedRoomId, MatrixError> {
        self.patiently("create_room", || async {
            match self.inner.create_room(room).await {
                // Not a reason to ask again, so it must not look like one here.
                Err(MatrixError::Unanswered(reason)) => Ok(Err(MatrixError::Unanswered(reason))),
                other => other.map(Ok),
            }
        })
        .await?
    }

    async fn put_state(
        &self,
        room: &RoomId,
        event_type: &str,
        state_key: &str,
        content: &Value,
    ) -> Result<(), MatrixError> {
        self.patiently("put_state", || {
            self.inner.put_state(room, event_type, state_key, content)
        })
        .await
    }

    async fn put_room_account_data(
        &self,
        room: &RoomId,
        event_type: &str,
        content: &Value,
    ) -> Result<(), MatrixError> {
        self.patiently("put_account_data", || {
            self.inner.put_room_account_data(room, event_type, content)
        })
        .await
    }

    async fn invite(&self, room: &RoomId, user: &UserId) -> Result<(), MatrixError> {
        self.patiently("invite", || async {
            match self.inner.invite(room, user).await {
                // Servers count invitations in minutes: whether that is worth waiting for is the caller's to say.
                Err(MatrixError::RateLimited {
                    retry_after: Some(wish),
                }) if wish > LONG_WAIT => Ok(Err(MatrixError::RateLimited {
                    retry_after: Some(wish),
                })),
                other => other.map(Ok),
            }
        })
        .await?
    }

    async fn join(&self, room: &RoomId) -> Result<(), MatrixError> {
        self.patiently("join", || self.inner.join(room)).await
    }

    async fn leave(&self, room: &RoomId) -> Result<(), MatrixError> {
        self.patiently("leave", || self.inner.leave(room)).await
    }

    async fn forget(&self, room: &RoomId) -> Result<(), MatrixError> {
        self.patiently("forget", || self.inner.forget(room)).await
    }

    async fn send_message(
        &self,
        room: &RoomId,
        transaction_id: &str,
        content: &Value,
    ) -> Result<OwnedEventId, MatrixError> {
        self.patiently("send", || {
            self.inner.send_message(room, transaction_id, content)
        })
        .await
    }

    async fn set_read_marker(&self, room: &RoomId, event: &EventId) -> Result<(), MatrixError> {
        self.patiently("read_marker", || self.inner.set_read_marker(room, event))
            .await
    }

    async fn set_typing(&self, room: &RoomId, typing: bool) -> Result<(), MatrixError> {
        // A notice that comes late is worse than none.
        self.inner.set_typing(room, typing).await
    }

    async fn decrypt(
        &self,
        room: &RoomId,
        item: &TimelineItem,
    ) -> Result<Option<TimelineItem>, MatrixError> {
        self.inner.decrypt(room, item).await
    }

    async fn event(
        &self,
        room: &RoomId,
        event: &EventId,
    ) -> Result<Option<TimelineItem>, MatrixError> {
        self.patiently("event", || self.inner.event(room, event))
            .await
    }

    async fn messages_before(
        &self,
        room: &RoomId,
        from: Option<&str>,
    ) -> Result<(Vec<TimelineItem>, Option<String>), MatrixError> {
        self.patiently("messages", || self.inner.messages_before(room, from))
            .await
    }
}

#[cfg(test)]
mod tests;
