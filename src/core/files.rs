//! Files of chats: the ports through which they come in, wait for a question, go to an agent, and go back.
//!
//! A file that a person sends is *deposited* and then *staged*: it waits for the chat's next question, which *takes* all
//! that wait. A file that an agent names is *copied*, so that what is sent is what was there when it was named.
//! Every call may be repeated after a crash and then ends in the same state.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;

use crate::{
    core::{ids::EventKey, message::OutgoingFile},
    platform::PromptFile,
};

/// Why a file is not kept, not found or not sent.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// It is larger than one file may be.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// What one file may have.
        limit: u64,
    },
    /// With it, its owner's files would be more than one person's may be.
    #[error("the user's files would be more than {quota} bytes")]
    OverQuota {
        /// What the files of one person may have together.
        quota: u64,
    },
    /// There is no such file.
    #[error("no such file")]
    Missing,
    /// It is a folder, a device, a pipe.
    #[error("not a regular file")]
    NotAFile,
    /// The path is absolute, goes upwards, or a link on it leads elsewhere.
    #[error("the path leads outside")]
    Outside,
    /// It lies in the folder of another chat.
    #[error("it belongs to another chat")]
    OtherChat,
    /// The system failed. Nothing of it reaches a chat.
    #[error("the workspace failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A file that a person sent, before its content is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The chat's folder, relative to the workspace.
    pub folder: String,
    /// The message that brought it.
    pub event: EventKey,
    /// When that was sent.
    pub sent_at: SystemTime,
    /// What the person calls it.
    pub name: String,
    /// Its media type, as the person's client says.
    pub mime: Option<String>,
    /// Messages that it does not go with: they were sent before it.
    pub not_with: Vec<EventKey>,
}

/// What [`ChatFiles::begin`] found.
pub enum Beginning {
    /// The same message's file is here already.
    Kept(PromptFile),
    /// It is to be written.
    Open(Box<dyn Deposit>),
}

/// A file while its content arrives. Dropped without [`Deposit::keep`], it leaves nothing behind.
#[async_trait]
pub trait Deposit: Send {
    /// The next piece.
    async fn write(&mut self, piece: &[u8]) -> Result<(), FilesError>;
    /// Forgets what was written: the content begins again.
    async fn restart(&mut self) -> Result<(), FilesError>;
    /// All is written: the file gets its place, safe from a loss of power, and is staged.
    async fn keep(self: Box<Self>) -> Result<PromptFile, FilesError>;
}

/// What `!drop` did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// These files are gone.
    Files(Vec<PromptFile>),
    /// So many wait, and none of them has that number.
    NoSuchNumber(usize),
}

/// The workspace, as chats use it.
#[async_trait]
pub trait ChatFiles: Send + Sync {
    /// Makes room for a file, unless the same message's file is here.
    async fn begin(&self, arrival: &Arrival) -> Result<Beginning, FilesError>;
    /// The file of a message that was taken in earlier, if it is still there.
    async fn kept(&self, arrival: &Arrival) -> Result<Option<PromptFile>, FilesError>;
    /// The files that wait for the next question, in the order in which they were sent.
    async fn staged(&self, folder: &str) -> Result<Vec<PromptFile>, FilesError>;
    /// The files that go with this question: all that waited when it was first asked, but for those that were sent
    /// after it.
    async fn take(&self, folder: &str, question: &EventKey) -> Result<Vec<PromptFile>, FilesError>;
    /// Removes the waiting file with this number, counted from 1, or all of them; once for each command. A file that
    /// was sent after the command is left alone.
    async fn drop_staged(
        &self,
        folder: &str,
        command: &EventKey,
        number: Option<usize>,
    ) -> Result<Dropped, FilesError>;
    /// Removes the file that this message brought, if it still waits: its message was deleted.
    async fn withdraw(&self, folder: &str, message: &EventKey) -> Result<(), FilesError>;
    /// Copies a file that the agent of this chat named in its answer to `question`. The same slot is written anew.
    async fn copy_out(
        &self,
        folder: &str,
        question: &EventKey,
        slot: usize,
        path: &str,
    ) -> Result<OutgoingFile, FilesError>;
    /// Reads a whole file by its path relative to the workspace; no link on the way is followed.
    async fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, FilesError>;
    /// Removes a copy that [`ChatFiles::copy_out`] made, where it is still there.
    async fn discard_copy(&self, path: &str) -> Result<(), FilesError>;
}

/// Why the content of a file did not come.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It cannot be kept.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// It is nowhere to be had, or it is not what the message says.
    #[error("the content cannot be fetched: {0}")]
    Gone(String),
    /// The process is ending; the message stays in the journal.
    #[error("shutting down")]
    ShuttingDown,
}

/// Where the content of files comes from.
#[async_trait]
pub trait FileSource: Send + Sync {
    /// Writes the content behind [`crate::core::message::Attachment::source`]; waits for a server that is down.
    async fn fetch(&self, source: &str, into: &mut dyn Deposit) -> Result<(), FetchError>;
}

/// Both ports.
#[derive(Clone)]
pub struct FilePorts {
    /// Where files are kept.
    pub files: Arc<dyn ChatFiles>,
    /// Where their content comes from.
    pub source: Arc<dyn FileSource>,
}
