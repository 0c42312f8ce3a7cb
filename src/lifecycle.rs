//! How the process ends: in two stages, and never with a task forgotten.
//!
//! The first signal asks for an end: tasks stop taking work and finish what they hold. A second signal, or the end of the
//! grace period, tells them to let go at once. A task that dies begins the same end and makes the process fail.

use std::{
    any::Any,
    future::Future,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::anyhow;
use futures_util::FutureExt;
use tokio::time::{sleep, timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{error, info, warn};

/// How long running work may take to end by itself.
pub const GRACE: Duration = Duration::from_secs(20);

/// How long tasks may take after they were told to let go, before the process ends without them.
const LAST_MOMENT: Duration = Duration::from_secs(2);

/// How long the tasks of a generation may take after they were told to let go.
const LET_GO_WITHIN: Duration = Duration::from_secs(30);

/// Where requests to end come from.
pub trait Signals: Send {
    /// Resolves with the name of the next signal.
    fn next(&mut self) -> impl Future<Output = &'static str> + Send;
}

/// SIGTERM and SIGINT.
pub struct OsSignals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl OsSignals {
    /// From here on, these signals no longer end the process by themselves.
    pub fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

impl Signals for OsSignals {
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// SIGHUP, as a wish to read files again.
pub struct HangUps(tokio::signal::unix::Signal);

impl HangUps {
    /// From here on, this signal no longer ends the process.
    pub fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::hangup()).map(Self)
    }

    /// The next one.
    pub async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// The tasks of the process, and the two stages of its end. Clones share both.
#[derive(Clone, Debug)]
pub struct Tasks {
    tracker: TaskTracker,
    draining: CancellationToken,
    stop: CancellationToken,
    /// The first stage of the whole process.
    process: CancellationToken,
    failure: Arc<Mutex<Option<anyhow::Error>>>,
    panicked: Arc<AtomicBool>,
}

impl Default for Tasks {
    fn default() -> Self {
        let draining = CancellationToken::new();
        Self {
            tracker: TaskTracker::new(),
            process: draining.clone(),
            draining,
            stop: CancellationToken::new(),
            failure: Arc::default(),
            panicked: Arc::default(),
        }
    }
}

impl Tasks {
    /// Runs a task until it ends. One that panics begins the end of the process.
    pub fn spawn(&self, name: impl Into<String>, task: impl Future<Output = ()> + Send + 'static) {
        let name = name.into();
        let tasks = self.clone();
        self.tracker.spawn(async move {
            // Nothing of the task is used after a panic, so nothing can be seen half done.
            if let Err(panic) = AssertUnwindSafe(task).catch_unwind().await {
                tasks.panicked.store(true, Ordering::Relaxed);
                tasks.fail(anyhow!(
                    "the task {name} panicked: {}",
                    panic_text(panic.as_ref())
                ));
            }
        });
    }

    /// Tasks that can be ended by themselves, and that end with these. One of them that dies ends the process all the
    /// same.
    #[must_use]
    pub fn generation(&self) -> Self {
        Self {
            tracker: TaskTracker::new(),
            draining: self.draining.child_token(),
            stop: self.stop.child_token(),
            process: self.process.clone(),
            failure: Arc::clone(&self.failure),
            panicked: Arc::clone(&self.panicked),
        }
    }

    /// Asks the tasks of this generation to finish what they hold, and waits until they have.
    pub async fn finish(&self) {
        self.draining.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Tells the tasks of this generation to let go at once. Whether all of them did so in time.
    pub async fn let_go(&self) -> bool {
        self.stop.cancel();
        timeout(LET_GO_WITHIN, self.finish()).await.is_ok()
    }

    /// First stage: take no new work, finish what runs.
    pub const fn draining(&self) -> &CancellationToken {
        &self.draining
    }

    /// Second stage: let go at once.
    pub const fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Whether no new work is to be taken.
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Whether a task of the process has panicked, which is why the process ends.
    pub fn has_panicked(&self) -> bool {
        self.panicked.load(Ordering::Relaxed)
    }

    /// Lets time pass, until the end begins.
    pub async fn pause(&self, time: Duration) {
        tokio::select! {
            () = self.draining.cancelled() => {}
            () = sleep(time) => {}
        }
    }

    /// Begins the end without a signal.
    pub fn shut_down(&self) {
        self.process.cancel();
    }

    /// Begins the end because of an error that nothing can be done about. The first one is the process's own.
    pub fn fail(&self, error: anyhow::Error) {
        error!(error = format!("{error:#}"), "shutting down: {error:#}");
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
        self.process.cancel();
    }

    /// Waits until all tasks have ended: by themselves, or after the signals, or because the grace period is over.
    /// The error is that of the first task that failed.
    pub async fn run_until_shutdown(
        self,
        mut signals: impl Signals,
        grace: Duration,
    ) -> Result<(), anyhow::Error> {
        self.tracker.close();
        let mut ended = pin!(self.tracker.wait());
        tokio::select! {
            () = &mut ended => {}
            () = self.draining.cancelled() => {}
            signal = signals.next() => {
                info!(signal, grace_ms = grace.as_millis(), "{signal}: finishing what runs");
            }
        }
        self.draining.cancel();
        tokio::select! {
            () = &mut ended => {}
            signal = signals.next() => warn!(signal, "{signal} again: ending at once"),
            () = sleep(grace) => warn!("the grace period is over: ending at once"),
        }
        self.stop.cancel();
        if timeout(LAST_MOMENT, ended).await.is_err() {
            warn!(
                tasks = self.tracker.len(),
                "ending without the tasks that still run"
            );
        }
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take().map_or(Ok(()), Err)
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests;
