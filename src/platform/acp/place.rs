//! Where an agent works for which chat.

use std::path::{Path, PathBuf};

use cap_std::{ambient_authority, fs::Dir};

use super::workspace::Workspace;
use crate::platform::ContextRef;

/// The workspace from both sides, and how it is shared out.
#[derive(Clone, Debug)]
pub(super) struct Place {
    workspace: Workspace,
    /// The same folder as the bot sees it.
    local: PathBuf,
    is_per_chat: bool,
}

impl Place {
    pub(super) fn new(workspace: Workspace, local: PathBuf, is_per_chat: bool) -> Self {
        Self {
            workspace,
            local,
            is_per_chat,
        }
    }

    /// The workspace as the agent sees it.
    pub(super) const fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// The workspace as the bot sees it.
    pub(super) fn local(&self) -> &Path {
        &self.local
    }

    /// Whether each chat has a folder of its own.
    pub(super) const fn is_per_chat(&self) -> bool {
        self.is_per_chat
    }

    /// The folder of a chat's sessions, relative to the workspace.
    pub(super) fn folder(&self, context: &ContextRef) -> String {
        self.folder_or(&context.folder)
    }

    /// That chat's folder, or the one of all chats.
    pub(super) fn folder_or(&self, of_chat: &str) -> String {
        if self.is_per_chat {
            of_chat.to_owned()
        } else {
            String::new()
        }
    }

    /// A session's working folder as the agent sees it.
    pub(super) fn cwd(&self, folder: &str) -> PathBuf {
        self.workspace.absolute(folder)
    }

    /// Makes the folder. An agent on another machine may share no files with the bot, so a failure is only noted.
    pub(super) async fn make(&self, folder: &str) {
        if folder.is_empty() {
            return;
        }
        let (local, relative) = (self.local.clone(), folder.to_owned());
        let made = tokio::task::spawn_blocking(move || make(&local, &relative)).await;
        if let Ok(Err(error)) = made {
            tracing::warn!(%error, "the folder of a chat cannot be made in the workspace");
        }
    }
}

/// Never through a link that leads out of the workspace.
fn make(local: &Path, relative: &str) -> std::io::Result<()> {
    Dir::open_ambient_dir(local, ambient_authority())?.create_dir_all(relative)
}
