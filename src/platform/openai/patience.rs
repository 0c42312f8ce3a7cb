//! Whether a request that failed is made again, and when: twice after failures that pass, as long as a busy server asks for
//! if that is short, once with less of the past. Only while nothing was said.

use std::time::Duration;

use super::{budget, endpoint::Endpoint, failure::Failure, wire::Message};

/// Before the first and the second repetition.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];
/// Where a busy server does not say how long.
const BUSY_PAUSE: Duration = Duration::from_secs(3);
/// All waiting for a busy server within one turn.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// What was tried so far in one turn.
pub(super) struct Patience {
    /// How many tokens the next request may have.
    pub(super) tokens: u64,
    failures: usize,
    waited: Duration,
    is_trimmed: bool,
}

impl Patience {
    pub(super) const fn new(tokens: u64) -> Self {
        Self {
            tokens,
            failures: 0,
            waited: Duration::ZERO,
            is_trimmed: false,
        }
    }

    /// The pause before the next request; the failure itself where another one would not help.
    pub(super) fn before_next(
        &mut self,
        failure: Failure,
        sent: &[Message],
        endpoint: &Endpoint,
    ) -> Result<Duration, Failure> {
        match &failure {
            Failure::Unavailable(_) => {
                let pause = PAUSES.get(self.failures).copied();
                self.failures += 1;
                pause.ok_or(failure)
            }
            Failure::Busy { wait, .. } => {
                let pause = wait.unwrap_or(BUSY_PAUSE).max(Duration::from_millis(100));
                self.waited += pause;
                if self.waited > LONGEST_WAIT {
                    return Err(failure);
                }
                Ok(pause)
            }
            Failure::TooLong(_) if !self.is_trimmed && budget::has_past(sent) => {
                self.is_trimmed = true;
                // Half of what was sent, whatever the operator took for the limit.
                self.tokens = budget::of_messages(sent) / 2;
                Ok(Duration::ZERO)
            }
            Failure::Unknown { parameter, .. } if endpoint.do_without(*parameter) => {
                Ok(Duration::ZERO)
            }
            _ => Err(failure),
        }
    }
}
