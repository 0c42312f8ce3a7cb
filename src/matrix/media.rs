//! The content of files, fetched from the homeserver and brought to it.
//!
//! A homeserver that is down is waited for. One that answers and cannot give or take this very content (the file of a
//! server that is gone, a proxy that finds it too large) is asked a few times, and then the file is given up.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, stream::BoxStream};
use matrix_sdk::ruma::RoomId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    core::{
        files::{ChatFiles, Deposit, FetchError, FileSource, FilesError},
        message::OutgoingFile,
    },
    matrix::{
        client::{MatrixClient, MatrixError},
        content,
        patient::{backoff, pause_after},
    },
};

/// How often a server that answers is asked for the same content.
const MOST_ATTEMPTS: u32 = 5;
/// Files on their way up at the same time: each is in memory as a whole.
const UPLOADS_AT_ONCE: usize = 2;

/// Where content lies, as it stands in the content of a message: `url`, or `file` with its keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaSource {
    /// An `mxc://` address.
    Url(String),
    /// An `EncryptedFile`.
    File(Value),
}

impl MediaSource {
    /// For [`crate::core::message::Attachment::source`].
    pub fn to_text(&self) -> String {
        match self {
            Self::Url(url) => json!({"url": url}),
            Self::File(keys) => json!({"file": keys}),
        }
        .to_string()
    }
}

/// Content as it arrives, decrypted.
pub type MediaStream = BoxStream<'static, Result<Vec<u8>, MatrixError>>;

/// The homeserver's media repository. One call is one attempt.
#[async_trait]
pub trait MediaClient: Send + Sync {
    /// `GET /media/download`. The stream ends with an error where the content is not what the source says.
    async fn download(&self, source: &MediaSource) -> Result<MediaStream, MatrixError>;
    /// `POST /media/upload`, encrypted where the room is. Not idempotent: what nobody links to is forgotten.
    async fn upload(
        &self,
        room: &RoomId,
        mime: &str,
        content: Vec<u8>,
    ) -> Result<MediaSource, MatrixError>;
}

/// Why a file of an answer is not on the server.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The process is ending, or the session has ended.
    #[error(transparent)]
    Interrupted(MatrixError),
    /// It will never be.
    #[error("the file cannot be brought to the homeserver: {0}")]
    ForGood(String),
}

/// Brings content here and there, with patience.
#[derive(Clone)]
pub struct Media {
    repository: Arc<dyn MediaClient>,
    /// Patient: asked for anything, it waits until the homeserver answers.
    homeserver: Arc<dyn MatrixClient>,
    files: Arc<dyn ChatFiles>,
    uploads: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Media {
    /// Over these; waiting ends once `stop` is cancelled.
    pub fn new(
        repository: Arc<dyn MediaClient>,
        homeserver: Arc<dyn MatrixClient>,
        files: Arc<dyn ChatFiles>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            repository,
            homeserver,
            files,
            uploads: Arc::new(Semaphore::new(UPLOADS_AT_ONCE)),
            stop,
        }
    }

    /// Brings the copy of a file to the server; the content of the message that shows it.
    pub async fn upload(&self, room: &RoomId, file: &OutgoingFile) -> Result<Value, UploadError> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(UploadError::Interrupted(MatrixError::ShuttingDown)),
            uploaded = self.upload_in_time(room, file) => uploaded,
        }
    }

    async fn upload_in_time(
        &self,
        room: &RoomId,
        file: &OutgoingFile,
    ) -> Result<Value, UploadError> {
        let _turn = self
            .uploads
            .acquire()
            .await
            .map_err(|_| UploadError::Interrupted(MatrixError::ShuttingDown))?;
        let bytes = self
            .files
            .read(&file.snapshot, file.size)
            .await
            .map_err(|error| UploadError::ForGood(format!("its copy cannot be read: {error}")))?;
        let mut attempts = Attempts::new();
        loop {
            let sent = self.repository.upload(room, &file.mime, bytes.clone());
            match sent.await {
                Ok(source) => return Ok(content::file(file, &source, &bytes)),
                Err(error) => attempts.after(error, self.homeserver.as_ref()).await?,
            }
        }
    }

    /// The copy is no longer needed. One that stays is tidied up with the chat's next message.
    pub async fn discard(&self, file: &OutgoingFile) {
        if let Err(error) = self.files.discard_copy(&file.snapshot).await {
            tracing::warn!(%error, "the copy of a sent file cannot be removed");
        }
    }

    async fn fetch_once(
        &self,
        source: &MediaSource,
        into: &mut dyn Deposit,
    ) -> Result<(), FetchOnce> {
        let mut pieces = self.repository.download(source).await?;
        while let Some(piece) = pieces.next().await {
            into.write(&piece?).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl FileSource for Media {
    async fn fetch(&self, source: &str, into: &mut dyn Deposit) -> Result<(), FetchError> {
        let source: MediaSource =
            serde_json::from_str(source).map_err(|error| FetchError::Gone(error.to_string()))?;
        let mut attempts = Attempts::new();
        loop {
            let attempt = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(FetchError::ShuttingDown),
                attempt = self.fetch_once(&source, into) => attempt,
            };
            match attempt {
                Ok(()) => return Ok(()),
                Err(FetchOnce::Files(error)) => return Err(error.into()),
                Err(FetchOnce::Matrix(error)) => {
                    attempts.after(error, self.homeserver.as_ref()).await?;
                }
            }
            into.restart().await?;
        }
    }
}

/// Why one attempt to fetch came to nothing.
#[derive(Debug, thiserror::Error)]
enum FetchOnce {
    #[error(transparent)]
    Matrix(#[from] MatrixError),
    #[error(transparent)]
    Files(#[from] FilesError),
}

impl From<UploadError> for FetchError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Interrupted(_) => Self::ShuttingDown,
            UploadError::ForGood(reason) => Self::Gone(reason),
        }
    }
}

/// Counts attempts that a living server let fail.
struct Attempts {
    left: u32,
    pauses: Box<dyn Iterator<Item = std::time::Duration> + Send>,
}

impl Attempts {
    fn new() -> Self {
        Self {
            left: MOST_ATTEMPTS,
            pauses: Box::new(backoff()),
        }
    }

    /// Waits until it makes sense to ask again.
    async fn after(
        &mut self,
        error: MatrixError,
        homeserver: &dyn MatrixClient,
    ) -> Result<(), UploadError> {
        match error {
            MatrixError::ShuttingDown | MatrixError::UnknownToken { .. } => {
                return Err(UploadError::Interrupted(error));
            }
            MatrixError::RateLimited { .. } | MatrixError::RoomNotSynced => {}
            _ => self.left -= 1,
        }
        let pause = pause_after(&error, self.pauses.as_mut());
        let Some(pause) = pause.filter(|_| self.left > 0) else {
            return Err(UploadError::ForGood(error.to_string()));
        };
        tracing::warn!(pause_ms = pause.as_millis(), %error, "asking the media repository again");
        tokio::time::sleep(pause).await;
        match homeserver.default_room_version().await {
            Err(error @ (MatrixError::ShuttingDown | MatrixError::UnknownToken { .. })) => {
                Err(UploadError::Interrupted(error))
            }
            _ => Ok(()),
        }
    }
}
