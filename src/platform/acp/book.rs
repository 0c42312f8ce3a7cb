//! Which session of an agent a context has: the port to where that outlives the process.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::core::ids::{AgentId, PlatformChatId, RoomKey};

/// The book could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the sessions of agents cannot be read or written")]
pub struct BookError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// A session that a context has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The agent's name for it.
    pub session: String,
    /// The room it is continued in.
    pub room: RoomKey,
    /// The folder it was opened in, relative to the workspace.
    pub folder: String,
    /// It is kept under a name, and continued by nobody for now.
    pub is_kept: bool,
}

/// Sessions by agent and context.
#[async_trait]
pub trait SessionBook: Send + Sync {
    /// The session of a context.
    async fn find(
        &self,
        agent: &AgentId,
        context: PlatformChatId,
    ) -> Result<Option<Held>, BookError>;
    /// All contexts that have this session.
    async fn holders(
        &self,
        agent: &AgentId,
        session: &str,
    ) -> Result<Vec<(PlatformChatId, Held)>, BookError>;
    /// The context has this session from now on.
    async fn note(
        &self,
        agent: &AgentId,
        context: PlatformChatId,
        held: &Held,
    ) -> Result<(), BookError>;
    /// The context has no session any more.
    async fn forget(&self, agent: &AgentId, context: PlatformChatId) -> Result<(), BookError>;
}

/// A book that is forgotten with the value.
#[derive(Default)]
pub struct LooseBook {
    entries: Mutex<BTreeMap<(AgentId, PlatformChatId), Held>>,
}

impl LooseBook {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<(AgentId, PlatformChatId), Held>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SessionBook for LooseBook {
    async fn find(
        &self,
        agent: &AgentId,
        context: PlatformChatId,
    ) -> Result<Option<Held>, BookError> {
        Ok(self.entries().get(&(agent.clone(), context)).cloned())
    }

    async fn holders(
        &self,
        agent: &AgentId,
        session: &str,
    ) -> Result<Vec<(PlatformChatId, Held)>, BookError> {
        Ok(self
            .entries()
            .iter()
            .filter(|((of, _), held)| of == agent && held.session == session)
            .map(|((_, context), held)| (*context, held.clone()))
            .collect())
    }

    async fn note(
        &self,
        agent: &AgentId,
        context: PlatformChatId,
        held: &Held,
    ) -> Result<(), BookError> {
        self.entries()
            .insert((agent.clone(), context), held.clone());
        Ok(())
    }

    async fn forget(&self, agent: &AgentId, context: PlatformChatId) -> Result<(), BookError> {
        self.entries().remove(&(agent.clone(), context));
        Ok(())
    }
}
