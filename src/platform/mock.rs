//! The embedded agent: answers with an echo that names its context, and fails on request for tests.
//!
//! To try things out: the echo lists the files that came with the question, and `file PATH` sends the file at that path
//! of the workspace back. A message that begins with `ask permission` is answered with a permission question, whose title
//! is the rest of the message; the echo then says what was chosen.

mod permission;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use self::permission::Decisions;
use super::{
    Abilities, Advice, AnswerEvent, AnswerStream, ContextInfo, ContextRef, PlatformClient,
    PlatformError, Prompt, PromptFile, Saved, StopReason,
};
use crate::core::ids::{AgentId, PlatformChatId};

/// Between two pieces of an echo, so that it can be seen growing.
const PAUSE: Duration = Duration::from_millis(30);
/// An echo comes in at most so many pieces: a long question is not answered for minutes.
const MOST_PIECES: usize = 100;

/// What the agent does when it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Script {
    /// Repeats the question.
    Echo,
    /// Streams these events and ends the turn. After each permission question it waits for the decision.
    Events(Vec<AnswerEvent>),
    /// Fails before it says anything.
    Fail(Advice),
    /// Says this, then fails.
    FailAfter(String, Advice),
    /// Says this, then nothing more, until it is cancelled.
    HangAfter(String),
    /// Says this, and its stream ends without [`AnswerEvent::Done`].
    VanishAfter(String),
}

/// The agent. It remembers how many messages it saw in a context, as long as the process lives.
pub struct MockAgent {
    id: AgentId,
    script: Script,
    pause: Duration,
    contexts: Mutex<HashMap<PlatformChatId, Seen>>,
}

/// What is remembered of one context.
#[derive(Default)]
struct Seen {
    messages: u64,
    running: CancellationToken,
    decisions: watch::Sender<Decisions>,
}

impl MockAgent {
    /// An agent that echoes.
    pub fn new(id: AgentId) -> Self {
        Self {
            pause: PAUSE,
            ..Self::scripted(id, Script::Echo)
        }
    }

    /// An agent that follows a script, without pauses.
    pub fn scripted(id: AgentId, script: Script) -> Self {
        Self {
            id,
            script,
            pause: Duration::ZERO,
            contexts: Mutex::default(),
        }
    }

    /// With another pause between the pieces; zero for none.
    #[must_use]
    pub fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    fn contexts(&self) -> MutexGuard<'_, HashMap<PlatformChatId, Seen>> {
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, detail: &str, advice: Advice) -> PlatformError {
        PlatformError {
            agent: self.id.clone(),
            detail: detail.to_owned(),
            advice,
        }
    }

    /// What the stream will say, and whether it hangs after that.
    fn steps(&self, prompt: &Prompt) -> Result<Steps, PlatformError> {
        let scripted = |advice| self.error("scripted failure", advice);
        let done = Ok(AnswerEvent::Done(StopReason::EndTurn));
        let (mut steps, last) = match &self.script {
            Script::Echo => {
                let context = prompt.context.context.short();
                let echo = format!("Echo (context {context}): {}", prompt.text);
                let mut steps = permission::steps(&prompt.text)
                    .unwrap_or_else(|| pieces(&format!("{echo}{}", listed(&prompt.files))));
                if let Some(path) = prompt.text.strip_prefix("file ") {
                    let file = AnswerEvent::File(path.trim().to_owned());
                    steps.push_back(Step::Say(Ok(file)));
                }
                (steps, Some(done))
            }
            Script::Events(events) => (permission::with_pauses(events), Some(done)),
            Script::Fail(advice) => return Err(scripted(*advice)),
            Script::FailAfter(said, advice) => (pieces(said), Some(Err(scripted(*advice)))),
            Script::HangAfter(said) | Script::VanishAfter(said) => (pieces(said), None),
        };
        steps.extend(last.map(Step::Say));
        Ok(steps)
    }
}

/// What is still to be done.
type Steps = VecDeque<Step>;

/// One step of an answer.
enum Step {
    /// Says this.
    Say(Result<AnswerEvent, PlatformError>),
    /// Waits for the decision on this question.
    Wait(String),
    /// Waits for the decision on this question, and says what it was.
    Repeat(String),
}

/// An answer on its way.
struct Speech {
    steps: Steps,
    hangs: bool,
    pause: Duration,
    running: CancellationToken,
    decisions: watch::Receiver<Decisions>,
    over: bool,
}

impl Speech {
    async fn next(mut self) -> Option<(Result<AnswerEvent, PlatformError>, Self)> {
        if self.over {
            return None;
        }
        let running = self.running.clone();
        let step = tokio::select! {
            biased;
            () = running.cancelled() => Some(Ok(AnswerEvent::Done(StopReason::Cancelled))),
            step = self.step() => step,
        }?;
        self.over = matches!(step, Ok(AnswerEvent::Done(_)) | Err(_));
        Some((step, self))
    }

    async fn step(&mut self) -> Option<Result<AnswerEvent, PlatformError>> {
        if !self.pause.is_zero() {
            sleep(self.pause).await;
        }
        loop {
            match self.steps.pop_front() {
                None if self.hangs => std::future::pending().await,
                None => return None,
                Some(Step::Say(event)) => return Some(event),
                Some(Step::Wait(question)) => {
                    permission::decided(&mut self.decisions, &question).await;
                }
                Some(Step::Repeat(question)) => {
                    let decision = permission::decided(&mut self.decisions, &question).await;
                    return Some(Ok(permission::repeated(decision)));
                }
            }
        }
    }
}

/// The files that came with the question; nothing where none did.
fn listed(files: &[PromptFile]) -> String {
    if files.is_empty() {
        return String::new();
    }
    let paths: Vec<String> = files
        .iter()
        .map(|file| format!("`{}`", file.path))
        .collect();
    format!("\n\nFiles: {}", paths.join(", "))
}

/// The text word by word, or several words at a time where it is long.
fn pieces(text: &str) -> Steps {
    let words: Vec<&str> = text.split_inclusive(char::is_whitespace).collect();
    words
        .chunks(words.len().div_ceil(MOST_PIECES).max(1))
        .map(|chunk| Step::Say(Ok(AnswerEvent::Text(chunk.concat()))))
        .collect()
}

#[async_trait]
impl PlatformClient for MockAgent {
    fn abilities(&self) -> Abilities {
        Abilities {
            save: true,
            cancel: true,
        }
    }

    async fn ask(&self, prompt: Prompt) -> Result<AnswerStream, PlatformError> {
        let steps = self.steps(&prompt)?;
        let running = CancellationToken::new();
        let (decide, decisions) = watch::channel(Decisions::default());
        {
            let mut contexts = self.contexts();
            let seen = contexts.entry(prompt.context.context).or_default();
            seen.messages += 1;
            seen.running = running.clone();
            seen.decisions = decide;
        }
        let speech = Speech {
            steps,
            hangs: matches!(self.script, Script::HangAfter(_)),
            pause: self.pause,
            running,
            decisions,
            over: false,
        };
        Ok(stream::unfold(speech, Speech::next).boxed())
    }

    async fn answer_permission(
        &self,
        context: &ContextRef,
        question: &str,
        option: Option<&str>,
    ) -> Result<(), PlatformError> {
        if let Some(seen) = self.contexts().get(&context.context) {
            seen.decisions.send_modify(|decisions| {
                decisions.insert(question.to_owned(), option.map(str::to_owned));
            });
        }
        Ok(())
    }

    async fn cancel(&self, context: &ContextRef) -> Result<(), PlatformError> {
        if let Some(seen) = self.contexts().get(&context.context) {
            seen.running.cancel();
        }
        Ok(())
    }

    async fn disconnect(&self, context: &ContextRef) -> Result<(), PlatformError> {
        if let Some(seen) = self.contexts().remove(&context.context) {
            seen.running.cancel();
        }
        Ok(())
    }

    async fn save(
        &self,
        context: &ContextRef,
        _kept: PlatformChatId,
    ) -> Result<Option<String>, PlatformError> {
        let contexts = self.contexts();
        let seen = contexts.get(&context.context);
        // The note holds all there is to keep, so that nothing is lost with this process.
        Ok(Some(seen.map_or(0, |seen| seen.messages).to_string()))
    }

    async fn load(&self, context: &ContextRef, saved: &Saved) -> Result<(), PlatformError> {
        let note = saved.note.as_deref().and_then(|note| note.parse().ok());
        let messages =
            note.ok_or_else(|| self.error("no such kept context", Advice::TellOperator))?;
        self.contexts().entry(context.context).or_default().messages = messages;
        Ok(())
    }

    async fn context_info(&self, context: &ContextRef) -> Result<ContextInfo, PlatformError> {
        let contexts = self.contexts();
        let messages = contexts
            .get(&context.context)
            .map_or(0, |seen| seen.messages);
        Ok(ContextInfo {
            messages: Some(messages),
            tokens: None,
        })
    }

    async fn health(&self) -> Result<(), PlatformError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
