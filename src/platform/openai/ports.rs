//! What the kind needs from elsewhere: a memory, the room to read it back from, and the workspace.

use std::sync::Arc;

use async_trait::async_trait;

use crate::core::ids::{EventKey, PlatformChatId, RoomKey, UserKey};

/// A question and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Names it: the same question again takes its place.
    pub question: EventKey,
    /// What the model was told, files that it read included.
    pub asked: String,
    /// What it said.
    pub answered: String,
}

/// A port failed. The detail is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PortError(pub String);

/// Keeps conversations by their context.
#[async_trait]
pub trait Memory: Send + Sync {
    /// The newest exchanges, at most so many, oldest first. `None` where nothing is known about the context, not even
    /// that it is empty.
    async fn recall(
        &self,
        context: PlatformChatId,
        most: u32,
    ) -> Result<Option<Vec<Exchange>>, PortError>;
    /// The context holds exactly these exchanges.
    async fn begin(
        &self,
        context: PlatformChatId,
        exchanges: Vec<Exchange>,
    ) -> Result<(), PortError>;
    /// Adds an exchange at the end; one of the same question is replaced where it stands.
    async fn remember(&self, context: PlatformChatId, exchange: Exchange) -> Result<(), PortError>;
    /// `to` holds exactly what `from` holds. `false` where nothing is known about `from`; then nothing is done.
    async fn copy(&self, from: PlatformChatId, to: PlatformChatId) -> Result<bool, PortError>;
    /// Nothing is known about the context.
    async fn forget(&self, context: PlatformChatId) -> Result<(), PortError>;
}

/// Which conversation of a room is to be read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Where it was held.
    pub room: RoomKey,
    /// With whom.
    pub user: UserKey,
    /// Its context: tells where it began.
    pub context: PlatformChatId,
    /// How many contexts the room had before it.
    pub generation: u32,
    /// The message it is read up to, that one not included; all of it without one.
    pub until: Option<EventKey>,
}

/// Reads back what was said, from where it was said.
#[async_trait]
pub trait Transcripts: Send + Sync {
    /// Questions that were answered and their answers, oldest first; of a very long conversation, its end.
    async fn read(&self, conversation: &Conversation) -> Result<Vec<Exchange>, PortError>;
}

/// The workspace, as far as questions name files of it.
#[async_trait]
pub trait Files: Send + Sync {
    /// The content of a file of the workspace that has at most so many bytes. A path that leads elsewhere is an error.
    async fn read(&self, path: &str, most: u64) -> Result<Vec<u8>, PortError>;
}

/// All three.
#[derive(Clone)]
pub struct Ports {
    /// Keeps conversations.
    pub memory: Arc<dyn Memory>,
    /// Where they are read back from.
    pub transcripts: Arc<dyn Transcripts>,
    /// Files that come with questions.
    pub files: Arc<dyn Files>,
}

/// No memory, no rooms, no files: for looking whether a model can be reached.
pub struct Nowhere;

impl Ports {
    /// Ports that lead nowhere.
    pub fn nowhere() -> Self {
        Self {
            memory: Arc::new(Nowhere),
            transcripts: Arc::new(Nowhere),
            files: Arc::new(Nowhere),
        }
    }
}

#[async_trait]
impl Memory for Nowhere {
    async fn recall(
        &self,
        _context: PlatformChatId,
        _most: u32,
    ) -> Result<Option<Vec<Exchange>>, PortError> {
        Ok(None)
    }

    async fn begin(
        &self,
        _context: PlatformChatId,
        _exchanges: Vec<Exchange>,
    ) -> Result<(), PortError> {
        Ok(())
    }

    async fn remember(
        &self,
        _context: PlatformChatId,
        _exchange: Exchange,
    ) -> Result<(), PortError> {
        Ok(())
    }

    async fn copy(&self, _from: PlatformChatId, _to: PlatformChatId) -> Result<bool, PortError> {
        Ok(false)
    }

    async fn forget(&self, _context: PlatformChatId) -> Result<(), PortError> {
        Ok(())
    }
}

#[async_trait]
impl Transcripts for Nowhere {
    async fn read(&self, _conversation: &Conversation) -> Result<Vec<Exchange>, PortError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Files for Nowhere {
    async fn read(&self, _path: &str, _most: u64) -> Result<Vec<u8>, PortError> {
        Err(PortError("there is no workspace here".to_owned()))
    }
}
