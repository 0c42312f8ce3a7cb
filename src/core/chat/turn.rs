//! One turn of a conversation: a question to the chat's agent, and what becomes of its answer.

mod asking;
mod named;

use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use self::{
    asking::{Asking, is_too_long},
    named::NamedFiles,
};
use super::{
    Chat, Locale,
    earlier::Referred,
    manager::context_of,
    permission::{Person, Verdict},
};
use crate::{
    core::{
        files::ChatFiles,
        message::{DraftSink, Incoming, Reply},
    },
    platform::{
        Advice, Agent, AnswerEvent, AnswerStream, LONGEST_ANSWER, PermissionQuestion,
        PlatformError, Prompt, PromptFile, StopReason,
    },
    text::{Failure, markdown},
};

/// How long an agent may take to hear that it is to stop, or what the person decided.
const AGENT_PATIENCE: Duration = Duration::from_secs(5);

/// A question on its way to an agent.
pub(crate) struct Turn<'a> {
    pub(crate) agent: &'a Agent,
    pub(crate) chat: &'a Chat,
    pub(crate) incoming: &'a Incoming,
    /// What the question refers to.
    pub(crate) referred: Referred,
    pub(crate) files: &'a dyn ChatFiles,
    /// `None` where answers do not grow in front of the user.
    pub(crate) drafts: Option<&'a dyn DraftSink>,
    /// The longest the whole turn may take, but for the time in which it waits for the person.
    pub(crate) limit: Duration,
    /// Who is asked where the agent leaves something to the person.
    pub(crate) person: &'a dyn Person,
    /// Cancelled when the person stops the answer.
    pub(crate) stop: CancellationToken,
}

/// How the agent's words ended.
enum End {
    Stopped(StopReason),
    TooMuch,
    TooLong,
    Failed(PlatformError),
    /// The stream ended without saying why.
    Vanished,
    /// The person stopped it.
    StoppedByPerson,
}

impl Turn<'_> {
    /// Asks, waits, and says in one reply what came of it: what the agent said, and what went wrong if something did.
    pub(crate) async fn run(&self, locale: Locale) -> Reply {
        let mut said = String::new();
        let mut named = NamedFiles::default();
        let end = self.listen(&mut said, &mut named, locale).await;
        self.person.let_go(&self.incoming.event).await;
        let failure = match end {
            End::Stopped(StopReason::EndTurn) => None,
            End::Stopped(StopReason::Limit) => Some(Failure::Cut),
            End::Stopped(StopReason::Refusal) => Some(Failure::Refused),
            End::Stopped(StopReason::Cancelled) | End::StoppedByPerson => Some(Failure::Stopped),
            End::TooMuch => {
                self.cancel().await;
                Some(Failure::Cut)
            }
            End::Failed(error) => {
                self.log(&error.detail);
                Some(failed(&said, error.advice, locale))
            }
            End::Vanished => {
                self.log("the answer ended without an end");
                Some(failed(&said, Advice::TryAgain, locale))
            }
            End::TooLong => {
                self.log("the turn took too long");
                self.cancel().await;
                Some(Failure::TooLong(self.limit))
            }
        };
        if failure.is_none() && named.has_some() && !has_words(&said, locale) {
            let said = said.trim_end();
            return if said.is_empty() {
                named.alone(locale)
            } else {
                named.with(Reply::answer(said), locale)
            };
        }
        named.with(reply(&said, failure, locale), locale)
    }

    async fn listen(&self, said: &mut String, named: &mut NamedFiles, locale: Locale) -> End {
        if self.stop.is_cancelled() {
            return End::StoppedByPerson;
        }
        let begun = Instant::now();
        let prompt = self.prompt().await;
        let mut answer = tokio::select! {
            biased;
            () = self.stop.cancelled() => return End::StoppedByPerson,
            asked = timeout(self.limit, self.agent.client.ask(prompt)) => match asked {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) => return End::Failed(error),
                Err(_) => return End::TooLong,
            },
        };
        let mut left = self.limit.saturating_sub(begun.elapsed());
        let mut asking = Asking::new(self, locale);
        loop {
            let (begun, waits) = (Instant::now(), asking.is_open());
            if left.is_zero() && !waits {
                return End::TooLong;
            }
            let event = tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    self.stop_now(answer).await;
                    return End::StoppedByPerson;
                }
                (question, verdict) = asking.decided(), if waits => {
                    self.pass_on(&question, verdict).await;
                    continue;
                }
                event = answer.next() => event,
                () = sleep(left), if !waits => return End::TooLong,
            };
            if !waits {
                left = left.saturating_sub(begun.elapsed());
            }
            let end = match event {
                None => Some(End::Vanished),
                Some(Err(error)) => Some(End::Failed(error)),
                Some(Ok(AnswerEvent::Permission(question))) => {
                    if let Some(question) = asking.put(question) {
                        if is_too_long(&question) {
                            named.not_asked();
                        }
                        self.pass_on(&question, Verdict::Refused).await;
                    }
                    None
                }
                Some(Ok(AnswerEvent::File(path))) => {
                    named.add(self, &path).await;
                    None
                }
                Some(Ok(AnswerEvent::NotShown(media))) => {
                    named.not_shown(media);
                    None
                }
                Some(Ok(event)) => self.take_in(event, said, locale),
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    async fn prompt(&self) -> Prompt {
        Prompt {
            context: context_of(self.chat),
            question: self.incoming.event.clone(),
            text: self.text(),
            files: self.take().await,
        }
    }

    /// The question, behind what it refers to.
    fn text(&self) -> String {
        let question = self.incoming.text.as_str();
        match self.referred.quote.as_str() {
            "" => question.to_owned(),
            quote => format!("{quote}\n\n{question}"),
        }
    }

    /// A piece of the answer; tells how the answer ended, if it did.
    fn take_in(&self, event: AnswerEvent, said: &mut String, locale: Locale) -> Option<End> {
        match event {
            AnswerEvent::Text(piece) => {
                said.push_str(&piece);
                if said.len() > LONGEST_ANSWER {
                    said.truncate(said.floor_char_boundary(LONGEST_ANSWER));
                    return Some(End::TooMuch);
                }
                self.draft(said);
            }
            AnswerEvent::ToolStatus(status) => {
                if let Some(drafts) = self.drafts {
                    drafts.status(&status);
                }
            }
            AnswerEvent::Retracted => {
                let begun = begun_anew(locale);
                let kept = if said.starts_with(&begun) {
                    begun.len()
                } else {
                    0
                };
                said.truncate(kept);
            }
            AnswerEvent::BegunAnew => {
                said.insert_str(0, &begun_anew(locale));
            }
            AnswerEvent::Done(reason) => return Some(End::Stopped(reason)),
            // Taken care of before they come here.
            AnswerEvent::Permission(_) | AnswerEvent::File(_) | AnswerEvent::NotShown(_) => {}
        }
        None
    }

    /// The file that the question refers to, and those that waited for it. Where they cannot be looked at, they go on waiting.
    async fn take(&self) -> Vec<PromptFile> {
        let folder = context_of(self.chat).folder;
        let taken = match self.files.take(&folder, &self.incoming.event).await {
            Ok(files) => files,
            Err(error) => {
                let (chat, room) = (self.chat.id, &self.chat.room);
                tracing::error!(chat.id = %chat, room.id = %room, error = &error as &dyn std::error::Error,
                    "the files of {chat} cannot be looked at");
                Vec::new()
            }
        };
        let referred = self.referred.file.clone();
        let referred = referred.filter(|file| taken.iter().all(|taken| taken.path != file.path));
        referred.into_iter().chain(taken).collect()
    }

    fn draft(&self, markdown: &str) {
        if let Some(drafts) = self.drafts {
            drafts.draft(markdown);
        }
    }

    /// Tells the agent what the person decided. No answer means no.
    async fn pass_on(&self, question: &PermissionQuestion, verdict: Verdict) {
        let option = match verdict {
            Verdict::Chosen(index) => question.options.get(index).map(|option| option.id.as_str()),
            Verdict::Refused | Verdict::TimedOut | Verdict::Withdrawn => None,
        };
        let context = context_of(self.chat);
        let told = self
            .agent
            .client
            .answer_permission(&context, &question.id, option);
        match timeout(AGENT_PATIENCE, told).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.log(&error.detail),
            Err(_) => self.log("no answer to a permission"),
        }
    }

    /// Tells the agent to stop, and hears what it still says, so that nothing of it runs into the next answer.
    async fn stop_now(&self, answer: AnswerStream) {
        if !self.agent.client.abilities().cancel {
            return;
        }
        self.cancel().await;
        let rest = answer
            .take_while(|event| {
                std::future::ready(
                    matches!(event, Ok(event) if !matches!(event, AnswerEvent::Done(_))),
                )
            })
            .for_each(|_| std::future::ready(()));
        // One that does not come to an end is left behind.
        let _ = timeout(AGENT_PATIENCE, rest).await;
    }

    async fn cancel(&self) {
        let context = context_of(self.chat);
        match timeout(AGENT_PATIENCE, self.agent.client.cancel(&context)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.log(&error.detail),
            Err(_) => self.log("no answer to being cancelled"),
        }
    }

    fn log(&self, problem: &str) {
        let (agent, chat) = (&self.agent.id, self.chat.id);
        tracing::warn!(
            agent.id = %agent, chat.id = %chat, room.id = %self.chat.room, event.id = %self.incoming.event,
            error = problem, "agent {agent} failed in {chat}"
        );
    }
}

/// The line before an answer whose agent lost what was said before.
fn begun_anew(locale: Locale) -> String {
    format!("> {}\n\n", Failure::BegunAnew.text(locale))
}

/// Whether the agent itself has said anything.
fn has_words(said: &str, locale: Locale) -> bool {
    let words = said.strip_prefix(&begun_anew(locale)).unwrap_or(said);
    !words.trim().is_empty()
}

/// An agent that failed before its first word did not answer; after it, the answer broke off.
fn failed(said: &str, advice: Advice, locale: Locale) -> Failure {
    if has_words(said, locale) {
        Failure::BrokeOff(advice)
    } else {
        Failure::Agent(advice)
    }
}

/// What was said stays, and what went wrong follows it in the same message: one question, one answer.
fn reply(said: &str, failure: Option<Failure>, locale: Locale) -> Reply {
    let is_failure = failure.as_ref().is_some_and(Failure::is_of_the_agent);
    let failure = failure.or_else(|| (!has_words(said, locale)).then_some(Failure::Empty));
    let reply = match failure {
        None => Reply::answer(said.trim_end()),
        Some(failure) if said.trim().is_empty() => Reply::notice(failure.text(locale)),
        Some(failure) => Reply::answer(format!(
            "{}\n\n{}",
            markdown::with_fences_closed(said),
            failure.text(locale)
        )),
    };
    reply.failed(is_failure)
}

#[cfg(test)]
mod tests;
