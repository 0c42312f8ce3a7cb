//! Reads a conversation back from its room: the owner's questions and the bot's answers to them, as they stand there.
//!
//! Needed only where the memory of a model was lost. The room is read backwards, page by page, to the message that began
//! the context, or to the room's beginning.

mod reading;

use std::sync::Arc;

use async_trait::async_trait;
use matrix_sdk::ruma::OwnedRoomId;

use self::reading::Reading;
use crate::{
    matrix::client::{MatrixClient, MatrixError},
    platform::openai::ports::{Conversation, Exchange, PortError, Transcripts},
};

/// Pages of one conversation: two thousand events, far more than any model is given.
const MOST_PAGES: u32 = 20;

/// Reads rooms.
pub struct RoomTranscripts {
    client: Arc<dyn MatrixClient>,
}

impl From<MatrixError> for PortError {
    fn from(error: MatrixError) -> Self {
        Self(error.to_string())
    }
}

impl RoomTranscripts {
    /// `client` must be patient: a failure it reports is final.
    pub fn new(client: Arc<dyn MatrixClient>) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Transcripts for RoomTranscripts {
    async fn read(&self, conversation: &Conversation) -> Result<Vec<Exchange>, PortError> {
        let room = OwnedRoomId::try_from(conversation.room.as_str());
        let room = room.map_err(|error| PortError(error.to_string()))?;
        let mut reading = Reading::of(conversation, self.client.user_id());
        let mut from = None;
        for _ in 0..MOST_PAGES {
            let (page, next) = self.client.messages_before(&room, from.as_deref()).await?;
            if reading.is_done_with(&page) || next.is_none() {
                break;
            }
            from = next;
        }
        Ok(reading.exchanges())
    }
}
