//! The requests the bot makes of a homeserver, and no others: the trait that all of `matrix` speaks through.
//!
//! One call is one attempt. Who wants patience wraps the client in [`crate::matrix::patient::PatientClient`].

use std::{collections::BTreeSet, time::Duration};

use async_trait::async_trait;
use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::Value;

use crate::matrix::{
    batch::{SyncBatch, TimelineItem},
    state::StateEvent,
};

/// Why a request came to nothing, sorted by what to do next.
#[derive(Debug, thiserror::Error)]
pub enum MatrixError {
    /// The server did nothing and asks to wait (429).
    #[error("rate limited by the homeserver")]
    RateLimited {
        /// How long, where it said so.
        retry_after: Option<Duration>,
    },
    /// No usable answer: network, timeout or a 5xx. Whether the server acted is unknown.
    #[error("the homeserver did not answer: {0}")]
    Unanswered(String),
    /// The bot is in the room, and no sync has brought it yet: whether it is encrypted is not known.
    #[error("no sync has brought the room yet")]
    RoomNotSynced,
    /// The session is no longer valid.
    #[error("the homeserver does not know this session (soft logout: {soft_logout})")]
    UnknownToken {
        /// The device still exists: logging in again with its id keeps its keys.
        soft_logout: bool,
    },
    /// The server said no (4xx). Asking again will not help.
    #[error("the homeserver refused: {status} {errcode}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// `M_FORBIDDEN` and the like.
        errcode: String,
        /// The server's own words, for the log.
        message: String,
    },
    /// It failed on our side: the SDK's store, encryption, a response of the wrong shape.
    #[error("the client failed: {0}")]
    Local(String),
    /// The process is ending.
    #[error("shutting down")]
    ShuttingDown,
}

impl MatrixError {
    /// Whether the same request may succeed later.
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. } | Self::Unanswered(_) | Self::RoomNotSynced
        )
    }

    /// Whether the server refused with this error code.
    pub fn is_refused_with(&self, code: &str) -> bool {
        matches!(self, Self::Refused { errcode, .. } if errcode == code)
    }
}

/// A room to be made; every event of it is written inside `createRoom`.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRoom {
    /// `creation_content`, `type` of a Space included.
    pub creation_content: Value,
    /// `m.room.name`.
    pub name: String,
    /// `power_level_content_override`.
    pub power_levels: Value,
    /// `initial_state`.
    pub initial_state: Vec<InitialState>,
}

/// One event of `initial_state`.
#[derive(Clone, Debug, PartialEq)]
pub struct InitialState {
    /// `type`.
    pub event_type: String,
    /// `state_key`.
    pub state_key: String,
    /// `content`.
    pub content: Value,
}

/// A homeserver as the bot uses it.
#[async_trait]
pub trait MatrixClient: Send + Sync {
    /// Who we are.
    fn user_id(&self) -> &UserId;
    /// `GET /joined_rooms`.
    async fn joined_rooms(&self) -> Result<BTreeSet<OwnedRoomId>, MatrixError>;
    /// `GET /rooms/{id}/state`: the kept types of it. The server's current state, whatever a sync said.
    async fn room_state(&self, room: &RoomId) -> Result<Vec<StateEvent>, MatrixError>;
    /// `GET /rooms/{id}/joined_members`.
    async fn joined_members(&self, room: &RoomId) -> Result<BTreeSet<OwnedUserId>, MatrixError>;
    /// `GET /profile/{user}/displayname`; `None` where the user set none or the server does not tell.
    async fn display_name(&self, user: &UserId) -> Result<Option<String>, MatrixError>;
    /// The room version the server makes rooms in by default.
    async fn default_room_version(&self) -> Result<String, MatrixError>;
    /// `POST /createRoom`. Not idempotent: after [`MatrixError::Unanswered`] the room may exist.
    async fn create_room(&self, room: &NewRoom) -> Result<OwnedRoomId, MatrixError>;
    /// `PUT /rooms/{id}/state/{type}/{key}`.
    async fn put_state(
        &self,
        room: &RoomId,
        event_type: &str,
        state_key: &str,
        content: &Value,
    ) -> Result<(), MatrixError>;
    /// `PUT /user/{us}/rooms/{id}/account_data/{type}`.
    async fn put_room_account_data(
        &self,
        room: &RoomId,
        event_type: &str,
        content: &Value,
    ) -> Result<(), MatrixError>;
    /// `POST /rooms/{id}/invite`.
    async fn invite(&self, room: &RoomId, user: &UserId) -> Result<(), MatrixError>;
    /// `POST /rooms/{id}/join`.
    async fn join(&self, room: &RoomId) -> Result<(), MatrixError>;
    /// `POST /rooms/{id}/leave`; of a room we are invited to: refuses the invite.
    async fn leave(&self, room: &RoomId) -> Result<(), MatrixError>;
    /// `POST /rooms/{id}/forget`.
    async fn forget(&self, room: &RoomId) -> Result<(), MatrixError>;
    /// Sends `m.room.message`, encrypted where the room is. The same transaction id from the same device gives the
    /// same event. [`MatrixError::Refused`] where the server says that the bot is not in the room,
    /// [`MatrixError::RoomNotSynced`] where it is and no sync has said so yet.
    async fn send_message(
        &self,
        room: &RoomId,
        transaction_id: &str,
        content: &Value,
    ) -> Result<OwnedEventId, MatrixError>;
    /// Moves `m.fully_read` and `m.read` to the event.
    async fn set_read_marker(&self, room: &RoomId, event: &EventId) -> Result<(), MatrixError>;
    /// Shows or ends the typing notice.
    async fn set_typing(&self, room: &RoomId, typing: bool) -> Result<(), MatrixError>;
    /// The readable form of an encrypted event, if its key has come by now. Asks no server.
    async fn decrypt(
        &self,
        room: &RoomId,
        item: &TimelineItem,
    ) -> Result<Option<TimelineItem>, MatrixError>;
    /// `GET /rooms/{id}/event/{id}`: the event, decrypted where its key is there, in the form that its sender's last edit
    /// gave it. `None` where it is of another shape than events have.
    async fn event(
        &self,
        room: &RoomId,
        event: &EventId,
    ) -> Result<Option<TimelineItem>, MatrixError>;
    /// `GET /rooms/{id}/messages`, backwards from the token, or from the newest event without one: events newest first,
    /// and the token further back.
    async fn messages_before(
        &self,
        room: &RoomId,
        from: Option<&str>,
    ) -> Result<(Vec<TimelineItem>, Option<String>), MatrixError>;
}

/// What a sync starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncFrom {
    /// Nothing: the server sends the full state of every joined room.
    Nothing,
    /// A kept position: the server sends what came since.
    Position(String),
    /// A kept position, and the full state of every joined room all the same.
    PositionWithFullState(String),
}

/// Where sync responses come from.
#[async_trait]
pub trait SyncSource: Send + Sync {
    /// One `/sync`. `wait` is how long the server may hold an empty answer back.
    async fn sync(&self, from: SyncFrom, wait: Duration) -> Result<SyncBatch, MatrixError>;
}
