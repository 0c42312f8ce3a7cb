//! Keeps one connection to an agent: opens it when it is first wanted, and again when it ends.

use std::{sync::Arc, time::Duration};

use agent_client_protocol::{
    Agent, Channel, Client, UntypedMessage,
    v1::{ConnectionTo, Dispatch},
};
use tokio::{
    sync::{Notify, oneshot, watch},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    connection::Connection, gate::Gate, hearing::Hearing, link::Dial, pump, trouble::Trouble,
    turns::Turns,
};
use crate::{core::ids::AgentId, lifecycle::Tasks, platform::Advice};

/// Between the end of a connection and the next attempt, at first.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause; it doubles up to here.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// A connection that lasted so long makes the next pause a short one again.
const STEADY: Duration = Duration::from_mins(1);
/// How long a question waits for a connection. An agent that starts for longer goes on starting, for later questions.
const PATIENCE: Duration = Duration::from_mins(2);
/// Between two looks at whether anything still runs while the process ends.
const LOOK: Duration = Duration::from_millis(100);

/// How the connection is.
#[derive(Clone)]
enum Status {
    /// There is none. Counts the attempts that failed, and knows why the last one did.
    Down(u64, Option<Trouble>),
    Up(Arc<Connection>),
}

/// The handle. Dropping it ends the connection.
pub(super) struct Keeper {
    status: watch::Receiver<Status>,
    wanted: Arc<Notify>,
    _alive: DropGuard,
}

impl Keeper {
    /// Begins nothing before the agent is first wanted.
    pub(super) fn new(
        agent: &AgentId,
        dial: Box<dyn Dial>,
        login: Option<String>,
        turns: Arc<Turns>,
        tasks: &Tasks,
    ) -> Self {
        let (sender, status) = watch::channel(Status::Down(0, None));
        let wanted = Arc::new(Notify::new());
        let over = CancellationToken::new();
        let work = Work {
            agent: agent.clone(),
            dial,
            login,
            status: sender,
            wanted: Arc::clone(&wanted),
            attempts: 0,
        };
        let (tasks_too, dropped) = (tasks.clone(), over.clone());
        tasks.spawn(format!("agent {agent}"), async move {
            let end = async move {
                tokio::select! {
                    () = dropped.cancelled() => {}
                    () = idle_at_the_end(&tasks_too, &turns) => {}
                    () = tasks_too.stop().cancelled() => {}
                }
            };
            work.run(end).await;
        });
        Self {
            status,
            wanted,
            _alive: over.drop_guard(),
        }
    }

    /// The connection, if there is one now.
    pub(super) fn current(&self) -> Option<Arc<Connection>> {
        match &*self.status.borrow() {
            Status::Up(connection) if !connection.gate.is_closed() => Some(Arc::clone(connection)),
            _ => None,
        }
    }

    /// Whether there is one; `None` before the first attempt has ended.
    pub(super) fn is_connected(&self) -> Option<bool> {
        match &*self.status.borrow() {
            Status::Up(connection) => Some(!connection.gate.is_closed()),
            Status::Down(_, trouble) => trouble.as_ref().map(|_| false),
        }
    }

    /// The connection; a failed one is tried again for everybody who asks.
    pub(super) async fn connection(&self) -> Result<Arc<Connection>, Trouble> {
        let mut status = self.status.clone();
        // Failures up to here are not this question's.
        let mut failed_before = None;
        let ready = async {
            loop {
                let is_new = match &*status.borrow_and_update() {
                    Status::Up(connection) if !connection.gate.is_closed() => {
                        return Ok(Arc::clone(connection));
                    }
                    Status::Up(_) => false,
                    Status::Down(attempts, trouble) => {
                        let before = *failed_before.get_or_insert(*attempts);
                        if let Some(trouble) = trouble
                            && *attempts > before
                        {
                            return Err(trouble.clone());
                        }
                        true
                    }
                };
                if is_new {
                    self.wanted.notify_one();
                }
                if status.changed().await.is_err() {
                    return Err(Trouble::passing("the agent is being let go"));
                }
            }
        };
        timeout(PATIENCE, ready)
            .await
            .unwrap_or_else(|_| Err(Trouble::starting()))
    }
}

/// While the process ends, agents are kept until nothing runs on them.
async fn idle_at_the_end(tasks: &Tasks, turns: &Turns) {
    tasks.draining().cancelled().await;
    loop {
        // Twice in a row: a question may be between two steps.
        let was_idle = turns.is_idle();
        sleep(LOOK).await;
        if was_idle && turns.is_idle() {
            return;
        }
    }
}

/// The task behind the handle.
struct Work {
    agent: AgentId,
    dial: Box<dyn Dial>,
    /// The method to log the agent in with.
    login: Option<String>,
    status: watch::Sender<Status>,
    wanted: Arc<Notify>,
    attempts: u64,
}

impl Work {
    async fn run(mut self, end: impl Future<Output = ()>) {
        let over = CancellationToken::new();
        let work = async {
            tokio::select! {
                () = self.wanted.notified() => {}
                () = over.cancelled() => return,
            }
            let mut pause = FIRST_PAUSE;
            loop {
                let began = Instant::now();
                let trouble = self.serve(&over).await;
                if over.is_cancelled() {
                    return;
                }
                self.down(&trouble);
                if began.elapsed() >= STEADY {
                    pause = FIRST_PAUSE;
                }
                tokio::select! {
                    () = self.rest(&trouble, pause) => {}
                    () = over.cancelled() => return,
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        };
        let mut work = std::pin::pin!(work);
        tokio::select! {
            () = &mut work => {}
            () = end => {
                over.cancel();
                // Bounded by what ending the other end may take.
                let _ = timeout(2 * FIRST_PAUSE + FIRST_PAUSE, work).await;
            }
        }
    }

    fn down(&mut self, trouble: &Trouble) {
        self.attempts += 1;
        let agent = &self.agent;
        tracing::warn!(agent.id = %agent, error = trouble.detail, "no connection to agent {agent}");
        self.status
            .send_replace(Status::Down(self.attempts, Some(trouble.clone())));
    }

    /// What only the operator can put right is not tried again before somebody asks.
    async fn rest(&self, trouble: &Trouble, pause: Duration) {
        sleep(FIRST_PAUSE.min(pause)).await;
        let more = pause.saturating_sub(FIRST_PAUSE);
        tokio::select! {
            () = sleep(more), if !matches!(trouble.advice, Advice::TellOperator | Advice::LogIn) => {}
            () = self.wanted.notified() => {}
        }
    }

    /// Opens a connection and serves it to its end; returns why it ended.
    async fn serve(&self, over: &CancellationToken) -> Trouble {
        let dialled = tokio::select! {
            dialled = self.dial.dial() => dialled,
            () = over.cancelled() => return Trouble::passing("the agent is being let go"),
        };
        let mut link = match dialled {
            Ok(link) => link,
            Err(trouble) => return trouble,
        };
        let gate = Arc::new(Gate::default());
        let hearing = Arc::new(Hearing::new(Arc::clone(&gate)));
        let (ours, theirs) = Channel::duplex();
        let (failed, mut failure) = oneshot::channel();
        let listener = Arc::clone(&hearing);
        let (main_gate, status, agent) =
            (Arc::clone(&gate), self.status.clone(), self.agent.clone());
        let login = self.login.clone();
        let serving = Client
            .v1()
            .name(env!("CARGO_PKG_NAME"))
            .on_receive_dispatch(
                async move |message: Dispatch<UntypedMessage, UntypedMessage>, _| {
                    listener.take(message)
                },
                agent_client_protocol::on_receive_dispatch!(),
            )
            .connect_with(theirs, async move |wire: ConnectionTo<Agent>| {
                match Connection::introduce(wire, hearing, Arc::clone(&main_gate), login).await {
                    Ok(connection) => {
                        tracing::info!(agent.id = %agent, "agent {agent} is connected");
                        status.send_replace(Status::Up(Arc::new(connection)));
                        main_gate.closed().await;
                    }
                    Err(trouble) => drop(failed.send(trouble)),
                }
                Ok(())
            });
        tokio::select! {
            () = pump::run(&mut link, ours, &gate) => {}
            ended = serving => if let Err(error) = ended {
                gate.close(format!("the protocol failed with the error {}", error.code.value()));
            },
            () = over.cancelled() => gate.close("the agent is being let go"),
        }
        gate.close("it was given up");
        drop(link.outgoing);
        drop(link.incoming);
        link.far_end.end().await;
        failure
            .try_recv()
            .unwrap_or_else(|_| Trouble::passing(gate.reason()))
    }
}
