//! The reference agent: a small, honest ACP v1 agent without a model, for trying the whole stack out.
//!
//! It says back what it is told, and a few plain words make it use every part of the protocol: files both ways,
//! permission questions, long answers to cancel, sessions that outlive the process. It says of itself what it can do
//! ("help"), and answers in English or Russian, as it is spoken to.
//!
//! A session is one file in the data folder, read when a turn begins and written before the turn's end is told. Files
//! of chats are reached through the session's own folder alone.

mod connection;
mod files;
mod peer;
mod session;
mod store;
mod turn;
mod wish;
mod words;

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::{connection::Connection, files::Workspace, store::Sessions};
use crate::{
    clock::Clock,
    platform::gateway::{Conversation, Farewell, ServedAgent},
};

/// How long a stopped turn may take to be put away.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// The agent. Clones share its sessions.
#[derive(Clone)]
pub struct ReferenceAgent {
    workspace: Workspace,
    sessions: Sessions,
    running: Arc<Mutex<BTreeMap<String, Running>>>,
    pace: Duration,
}

/// A turn that is made now, anywhere in the process.
#[derive(Clone, Debug, Default)]
struct Running {
    stop: CancellationToken,
    ended: CancellationToken,
}

impl ReferenceAgent {
    /// Makes both folders where they are missing. `pace` is the time between two words.
    pub fn open(
        workspace_dir: &Path,
        data_dir: &Path,
        pace: Duration,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        std::fs::create_dir_all(workspace_dir)?;
        Ok(Self {
            workspace: Workspace::new(workspace_dir)?,
            sessions: Sessions::open(data_dir.join("sessions"), clock)?,
            running: Arc::default(),
            pace,
        })
    }

    /// Takes the session for one turn; `None` while another turn of it is made.
    fn claim(&self, session: &str) -> Option<Claim> {
        let mut running = self.running();
        if running.contains_key(session) {
            return None;
        }
        let turn = Running::default();
        running.insert(session.to_owned(), turn.clone());
        Some(Claim {
            agent: self.clone(),
            session: session.to_owned(),
            turn,
        })
    }

    /// Stops the turn of a session that is made now, if there is one.
    fn stop(&self, session: &str) {
        if let Some(turn) = self.running().get(session) {
            turn.stop.cancel();
        }
    }

    /// Stops it and waits until it is put away. A client that comes back must not meet its own past.
    async fn stop_and_wait(&self, session: &str) {
        let turn = self.running().get(session).cloned();
        if let Some(turn) = turn {
            turn.stop.cancel();
            let _still_there = timeout(STOP_LIMIT, turn.ended.cancelled()).await;
        }
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ServedAgent for ReferenceAgent {
    async fn converse(&self, conversation: Conversation) -> Farewell {
        Connection::new(self.clone(), conversation.outgoing)
            .serve(conversation.incoming, conversation.over)
            .await
    }
}

/// The right to make the one turn of a session; given back when it is dropped.
struct Claim {
    agent: ReferenceAgent,
    session: String,
    turn: Running,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.agent.running().remove(&self.session);
        self.turn.ended.cancel();
    }
}

#[cfg(test)]
mod tests;
