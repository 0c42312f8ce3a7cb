//! Agents that speak the Agent Client Protocol, version 1: a child process, or a server behind a WebSocket.
//!
//! ```text
//! asking -> sessions -> keeper -> connection -> (the protocol's machinery) -> pump -> link: process | socket
//!   '<- mailbox <- voice <- hearing <-----------------------'                  '- gate
//! ```
//!
//! One connection serves all chats of an agent; each context has a session of its own. The agent is not trusted: what
//! it sends is bounded by `gate` and `mailbox`, and reaches only the chat whose answer it is making.

mod asking;
mod book;
mod checkup;
mod connection;
mod gate;
mod hearing;
mod keeper;
mod keeping;
mod lines;
mod link;
mod login;
mod mailbox;
mod permission;
mod place;
mod process;
mod pump;
mod sessions;
mod socket;
mod trouble;
mod turns;
mod voice;
mod wishes;
mod workspace;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use url::Url;

pub use self::book::{BookError, Held, LooseBook, SessionBook};
use self::{
    keeper::Keeper, link::Dial, place::Place, process::Process, socket::Socket, trouble::Trouble,
    turns::Turns, wishes::Wishes, workspace::Workspace,
};
use super::{
    Abilities, AnswerStream, ContextInfo, ContextRef, Diagnosis, PlatformClient, PlatformError,
    Prompt, Saved,
};
use crate::{
    config::Secret,
    core::ids::{AgentId, PlatformChatId},
    lifecycle::Tasks,
};

/// How an agent is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// As a child process.
    Command {
        /// What is started.
        program: PathBuf,
        /// With these arguments.
        arguments: Vec<String>,
        /// And nothing else in its environment.
        environment: BTreeMap<String, Secret>,
    },
    /// Behind a WebSocket.
    Url {
        /// `ws:` or `wss:`.
        url: Url,
        /// Sent as a bearer token.
        token: Option<Secret>,
    },
}

/// One agent of the registry.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Names it.
    pub id: AgentId,
    /// How it is reached.
    pub reach: Reach,
    /// The workspace as the agent sees it; absolute.
    pub workspace: PathBuf,
    /// The workspace as the bot sees it.
    pub local_workspace: PathBuf,
    /// Each chat has a working folder of its own; else the workspace is everybody's.
    pub is_per_chat: bool,
    /// Files that it links to in its words are sent too. For agents that never name one in any other way.
    pub linked_files: bool,
    /// The method by which it is logged in before its first session.
    pub auth: Option<String>,
    /// The mode of its sessions.
    pub mode: Option<String>,
    /// The model of its sessions.
    pub model: Option<String>,
}

/// The agent.
pub struct AcpAgent {
    id: AgentId,
    place: Place,
    linked_files: bool,
    wishes: Wishes,
    keeper: Keeper,
    book: Arc<dyn SessionBook>,
    turns: Arc<Turns>,
}

impl AcpAgent {
    /// Nothing is started or contacted before the first question.
    pub fn new(settings: Settings, book: Arc<dyn SessionBook>, tasks: &Tasks) -> Self {
        let dial: Box<dyn Dial> = match settings.reach.clone() {
            Reach::Command {
                program,
                arguments,
                environment,
            } => Box::new(Process {
                agent: settings.id.clone(),
                program,
                arguments,
                environment,
                folder: settings.local_workspace.clone(),
                tasks: tasks.clone(),
            }),
            Reach::Url { url, token } => Box::new(Socket { url, token }),
        };
        Self::dialling(settings, dial, book, tasks)
    }

    fn dialling(
        settings: Settings,
        dial: Box<dyn Dial>,
        book: Arc<dyn SessionBook>,
        tasks: &Tasks,
    ) -> Self {
        let turns = Arc::new(Turns::default());
        Self {
            keeper: Keeper::new(&settings.id, dial, settings.auth, Arc::clone(&turns), tasks),
            place: Place::new(
                Workspace::new(settings.workspace),
                settings.local_workspace,
                settings.is_per_chat,
            ),
            linked_files: settings.linked_files,
            wishes: Wishes {
                mode: settings.mode,
                model: settings.model,
            },
            id: settings.id,
            book,
            turns,
        }
    }

    fn told<T>(&self, result: Result<T, Trouble>) -> Result<T, PlatformError> {
        result.map_err(|trouble| trouble.of(&self.id))
    }
}

#[async_trait]
impl PlatformClient for AcpAgent {
    fn abilities(&self) -> Abilities {
        Abilities {
            save: true,
            cancel: true,
        }
    }

    async fn ask(&self, prompt: Prompt) -> Result<AnswerStream, PlatformError> {
        self.told(self.answer(prompt).await)
    }

    async fn answer_permission(
        &self,
        context: &ContextRef,
        question: &str,
        option: Option<&str>,
    ) -> Result<(), PlatformError> {
        let turn = self.turns.of(context.context);
        let answered = match turn.as_ref().and_then(|turn| turn.prompt()) {
            Some(prompt) => prompt.mailbox.answer(question, option),
            None => Err(Trouble::cannot("no answer is being made that could go on")),
        };
        self.told(answered)
    }

    async fn cancel(&self, context: &ContextRef) -> Result<(), PlatformError> {
        if let Some(turn) = self.turns.of(context.context) {
            turn.stop();
        }
        Ok(())
    }

    async fn disconnect(&self, context: &ContextRef) -> Result<(), PlatformError> {
        self.told(self.let_go(context).await)
    }

    async fn save(
        &self,
        context: &ContextRef,
        kept: PlatformChatId,
    ) -> Result<Option<String>, PlatformError> {
        self.told(self.keep(context, kept).await.map(Some))
    }

    async fn load(&self, context: &ContextRef, saved: &Saved) -> Result<(), PlatformError> {
        self.told(self.continue_kept(context, saved).await)
    }

    async fn context_info(&self, context: &ContextRef) -> Result<ContextInfo, PlatformError> {
        let connection = self.keeper.current();
        let session = connection.and_then(|connection| connection.session(context.context));
        Ok(ContextInfo {
            messages: None,
            tokens: session.and_then(|session| session.tokens()),
        })
    }

    async fn health(&self) -> Result<(), PlatformError> {
        self.told(self.keeper.connection().await.map(drop))
    }

    async fn diagnose(&self) -> Result<String, Diagnosis> {
        self.told(self.open_and_close().await)?;
        Ok("opens a session".to_owned())
    }

    async fn looks_healthy(&self) -> Option<bool> {
        self.keeper.is_connected()
    }
}

#[cfg(test)]
mod tests;
