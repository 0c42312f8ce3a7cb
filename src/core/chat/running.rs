//! The turns that run now, each with a handle that stops it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio_util::sync::CancellationToken;

use crate::core::ids::EventKey;

/// The running turns of all chats, by the message that each of them answers. Clones share them.
#[derive(Clone, Default)]
pub struct RunningTurns(Arc<Mutex<HashMap<EventKey, CancellationToken>>>);

/// A turn that runs until this is dropped.
pub struct RunningTurn {
    turns: RunningTurns,
    question: EventKey,
    stop: CancellationToken,
}

impl RunningTurns {
    /// A turn begins.
    pub fn begin(&self, question: &EventKey) -> RunningTurn {
        let stop = CancellationToken::new();
        self.with(|turns| turns.insert(question.clone(), stop.clone()));
        RunningTurn {
            turns: self.clone(),
            question: question.clone(),
            stop,
        }
    }

    /// Stops the turn of this message; tells whether it runs.
    pub fn stop(&self, question: &EventKey) -> bool {
        let stop = self.with(|turns| turns.get(question).cloned());
        stop.inspect(CancellationToken::cancel).is_some()
    }

    /// Whether the turn of this message runs.
    pub fn is_running(&self, question: &EventKey) -> bool {
        self.with(|turns| turns.contains_key(question))
    }

    /// Cancelled when the turn of this message is to stop; never, where nobody can stop it.
    pub(crate) fn stop_of(&self, question: &EventKey) -> CancellationToken {
        self.with(|turns| turns.get(question).cloned())
            .unwrap_or_default()
    }

    fn with<T>(&self, look: impl FnOnce(&mut HashMap<EventKey, CancellationToken>) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl RunningTurn {
    /// Stops it.
    pub fn stop(&self) {
        self.stop.cancel();
    }
}

impl Drop for RunningTurn {
    fn drop(&mut self) {
        self.turns.with(|turns| turns.remove(&self.question));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_can_be_stopped_while_it_runs_and_only_then() {
        let (turns, question) = (RunningTurns::default(), EventKey::new("$q"));
        assert!(!turns.stop(&question));
        let running = turns.begin(&question);
        assert!(turns.is_running(&question));
        assert!(!turns.stop(&EventKey::new("$other")));
        assert!(!turns.stop_of(&question).is_cancelled());
        assert!(turns.stop(&question));
        assert!(turns.stop_of(&question).is_cancelled());
        drop(running);
        assert!(!turns.is_running(&question));
        assert!(!turns.stop_of(&question).is_cancelled());
    }
}
