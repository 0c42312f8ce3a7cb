//! Earlier messages of a room, for questions that reply to one.

use std::sync::Arc;

use async_trait::async_trait;
use matrix_sdk::ruma::{OwnedEventId, OwnedRoomId};

use crate::{
    core::{
        chat::earlier::{Earlier, EarlierMessages, Interrupted},
        ids::{EventKey, RoomKey},
    },
    matrix::{
        client::{MatrixClient, MatrixError},
        event,
    },
};

/// Asks the homeserver.
pub struct RoomMessages {
    client: Arc<dyn MatrixClient>,
}

impl RoomMessages {
    /// `client` must retry: a failure it reports is final.
    pub fn new(client: Arc<dyn MatrixClient>) -> Self {
        Self { client }
    }
}

#[async_trait]
impl EarlierMessages for RoomMessages {
    async fn find(&self, room: &RoomKey, event: &EventKey) -> Result<Option<Earlier>, Interrupted> {
        let ids = (
            OwnedRoomId::try_from(room.as_str()),
            OwnedEventId::try_from(event.as_str()),
        );
        let (Ok(room), Ok(event)) = ids else {
            return Ok(None);
        };
        let item = match self.client.event(&room, &event).await {
            Ok(item) => item,
            Err(MatrixError::ShuttingDown | MatrixError::UnknownToken { .. }) => {
                return Err(Interrupted);
            }
            Err(error) => {
                tracing::debug!(room.id = %room, event.id = %event, %error, "a message that was replied to cannot be read");
                None
            }
        };
        Ok(item
            .filter(|item| event::is_message(&item.event_type))
            .map(|item| Earlier {
                message: event::message(&room, &item),
                is_own: item.sender == self.client.user_id(),
            })
            .filter(|earlier| !earlier.message.is_unreadable()))
    }
}
