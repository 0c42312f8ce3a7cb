//! One session after the other, over the same data. A session that ends from outside, or whose SDK has lost its way, is
//! replaced together with everything that was built on it: to the journal that is a restart like any other.

use std::{sync::Arc, time::Duration};

use super::{Purpose, assemble, login, reconcile_once};
use crate::{
    clock::Clock,
    config::Config,
    lifecycle::Tasks,
    matrix::{
        bot::BotError,
        reconcile::Report,
        session::{self, Session, SessionError},
        store::Store,
    },
    ops::{Metrics, Readiness},
};

/// How often a login that is refused is tried again while the process runs.
const LOGIN_EVERY: Duration = Duration::from_mins(1);
/// A session that ends sooner may end of something that the next one meets too.
const SHORT_LIFE: Duration = Duration::from_mins(5);

/// Until the process is asked to end.
pub(super) async fn run(
    config: Config,
    purpose: Purpose,
    clock: Arc<dyn Clock>,
    store: Store,
    readiness: Readiness,
    metrics: Metrics,
    tasks: &Tasks,
) -> anyhow::Result<Report> {
    let mut pauses = Pauses::default();
    let mut session = Some(session::open(&login(&config), clock.now(), tasks.draining()).await);
    loop {
        let opened = match session.take() {
            Some(first) => first,
            None => renewed(&config, &*clock, &readiness, tasks).await,
        };
        let opened = match opened {
            Err(SessionError::ShuttingDown) => return Ok(Report::default()),
            other => other?,
        };
        let generation = tasks.generation();
        let (store, clock) = (store.clone(), Arc::clone(&clock));
        let began = clock.monotonic();
        let (ready, counts) = (readiness.clone(), metrics.clone());
        let bot = assemble(
            &config,
            opened,
            Arc::clone(&clock),
            store,
            ready,
            counts,
            &generation,
        )
        .await?;
        let ended = match purpose {
            Purpose::Run => bot.run().await.map(|()| Report::default()),
            Purpose::Reconcile => reconcile_once(&bot).await,
        };
        match ended {
            Err(error) if purpose == Purpose::Run && error.wants_a_new_session() => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the session does not work any more: beginning anew with what is kept"
                );
                readiness.session_lost("it is being renewed");
                drop(bot);
                anyhow::ensure!(
                    generation.let_go().await,
                    "the tasks of a session that has ended do not end"
                );
                tasks.pause(pauses.after(clock.monotonic() - began)).await;
            }
            other => {
                if other.is_ok() || matches!(other, Err(BotError::ShuttingDown)) {
                    generation.finish().await;
                }
                return match other {
                    Err(BotError::ShuttingDown) => Ok(Report::default()),
                    other => Ok(other?),
                };
            }
        }
    }
}

/// A session in place of one that ended. Credentials that are refused now were good once: the operator may mend that,
/// so the process stays, says what is wrong, and asks again from time to time.
async fn renewed(
    config: &Config,
    clock: &dyn Clock,
    readiness: &Readiness,
    tasks: &Tasks,
) -> Result<Session, SessionError> {
    let mut is_said = false;
    loop {
        match session::open(&login(config), clock.now(), tasks.draining()).await {
            Ok(session) => {
                readiness.session_found();
                return Ok(session);
            }
            Err(SessionError::Refused(why)) => {
                if !std::mem::replace(&mut is_said, true) {
                    tracing::error!("there is no session, and none can be had: {why}");
                }
                readiness.session_lost(why);
                tasks.pause(LOGIN_EVERY).await;
                if tasks.is_draining() {
                    return Err(SessionError::ShuttingDown);
                }
            }
            Err(other) => return Err(other),
        }
    }
}

/// The time between two sessions: hardly any, unless they end soon after they began.
#[derive(Default)]
struct Pauses {
    next: Duration,
}

impl Pauses {
    fn after(&mut self, lived: Duration) -> Duration {
        self.next = if lived > SHORT_LIFE {
            Duration::ZERO
        } else {
            (self.next * 2).clamp(Duration::from_secs(1), LOGIN_EVERY)
        };
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_that_end_soon_are_begun_more_and_more_slowly() {
        let mut pauses = Pauses::default();
        let seconds: Vec<u64> = (0..8)
            .map(|_| pauses.after(Duration::ZERO).as_secs())
            .collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pauses.after(Duration::from_hours(1)), Duration::ZERO);
        assert_eq!(pauses.after(Duration::ZERO), Duration::from_secs(1));
    }
}
