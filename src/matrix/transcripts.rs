//! Reads a conversation back from its room: the owner's questions and the bot's answers to them, as they stand there.
//!
//! Needed only where the memory of a model was lost. The room is read backwards, page by page, to the message that began
//! the context, or to the room's beginning, or as far as a look back goes: much further than any model is given.

mod reading;

use std::sync::Arc;

use async_trait::async_trait;
use matrix_sdk::ruma::OwnedRoomId;

use self::reading::Reading;
use crate::{
    matrix::{
        client::{MatrixClient, MatrixError},
        history::LookBack,
    },
    platform::openai::ports::{Conversation, Exchange, PortError, Transcripts},
};

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
        let mut history = LookBack::over(&*self.client, &room);
        while let Some(page) = history.page().await? {
            if reading.is_done_with(&page) {
                break;
            }
        }
        Ok(reading.exchanges())
    }
}
