//! Who may send while the homeserver limits rates. A server counts the messages of all rooms of an account together, so
//! what it refuses in one room is a reason to send no drafts in any: the allowance that is left is for final texts.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// What the server's limits allow. Clones share it.
#[derive(Clone)]
pub struct Pace(Arc<watch::Sender<Limit>>);

#[derive(Clone, Copy, Default)]
struct Limit {
    /// The server takes no messages before this.
    until: Option<Instant>,
    /// Final texts that the server has refused for now.
    waiting: usize,
}

/// A final text that waits for the server's limit; dropped when it is sent or given up.
pub struct FinalWaits(Pace);

impl Default for Pace {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Limit::default())))
    }
}

impl Pace {
    /// The server answered 429 to a message. Drafts wait for `pause`.
    pub fn limited_for(&self, pause: Duration) {
        let until = Instant::now() + pause;
        self.0
            .send_modify(|limit| limit.until = Some(limit.until.map_or(until, |at| at.max(until))));
    }

    /// A final text waits. Drafts wait until it is dropped.
    pub fn final_waits(&self) -> FinalWaits {
        self.0.send_modify(|limit| limit.waiting += 1);
        FinalWaits(self.clone())
    }

    /// Waits until drafts may be sent.
    pub async fn drafts_may_go(&self) {
        let mut changes = self.0.subscribe();
        loop {
            let limit = *changes.borrow_and_update();
            let until = limit.until.filter(|until| *until > Instant::now());
            match (limit.waiting, until) {
                (0, None) => return,
                (0, Some(until)) => tokio::select! {
                    () = sleep_until(until) => {}
                    _ = changes.changed() => {}
                },
                // The sender is part of this pace, so that waiting for it cannot fail.
                _ => drop(changes.changed().await),
            }
        }
    }
}

impl Drop for FinalWaits {
    fn drop(&mut self) {
        self.0.0.send_modify(|limit| limit.waiting -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn waited(pace: &Pace) -> Duration {
        let started = Instant::now();
        pace.drafts_may_go().await;
        started.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn drafts_wait_as_long_as_the_server_asks_and_the_longest_wait_counts() {
        let pace = Pace::default();
        assert_eq!(waited(&pace).await, Duration::ZERO);
        pace.limited_for(Duration::from_secs(9));
        pace.clone().limited_for(Duration::from_secs(2));
        let waited = waited(&pace).await;
        assert!(waited >= Duration::from_secs(9) && waited < Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn drafts_wait_until_every_final_text_is_sent() {
        let pace = Pace::default();
        let (first, second) = (pace.final_waits(), pace.final_waits());
        let sends = async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            drop(first);
            tokio::time::sleep(Duration::from_secs(4)).await;
            drop(second);
        };
        let (waited, ()) = tokio::join!(waited(&pace), sends);
        assert!(waited >= Duration::from_secs(7) && waited < Duration::from_secs(8));
    }
}
