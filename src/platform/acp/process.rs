//! An agent as a child process: in a process group of its own, with an environment of its own, and never left behind.

use std::{collections::BTreeMap, io, path::PathBuf, process::Stdio, time::Duration};

use async_trait::async_trait;
use futures_util::{SinkExt, StreamExt, future};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::{
    lines,
    link::{Dial, FarEnd, Incoming, Link, Outgoing},
    trouble::{Trouble, one_line},
};
use crate::{
    config::Secret, core::ids::AgentId, lifecycle::Tasks, platform::error_output::ErrorOutput,
};

/// How long a process may take to end after its input was closed and it was asked to.
const KINDLY: Duration = Duration::from_secs(1);
/// The longest line of its error output that is logged.
const LONGEST_COMPLAINT: usize = 500;

/// How the process is started.
pub(super) struct Process {
    pub(super) agent: AgentId,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    /// All that it finds in its environment.
    pub(super) environment: BTreeMap<String, Secret>,
    /// Where it starts; left as it is where there is no such folder.
    pub(super) folder: PathBuf,
    pub(super) tasks: Tasks,
}

#[async_trait]
impl Dial for Process {
    async fn dial(&self) -> Result<Link, Trouble> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(
                self.environment
                    .iter()
                    .map(|(name, value)| (name, value.expose())),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if self.folder.is_dir() {
            command.current_dir(&self.folder);
        }
        let mut child = command.spawn().map_err(|error| {
            Trouble::lasting(format!(
                "{} cannot be started: {error}",
                self.program.display()
            ))
        })?;
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Trouble::passing("the process has no pipes"));
        };
        let (agent, stop) = (self.agent.clone(), self.tasks.stop().clone());
        let error_output = ErrorOutput::default();
        let to_log = error_output.clone();
        self.tasks
            .spawn(format!("error output of {agent}"), async move {
                tokio::select! {
                    () = log_complaints(agent, errors, to_log) => {}
                    () = stop.cancelled() => {}
                }
            });
        Ok(Link {
            incoming: lines::read(BufReader::with_capacity(64 * 1024, output)).boxed(),
            outgoing: Box::pin(lines::write(input).with(move |outgoing: Outgoing| {
                if let Outgoing::Message(message) = &outgoing {
                    error_output.before(message);
                }
                future::ready(Ok::<_, io::Error>(outgoing))
            })),
            has_pulse: false,
            far_end: Box::new(Group::of(child)),
        })
    }
}

/// Ends with the process: its end of the pipe is closed when the whole group is gone.
async fn log_complaints(
    agent: AgentId,
    errors: impl AsyncRead + Unpin + Send,
    error_output: ErrorOutput,
) {
    let mut lines = Box::pin(lines::read(BufReader::new(errors)));
    let mut held_back = 0_u64;
    while let Some(Ok(Incoming::Message(line))) = lines.next().await {
        if !error_output.may_be_logged() {
            held_back += 1;
            continue;
        }
        let line = one_line(&line, LONGEST_COMPLAINT);
        if !line.is_empty() {
            tracing::debug!(agent.id = %agent, line, "{agent} wrote to its error output");
        }
    }
    if held_back > 0 {
        tracing::debug!(agent.id = %agent, lines = held_back,
            "lines of {agent}'s error output were not logged: they may repeat what people said");
    }
}

/// The process and all its children.
struct Group {
    child: Child,
    /// `None` once the group was ended.
    leader: Option<Pid>,
}

impl Group {
    fn of(child: Child) -> Self {
        let leader = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        Self { child, leader }
    }

    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // A group whose last process is gone is no trouble: that is what was wanted.
            let _ = kill_process_group(leader, signal);
        }
    }
}

#[async_trait]
impl FarEnd for Group {
    /// A child of the process may hold its output open for ever.
    async fn gone(&mut self) {
        let _ = self.child.wait().await;
    }

    async fn end(&mut self) {
        self.signal(Signal::TERM);
        // The leader's end is not the group's: whoever stays behind is ended with the group.
        let _ = timeout(KINDLY, self.child.wait()).await;
        self.signal(Signal::KILL);
        self.leader = None;
        if timeout(KINDLY, self.child.wait()).await.is_err() {
            tracing::warn!("an agent's process cannot be ended; it is left to the system");
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

#[cfg(test)]
mod tests;
