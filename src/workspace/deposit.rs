//! A file on its way in: written beside the inbox, and moved into it when it is whole.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::{fs::File, io::AsyncSeekExt, io::AsyncWriteExt};

use super::{
    Shared, blocking,
    chat::{ChatFolder, Note},
    quota,
};
use crate::{
    core::{
        files::{Deposit, FilesError},
        ids::EventKey,
    },
    platform::PromptFile,
};

pub(super) struct Incoming {
    shared: Arc<Shared>,
    place: Arc<Place>,
    event: EventKey,
    file: File,
    written: u64,
    /// What the person's other files took when this one began.
    used: u64,
}

/// Where the content lies until it is whole.
pub(super) struct Place {
    pub(super) folder: ChatFolder,
    pub(super) path: String,
    pub(super) note: Note,
}

impl Incoming {
    pub(super) fn new(
        shared: Arc<Shared>,
        place: Place,
        event: EventKey,
        file: std::fs::File,
        used: u64,
    ) -> Self {
        Self {
            shared,
            place: Arc::new(place),
            event,
            file: File::from_std(file),
            written: 0,
            used,
        }
    }

    fn check(&self, size: u64, used: u64) -> Result<(), FilesError> {
        let limits = self.shared.limits;
        if size > limits.file {
            return Err(FilesError::TooLarge { limit: limits.file });
        }
        if used.saturating_add(quota::counted(size)) > limits.user {
            return Err(FilesError::OverQuota { quota: limits.user });
        }
        Ok(())
    }
}

#[async_trait]
impl Deposit for Incoming {
    async fn write(&mut self, piece: &[u8]) -> Result<(), FilesError> {
        let size = self.written.saturating_add(piece.len() as u64);
        self.check(size, self.used)?;
        self.file.write_all(piece).await?;
        self.written = size;
        Ok(())
    }

    async fn restart(&mut self) -> Result<(), FilesError> {
        self.file.flush().await?;
        self.file.set_len(0).await?;
        self.file.rewind().await?;
        self.written = 0;
        Ok(())
    }

    async fn keep(mut self: Box<Self>) -> Result<PromptFile, FilesError> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        // Files of one person may arrive in several chats at once: one after the other is counted and put in its place.
        let _alone = self.shared.keeping.lock().await;
        let (shared, place) = (Arc::clone(&self.shared), Arc::clone(&self.place));
        let used = blocking(move || quota::used(shared.root()?, &place.path)).await?;
        self.check(self.written, used)?;
        let (place, event) = (Arc::clone(&self.place), self.event.clone());
        let written = self.written;
        blocking(move || {
            let note = place.note.clone().with_size(written);
            place.folder.keep(&note, &event)?;
            place.folder.kept(&note).ok_or(FilesError::Missing)
        })
        .await
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // Kept files have left this place already; what cannot be removed now is overwritten or tidied up later.
        let _ = self.place.folder.give_up(&self.place.note);
        self.shared.parts.end(&self.place.path, &self.place.note);
    }
}
