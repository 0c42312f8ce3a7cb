//! What time it is, as a value that tests can move.

use std::time::{Instant, SystemTime};

/// A source of time.
pub trait Clock: Send + Sync {
    /// The time of day, which may jump.
    fn now(&self) -> SystemTime;
    /// Time that only goes forward; for ages and limits.
    fn monotonic(&self) -> Instant;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this file owns the machine's clock; everything else takes a Clock"
    )]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Instant {
        Instant::now()
    }
}

/// A clock that moves by hand.
#[cfg(test)]
#[derive(Debug)]
pub struct ManualClock {
    start: Instant,
    elapsed: std::sync::Mutex<std::time::Duration>,
}

#[cfg(test)]
impl Default for ManualClock {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            elapsed: std::sync::Mutex::default(),
        }
    }
}

#[cfg(test)]
impl ManualClock {
    /// Lets time pass.
    pub fn advance(&self, by: std::time::Duration) {
        *self.elapsed.lock().unwrap() += by;
    }

    fn elapsed(&self) -> std::time::Duration {
        *self.elapsed.lock().unwrap()
    }
}

#[cfg(test)]
impl Clock for ManualClock {
    /// Begins on 14 July 2017, 02:40:00 UTC: the round number 1 500 000 000.
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_500_000_000) + self.elapsed()
    }

    fn monotonic(&self) -> Instant {
        self.start + self.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let clock = ManualClock::default();
        let (now, monotonic) = (clock.now(), clock.monotonic());
        assert_eq!(clock.now(), now);
        clock.advance(Duration::from_mins(1));
        assert_eq!(clock.now(), now + Duration::from_mins(1));
        assert_eq!(clock.monotonic(), monotonic + Duration::from_mins(1));
    }
}
