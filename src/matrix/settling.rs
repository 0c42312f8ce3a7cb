//! The time in which requests of the life before this one may still arrive at the server: a process that is killed takes
//! none of those back that it had sent.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::lifecycle::Tasks;

/// Requests under way at a start are at the server after so long.
const SETTLES_WITHIN: Duration = Duration::from_secs(3);

/// Begins with the life of the bot.
#[derive(Clone, Copy, Debug)]
pub struct Settling {
    over_at: Instant,
}

impl Settling {
    /// From now on.
    pub fn begin() -> Self {
        Self {
            over_at: Instant::now() + SETTLES_WITHIN,
        }
    }

    /// Waits until it is over, or the end of the process begins.
    pub async fn over(&self, tasks: &Tasks) {
        tokio::select! {
            biased;
            () = tasks.draining().cancelled() => {}
            () = sleep_until(self.over_at) => {}
        }
    }
}
