//! Which contexts have a turn running: one at a time, each with a way to stop it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use crate::core::ids::PlatformChatId;

type Turns = Arc<Mutex<HashMap<PlatformChatId, Vec<CancellationToken>>>>;

/// The running turns.
#[derive(Default)]
pub(super) struct Running(Turns);

impl Running {
    /// A turn begins; one that still runs in the context is stopped.
    pub(super) fn begin(&self, context: PlatformChatId) -> Ticket {
        let stop = CancellationToken::new();
        let mut turns = lock(&self.0);
        let here = turns.entry(context).or_default();
        here.iter().for_each(CancellationToken::cancel);
        here.push(stop.clone());
        Ticket {
            turns: Arc::clone(&self.0),
            context,
            stop,
        }
    }

    /// Stops what runs in the context.
    pub(super) fn cancel(&self, context: PlatformChatId) {
        if let Some(here) = lock(&self.0).get(&context) {
            here.iter().for_each(CancellationToken::cancel);
        }
    }
}

/// A running turn; dropped, it runs no more.
pub(super) struct Ticket {
    turns: Turns,
    context: PlatformChatId,
    stop: CancellationToken,
}

impl Ticket {
    pub(super) fn cancelled(&self) -> WaitForCancellationFuture<'_> {
        self.stop.cancelled()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // Marks this turn as over; turns that are over are forgotten.
        self.stop.cancel();
        let mut turns = lock(&self.turns);
        if let Some(here) = turns.get_mut(&self.context) {
            here.retain(|stop| !stop.is_cancelled());
            if here.is_empty() {
                turns.remove(&self.context);
            }
        }
    }
}

fn lock<T>(turns: &Mutex<T>) -> MutexGuard<'_, T> {
    turns.lock().unwrap_or_else(PoisonError::into_inner)
}
