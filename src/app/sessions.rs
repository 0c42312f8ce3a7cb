//! One session after the other, over the same data. A session that ends from outside, or whose SDK has lost its way, is
//! replaced together with everything that was built on it: to the journal that is a restart like any other.

use std::time::Duration;

use super::{Process, Purpose, assemble, first_sync, login, reconcile_once};
use crate::{
    lifecycle::Tasks,
    matrix::{
        bot::{BotError, FirstSync},
        reconcile::Report,
        session::{self, Session, SessionError},
    },
};

/// How often a login that is refused is tried again while the process runs.
const LOGIN_EVERY: Duration = Duration::from_mins(1);
/// A session that ends sooner may end of something that the next one meets too.
const SHORT_LIFE: Duration = Duration::from_mins(5);

/// Until the process is asked to end.
pub(super) async fn run(
    process: &Process,
    purpose: Purpose,
    tasks: &Tasks,
) -> anyhow::Result<Report> {
    let Process {
        config,
        clock,
        readiness,
        ..
    } = process;
    let configured = first_sync(config);
    let mut next = configured;
    let mut pauses = Pauses::default();
    let mut session = Some(session::open(&login(config), clock.now(), tasks.draining()).await);
    loop {
        let opened = match session.take() {
            Some(first) => first,
            None => renewed(process, tasks).await,
        };
        let opened = match opened {
            Err(SessionError::ShuttingDown) => return Ok(Report::default()),
            other => other?,
        };
        let generation = tasks.generation();
        let began = clock.monotonic();
        let bot = assemble(process, opened, next, &generation).await?;
        let ended = match purpose {
            Purpose::Run => bot.run().await.map(|()| Report::default()),
            Purpose::Reconcile => reconcile_once(&bot).await,
        };
        let pause = match &ended {
            Err(BotError::NewClientNeeded(wanted)) => {
                next = *wanted;
                // The full state is asked for once at a start. A position that is not accepted may be so again.
                (*wanted == FirstSync::FromNothing).then(|| pauses.after(clock.monotonic() - began))
            }
            Err(error) if purpose == Purpose::Run && error.wants_a_new_session() => {
                next = configured;
                tracing::warn!(
                    error = error as &dyn std::error::Error,
                    "the session does not work any more: beginning anew with what is kept"
                );
                Some(pauses.after(clock.monotonic() - began))
            }
            _ => return finished(ended, &generation).await,
        };
        readiness.session_lost("it is being renewed");
        drop(bot);
        // Two generations at once would answer everything twice, so the next one waits for the end of this one.
        while !generation.let_go().await && !tasks.is_draining() {
            tracing::warn!("tasks of the session that has ended still run");
        }
        tasks.pause(pause.unwrap_or_default()).await;
    }
}

/// The end of the last session.
async fn finished(ended: Result<Report, BotError>, generation: &Tasks) -> anyhow::Result<Report> {
    if ended.is_ok() || matches!(ended, Err(BotError::ShuttingDown)) {
        generation.finish().await;
    }
    match ended {
        Err(BotError::ShuttingDown) => Ok(Report::default()),
        other => Ok(other?),
    }
}

/// A session in place of one that ended. Credentials and a store folder that cannot be used now were good once: the
/// operator may mend that, so the process stays, says what is wrong, and asks again from time to time.
async fn renewed(process: &Process, tasks: &Tasks) -> Result<Session, SessionError> {
    let Process {
        config,
        clock,
        readiness,
        ..
    } = process;
    let mut is_said = false;
    loop {
        match session::open(&login(config), clock.now(), tasks.draining()).await {
            Ok(session) => {
                readiness.session_found();
                return Ok(session);
            }
            Err(SessionError::ShuttingDown) => return Err(SessionError::ShuttingDown),
            Err(error) => {
                let why = error.to_string();
                if !std::mem::replace(&mut is_said, true) {
                    tracing::error!("there is no session, and none can be had: {why}");
                }
                readiness.session_lost(why);
                tasks.pause(LOGIN_EVERY).await;
                if tasks.is_draining() {
                    return Err(SessionError::ShuttingDown);
                }
            }
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
