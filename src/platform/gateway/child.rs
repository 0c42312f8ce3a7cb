//! A command as an agent: one child process per connection, lines on its standard input and output.
//!
//! A child is the leader of a process group of its own, and the whole group is gone when the conversation is over. Only
//! a process that leaves the group on purpose gets away.

use std::{
    convert::Infallible,
    io,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use async_trait::async_trait;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncWriteExt, BufReader},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    sync::mpsc,
    time::timeout,
};
use tracing::{debug, warn};

use super::{
    Conversation, Farewell, ServedAgent,
    lines::{Line, Lines},
};
use crate::platform::error_output::ErrorOutput;

/// How long a child may take to end after the end of its input, and again after SIGTERM.
const POLITE: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// How long the end of a child and the end of its output may lie apart.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// What is logged of a line on standard error, in bytes.
const LOGGED: usize = 500;

/// A command that speaks ACP on its standard input and output.
#[derive(Clone, Debug)]
pub struct ChildAgent {
    /// The program, as it is typed.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables of this process that the child is not to see.
    pub hidden: Vec<String>,
    /// The longest line it may write.
    pub longest_line: usize,
}

#[async_trait]
impl ServedAgent for ChildAgent {
    async fn converse(&self, conversation: Conversation) -> Farewell {
        let Conversation {
            incoming,
            outgoing,
            over,
        } = conversation;
        let mut running = match self.start() {
            Ok(running) => running,
            Err(error) => {
                warn!(error = %error, "the agent's command cannot be started: {error}");
                return Farewell::failed("the agent's command cannot be started");
            }
        };
        let error_output = ErrorOutput::default();
        let farewell = {
            let listening = listen(running.output, &outgoing, self.longest_line);
            tokio::pin!(listening);
            tokio::select! {
                () = over.cancelled() => Farewell::client_gone(),
                farewell = feed(incoming, running.input, &error_output) => farewell,
                never = log_errors(running.errors, &error_output) => match never {},
                heard = &mut listening => match heard {
                    Some(farewell) => farewell,
                    None => match timeout(LAST_MOMENT, running.child.wait()).await {
                        Ok(status) => last_words(&status),
                        Err(_) => Farewell::failed("the agent closed its output"),
                    },
                },
                status = running.child.wait() => {
                    // What it wrote before is still on its way.
                    let _late = timeout(LAST_MOMENT, listening).await;
                    last_words(&status)
                }
            }
        };
        running.group.end(&mut running.child).await;
        farewell
    }
}

struct Running {
    child: Child,
    group: Group,
    input: ChildStdin,
    output: ChildStdout,
    errors: ChildStderr,
}

impl ChildAgent {
    fn start(&self) -> io::Result<Running> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        for name in &self.hidden {
            command.env_remove(name);
        }
        let mut child = command.spawn()?;
        let missing = || io::Error::other("the child has no pipes");
        Ok(Running {
            group: Group::of(&child).ok_or_else(missing)?,
            input: child.stdin.take().ok_or_else(missing)?,
            output: child.stdout.take().ok_or_else(missing)?,
            errors: child.stderr.take().ok_or_else(missing)?,
            child,
        })
    }
}

/// Writes the client's messages to the child, one a line, until there are no more.
async fn feed(
    mut incoming: mpsc::Receiver<String>,
    mut input: ChildStdin,
    error_output: &ErrorOutput,
) -> Farewell {
    while let Some(message) = incoming.recv().await {
        error_output.before(&message);
        // Inside of JSON texts line breaks are escaped: those that are left only lay the message out.
        let mut line = message.replace(['\n', '\r'], " ");
        line.push('\n');
        if input.write_all(line.as_bytes()).await.is_err() {
            // It reads no more. What it still says, and its end, are seen by those who listen to it.
            std::future::pending::<()>().await;
        }
    }
    Farewell::client_gone()
}

fn last_words(status: &io::Result<ExitStatus>) -> Farewell {
    match status {
        Ok(status) if status.success() => Farewell::agent_done(),
        Ok(status) => Farewell::failed(format!("the agent ended: {status}")),
        Err(_) => Farewell::failed("the agent ended"),
    }
}

/// Hands on what the child writes. `None` at the end of its output.
async fn listen(
    output: ChildStdout,
    outgoing: &mpsc::Sender<String>,
    limit: usize,
) -> Option<Farewell> {
    let mut lines = Lines::new(BufReader::new(output), limit);
    loop {
        match lines.next().await {
            Ok(Some(Line::Text(text))) if text.trim().is_empty() => {}
            Ok(Some(Line::Text(text))) => {
                if outgoing.send(text).await.is_err() {
                    return Some(Farewell::client_gone());
                }
            }
            Ok(Some(Line::NotText)) => warn!("the agent wrote a line that is not UTF-8: dropped"),
            Ok(Some(Line::TooLong)) => return Some(Farewell::too_long(limit)),
            Ok(None) | Err(_) => return None,
        }
    }
}

/// Logs what the child writes to its standard error, for those who look closely, until it may repeat what people said.
/// Ends never: a child may close it and go on.
async fn log_errors(errors: ChildStderr, error_output: &ErrorOutput) -> Infallible {
    let mut lines = Lines::new(BufReader::new(errors), LOGGED);
    while let Ok(Some(line)) = lines.next().await {
        match line {
            _ if !error_output.may_be_logged() => {}
            Line::Text(text) => debug!("the agent's standard error: {text}"),
            Line::NotText | Line::TooLong => debug!("the agent's standard error: a long line"),
        }
    }
    std::future::pending().await
}

/// A child's process group. Killed when it is dropped, if it has not ended before.
#[derive(Debug)]
struct Group {
    leader: Option<Pid>,
}

impl Group {
    fn of(child: &Child) -> Option<Self> {
        let leader = Pid::from_raw(i32::try_from(child.id()?).ok()?)?;
        Some(Self {
            leader: Some(leader),
        })
    }

    /// Ends all of it: the end of input has been given, then SIGTERM, then SIGKILL.
    async fn end(&mut self, child: &mut Child) {
        let [after_input, after_signal] = POLITE;
        if timeout(after_input, child.wait()).await.is_err() {
            self.signal(Signal::TERM);
            let _still_there = timeout(after_signal, child.wait()).await;
        }
        // What the leader left behind, or all of it.
        self.signal(Signal::KILL);
        self.leader = None;
        if let Err(error) = child.wait().await {
            warn!(error = %error, "a child could not be waited for: {error}");
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // An error means that nobody is left.
            let _gone = kill_process_group(leader, signal);
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
