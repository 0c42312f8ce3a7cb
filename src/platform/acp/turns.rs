//! Which answers an agent is making now, and how one of them is stopped.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{connection::Connection, hearing::Session, mailbox::Mailbox};
use crate::core::ids::PlatformChatId;

/// How long an agent may take to end an answer it was asked to end. After that nobody listens any more.
const PATIENCE: Duration = Duration::from_secs(5);

/// All of them.
#[derive(Default)]
pub(super) struct Turns {
    running: Mutex<HashMap<PlatformChatId, Arc<Turn>>>,
}

/// One answer in the making.
#[derive(Default)]
pub(super) struct Turn {
    stop: CancellationToken,
    stopped: OnceLock<Instant>,
    prompt: OnceLock<Prompted>,
}

/// A prompt that the agent has.
pub(super) struct Prompted {
    pub(super) connection: Arc<Connection>,
    pub(super) session: Arc<Session>,
    pub(super) mailbox: Arc<Mailbox>,
}

impl Turns {
    /// A turn begins; it ends with the value.
    pub(super) fn begin(self: &Arc<Self>, context: PlatformChatId) -> Running {
        let turn = Arc::new(Turn::default());
        self.running().insert(context, Arc::clone(&turn));
        Running {
            turns: Arc::clone(self),
            context,
            turn,
        }
    }

    /// The running turn of a context.
    pub(super) fn of(&self, context: PlatformChatId) -> Option<Arc<Turn>> {
        self.running().get(&context).cloned()
    }

    /// Whether nothing runs for any other context.
    pub(super) fn only(&self, context: PlatformChatId) -> bool {
        self.running().keys().all(|running| *running == context)
    }

    /// Whether nothing runs.
    pub(super) fn is_idle(&self) -> bool {
        self.running().is_empty()
    }

    fn running(&self) -> MutexGuard<'_, HashMap<PlatformChatId, Arc<Turn>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// The agent has the prompt now; one that was stopped before is stopped at once.
    pub(super) fn prompted(&self, prompt: Prompted) {
        let _ = self.prompt.set(prompt);
        if self.stop.is_cancelled() {
            self.stop();
        }
    }

    /// What the agent has of it.
    pub(super) fn prompt(&self) -> Option<&Prompted> {
        self.prompt.get()
    }

    /// Asks for its end; may be repeated.
    pub(super) fn stop(&self) {
        let _ = self.stopped.set(Instant::now());
        self.stop.cancel();
        if let Some(prompt) = self.prompt.get() {
            prompt.connection.cancel(&prompt.session.id);
            prompt.mailbox.stop();
        }
    }

    /// Resolves when it is asked to end.
    pub(super) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Resolves when it was asked to end and the agent had its time for that.
    pub(super) async fn given_up(&self) {
        self.stop.cancelled().await;
        let since = self.stopped.get().copied().unwrap_or_else(Instant::now);
        sleep_until(since + PATIENCE).await;
    }
}

/// A turn that has begun.
pub(super) struct Running {
    turns: Arc<Turns>,
    context: PlatformChatId,
    pub(super) turn: Arc<Turn>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.turns.running();
        if running
            .get(&self.context)
            .is_some_and(|turn| Arc::ptr_eq(turn, &self.turn))
        {
            running.remove(&self.context);
        }
    }
}
