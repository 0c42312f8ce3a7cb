//! The world's time: it passes with the paused time of the runtime that the bot runs in, and stands still between runs.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use surfaces_bot::clock::Clock;
use tokio::runtime::Handle;

/// Some day in November 2023, in milliseconds since the epoch.
const FIRST_DAY: u64 = 1_700_000_000_000;

pub(crate) struct WorldClock {
    start: Instant,
    passed: Mutex<Passed>,
}

struct Passed {
    /// In earlier runs, and by hand.
    before: Duration,
    running: Option<(Handle, tokio::time::Instant)>,
}

impl WorldClock {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            passed: Mutex::new(Passed {
                before: Duration::ZERO,
                running: None,
            }),
        }
    }

    /// From here on the time of this runtime counts.
    pub(crate) fn runs_with(&self, runtime: &Handle) {
        self.stops();
        let _inside = runtime.enter();
        self.lock().running = Some((runtime.clone(), tokio::time::Instant::now()));
    }

    /// The runtime is about to end.
    pub(crate) fn stops(&self) {
        let passed = self.passed();
        let mut inner = self.lock();
        inner.before = passed;
        inner.running = None;
    }

    /// Lets time pass by hand.
    pub(crate) fn advance(&self, by: Duration) {
        self.lock().before += by;
    }

    pub(crate) fn millis(&self) -> u64 {
        FIRST_DAY + u64::try_from(self.passed().as_millis()).expect("tests are short")
    }

    fn passed(&self) -> Duration {
        let inner = self.lock();
        let running = inner.running.as_ref().map(|(runtime, since)| {
            let _inside = runtime.enter();
            since.elapsed()
        });
        inner.before + running.unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Passed> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for WorldClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.millis())
    }

    fn monotonic(&self) -> Instant {
        self.start + self.passed()
    }
}
