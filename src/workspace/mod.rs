//! The workspace: a folder shared with the agents, in which every chat has a folder of its own.
//!
//! The root is opened once, and everything else is reached from there step by step, without following links: nothing
//! that people or agents call their files leads out of it or into another chat. What is where stands in `chat`.

mod chat;
mod deposit;
mod names;
mod outgoing;
mod quota;
mod walk;

use std::{
    fs, io,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use cap_std::{ambient_authority, fs::Dir};

use self::{
    chat::{ChatFolder, Note, Parts},
    deposit::{Incoming, Place},
};
use crate::{
    core::{
        files::{Arrival, Beginning, ChatFiles, Dropped, FilesError},
        ids::EventKey,
        message::OutgoingFile,
    },
    platform::PromptFile,
};

/// How much files may take, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileLimits {
    /// One file, both ways.
    pub file: u64,
    /// All files that one person sent.
    pub user: u64,
}

/// The workspace. Clones share it.
#[derive(Clone)]
pub struct Workspace {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    root: OnceLock<Dir>,
    limits: FileLimits,
    /// Held while what waits in a chat changes.
    keeping: tokio::sync::Mutex<()>,
    parts: Parts,
}

impl Shared {
    /// Opened when it is first needed and there: a volume may be mounted late.
    fn root(&self) -> Result<&Dir, FilesError> {
        if let Some(root) = self.root.get() {
            return Ok(root);
        }
        let root = Dir::open_ambient_dir(&self.path, ambient_authority())?;
        Ok(self.root.get_or_init(|| root))
    }

    fn root_or_new(&self) -> Result<&Dir, FilesError> {
        if self.root.get().is_none() {
            fs::create_dir_all(&self.path)?;
        }
        self.root()
    }
}

impl Workspace {
    /// In this folder, which is made when the first file comes.
    pub fn new(path: PathBuf, limits: FileLimits) -> Self {
        Self {
            shared: Arc::new(Shared {
                path,
                root: OnceLock::new(),
                limits,
                keeping: tokio::sync::Mutex::default(),
                parts: Parts::default(),
            }),
        }
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Shared>) -> Result<T, FilesError> + Send + 'static,
    ) -> Result<T, FilesError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || work(&shared)).await
    }

    /// The same, for a chat that may have no files yet.
    async fn in_chat<T: Default + Send + 'static>(
        &self,
        folder: &str,
        work: impl FnOnce(ChatFolder) -> Result<T, FilesError> + Send + 'static,
    ) -> Result<T, FilesError> {
        let folder = folder.to_owned();
        self.with(move |shared| {
            let root = match shared.root() {
                Err(FilesError::Missing) => return Ok(T::default()),
                root => root?,
            };
            ChatFolder::find(root, &folder)?.map_or_else(|| Ok(T::default()), work)
        })
        .await
    }
}

/// Files block; only such threads touch them.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FilesError> + Send + 'static,
) -> Result<T, FilesError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|torn_down| FilesError::Failed(io::Error::other(torn_down).into()))?
}

#[async_trait]
impl ChatFiles for Workspace {
    async fn begin(&self, arrival: &Arrival) -> Result<Beginning, FilesError> {
        let arrival = arrival.clone();
        self.with(move |shared| {
            let root = shared.root_or_new()?;
            let folder = ChatFolder::make(root, &arrival.folder)?;
            let note = Note::of(&arrival);
            if let Some(kept) = folder.kept(&note) {
                return Ok(Beginning::Kept(kept));
            }
            let used = quota::used(root, &arrival.folder)?;
            shared.parts.begin(&arrival.folder, &note);
            let file = match folder.begin(&note) {
                Ok(file) => file,
                Err(error) => {
                    shared.parts.end(&arrival.folder, &note);
                    return Err(error);
                }
            };
            let place = Place {
                folder,
                path: arrival.folder,
                note,
            };
            let incoming = Incoming::new(Arc::clone(shared), place, arrival.event, file, used);
            Ok(Beginning::Open(Box::new(incoming)))
        })
        .await
    }

    async fn kept(&self, arrival: &Arrival) -> Result<Option<PromptFile>, FilesError> {
        let note = Note::of(arrival);
        self.in_chat(&arrival.folder, move |chat| Ok(chat.kept(&note)))
            .await
    }

    async fn staged(&self, folder: &str) -> Result<Vec<PromptFile>, FilesError> {
        self.in_chat(folder, |chat| chat.staged()).await
    }

    async fn take(&self, folder: &str, question: &EventKey) -> Result<Vec<PromptFile>, FilesError> {
        let (question, shared) = (question.clone(), Arc::clone(&self.shared));
        let _alone = self.shared.keeping.lock().await;
        self.in_chat(folder, move |chat| chat.take(&question, &shared.parts))
            .await
    }

    async fn drop_staged(
        &self,
        folder: &str,
        command: &EventKey,
        number: Option<usize>,
    ) -> Result<Dropped, FilesError> {
        let (command, shared) = (command.clone(), Arc::clone(&self.shared));
        let _alone = self.shared.keeping.lock().await;
        let dropped = self
            .in_chat(folder, move |chat| {
                chat.drop_staged(&command, number, &shared.parts).map(Some)
            })
            .await?;
        Ok(dropped.unwrap_or(match number {
            Some(_) => Dropped::NoSuchNumber(0),
            None => Dropped::Files(Vec::new()),
        }))
    }

    async fn withdraw(&self, folder: &str, message: &EventKey) -> Result<(), FilesError> {
        let message = message.clone();
        self.in_chat(folder, move |chat| chat.withdraw(&message))
            .await
    }

    async fn copy_out(
        &self,
        folder: &str,
        question: &EventKey,
        slot: usize,
        path: &str,
    ) -> Result<OutgoingFile, FilesError> {
        let (folder, question, path) = (folder.to_owned(), question.clone(), path.to_owned());
        self.with(move |shared| {
            let limit = shared.limits.file;
            outgoing::copy_out(shared.root()?, &folder, &question, slot, &path, limit)
        })
        .await
    }

    async fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, FilesError> {
        let path = path.to_owned();
        self.with(move |shared| outgoing::read(shared.root()?, &path, limit))
            .await
    }

    async fn discard_copy(&self, path: &str) -> Result<(), FilesError> {
        let path = path.to_owned();
        self.with(move |shared| outgoing::discard(shared.root()?, &path))
            .await
    }
}

#[cfg(test)]
mod tests;
