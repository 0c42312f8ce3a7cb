//! Whether the bot can answer people now, and what is missing where it cannot.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::clock::Clock;

/// How old the last successful sync may be. A quiet long poll ends after 30 s, so this is one poll and two retries.
pub const SYNC_FRESH_FOR: Duration = Duration::from_secs(90);

/// The state behind `/readyz`. Clones share it.
#[derive(Clone)]
pub struct Readiness {
    clock: Arc<dyn Clock>,
    started: Instant,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    reconciled: bool,
    last_sync: Option<Instant>,
    ending: bool,
    session_lost: Option<String>,
}

impl Readiness {
    /// Nothing is done yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            started: clock.monotonic(),
            clock,
            state: Arc::default(),
        }
    }

    /// The first reconcile is done.
    pub fn reconciled(&self) {
        self.lock().reconciled = true;
    }

    /// A sync succeeded just now.
    pub fn synced(&self) {
        self.lock().last_sync = Some(self.clock.monotonic());
    }

    /// There is no session that works, and why.
    pub fn session_lost(&self, why: impl Into<String>) {
        self.lock().session_lost = Some(why.into());
    }

    /// There is one again.
    pub fn session_found(&self) {
        self.lock().session_lost = None;
    }

    /// The process takes no new work any more.
    pub fn ending(&self) {
        self.lock().ending = true;
    }

    /// Time since the last successful sync, or since the start where there was none.
    pub fn sync_age(&self) -> Duration {
        let since = self.lock().last_sync.unwrap_or(self.started);
        self.clock.monotonic().saturating_duration_since(since)
    }

    /// What keeps the bot from being ready; nothing where it is. The database is asked by the caller.
    pub fn missing(&self) -> Vec<String> {
        let age = self.sync_age();
        let state = self.lock();
        let mut missing = Vec::new();
        if state.ending {
            missing.push("the bot is shutting down".to_owned());
        }
        if let Some(why) = &state.session_lost {
            missing.push(format!("no session: {why}"));
        }
        if !state.reconciled {
            missing.push("the rooms are not reconciled yet".to_owned());
        }
        if state.last_sync.is_none() {
            missing.push("no sync has succeeded yet".to_owned());
        } else if age > SYNC_FRESH_FOR {
            missing.push(format!(
                "the last successful sync was {} s ago",
                age.as_secs()
            ));
        }
        missing
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn readiness() -> (Arc<ManualClock>, Readiness) {
        let clock = Arc::new(ManualClock::default());
        (clock.clone(), Readiness::new(clock))
    }

    #[test]
    fn at_first_everything_is_missing() {
        let (_, readiness) = readiness();
        assert_eq!(
            readiness.missing(),
            [
                "the rooms are not reconciled yet",
                "no sync has succeeded yet"
            ]
        );
    }

    #[test]
    fn a_reconciled_bot_with_a_fresh_sync_is_ready() {
        let (clock, readiness) = readiness();
        readiness.reconciled();
        readiness.synced();
        assert_eq!(readiness.missing(), [""; 0]);
        clock.advance(SYNC_FRESH_FOR);
        assert_eq!(readiness.missing(), [""; 0]);
    }

    #[test]
    fn an_old_sync_ends_it_and_a_new_one_brings_it_back() {
        let (clock, readiness) = readiness();
        readiness.reconciled();
        readiness.synced();
        clock.advance(SYNC_FRESH_FOR + Duration::from_secs(1));
        assert_eq!(
            readiness.missing(),
            ["the last successful sync was 91 s ago"]
        );
        readiness.clone().synced();
        assert_eq!(readiness.missing(), [""; 0]);
    }

    #[test]
    fn a_bot_that_shuts_down_is_not_ready() {
        let (_, readiness) = readiness();
        readiness.reconciled();
        readiness.synced();
        readiness.ending();
        assert_eq!(readiness.missing(), ["the bot is shutting down"]);
    }

    #[test]
    fn a_bot_without_a_session_says_why_it_is_not_ready() {
        let (_, readiness) = readiness();
        readiness.reconciled();
        readiness.synced();
        readiness.session_lost("the token was revoked");
        assert_eq!(readiness.missing(), ["no session: the token was revoked"]);
        readiness.session_found();
        assert_eq!(readiness.missing(), [""; 0]);
    }

    #[test]
    fn the_age_counts_from_the_start_before_the_first_sync() {
        let (clock, readiness) = readiness();
        clock.advance(Duration::from_secs(7));
        assert_eq!(readiness.sync_age(), Duration::from_secs(7));
        readiness.synced();
        clock.advance(Duration::from_secs(3));
        assert_eq!(readiness.sync_age(), Duration::from_secs(3));
    }
}
