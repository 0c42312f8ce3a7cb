//! One turn of a conversation: a question to the chat's agent, and what becomes of its answer.

mod named;

use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::timeout;

use self::named::NamedFiles;
use super::{Chat, Locale, manager::context_of};
use crate::{
    core::{
        files::ChatFiles,
        message::{DraftSink, Incoming, Reply},
    },
    platform::{Advice, Agent, AnswerEvent, PlatformError, Prompt, PromptFile, StopReason},
    text::{Failure, markdown},
};

/// An answer longer than this is cut: no chat can show it, and no agent may fill the memory.
const LONGEST_ANSWER: usize = 2 * 1024 * 1024;
/// How long an agent may take to be told to stop.
const CANCEL_PATIENCE: Duration = Duration::from_secs(5);

/// A question on its way to an agent.
pub(crate) struct Turn<'a> {
    pub(crate) agent: &'a Agent,
    pub(crate) chat: &'a Chat,
    pub(crate) incoming: &'a Incoming,
    pub(crate) files: &'a dyn ChatFiles,
    /// `None` where answers do not grow in front of the user.
    pub(crate) drafts: Option<&'a dyn DraftSink>,
    /// The longest the whole turn may take.
    pub(crate) limit: Duration,
}

/// How the agent's words ended.
enum End {
    Stopped(StopReason),
    TooMuch,
    Failed(PlatformError),
    /// The stream ended without saying why.
    Vanished,
}

impl Turn<'_> {
    /// Asks, waits, and says in one reply what came of it: what the agent said, and what went wrong if something did.
    pub(crate) async fn run(&self, locale: Locale) -> Reply {
        let mut said = String::new();
        let mut named = NamedFiles::default();
        let end = timeout(self.limit, self.listen(&mut said, &mut named, locale)).await;
        let failure = match end {
            Ok(End::Stopped(StopReason::EndTurn)) => None,
            Ok(End::Stopped(StopReason::Limit)) => Some(Failure::Cut),
            Ok(End::Stopped(StopReason::Refusal)) => Some(Failure::Refused),
            Ok(End::Stopped(StopReason::Cancelled)) => Some(Failure::Stopped),
            Ok(End::TooMuch) => {
                self.cancel().await;
                Some(Failure::Cut)
            }
            Ok(End::Failed(error)) => {
                self.log(&error.detail);
                Some(Failure::Agent(error.advice))
            }
            Ok(End::Vanished) => {
                self.log("the answer ended without an end");
                Some(Failure::Agent(Advice::TryAgain))
            }
            Err(_) => {
                self.log("the turn took too long");
                self.cancel().await;
                Some(Failure::TooLong(self.limit))
            }
        };
        if failure.is_none() && said.trim().is_empty() && named.has_some() {
            return named.alone(locale);
        }
        named.with(reply(&said, failure, locale), locale)
    }

    async fn listen(&self, said: &mut String, named: &mut NamedFiles, locale: Locale) -> End {
        let prompt = Prompt {
            context: context_of(self.chat),
            question: self.incoming.event.clone(),
            text: self.incoming.text.clone(),
            files: self.take().await,
        };
        let mut answer = match self.agent.client.ask(prompt).await {
            Ok(answer) => answer,
            Err(error) => return End::Failed(error),
        };
        while let Some(event) = answer.next().await {
            match event {
                Ok(AnswerEvent::Text(piece)) => {
                    said.push_str(&piece);
                    if said.len() > LONGEST_ANSWER {
                        said.truncate(said.floor_char_boundary(LONGEST_ANSWER));
                        return End::TooMuch;
                    }
                    self.draft(said);
                }
                Ok(AnswerEvent::ToolStatus(status)) => {
                    let said = markdown::with_fences_closed(said);
                    self.draft(&format!("{said}\n\n*{}*", markdown::escape(&status)));
                }
                Ok(AnswerEvent::Permission(question)) => self.refuse(&question.id).await,
                Ok(AnswerEvent::File(path)) => {
                    named.add(self, &path).await;
                }
                Ok(AnswerEvent::BegunAnew) => {
                    said.insert_str(0, &format!("> {}\n\n", Failure::BegunAnew.text(locale)));
                }
                Ok(AnswerEvent::Done(reason)) => return End::Stopped(reason),
                Err(error) => return End::Failed(error),
            }
        }
        End::Vanished
    }

    /// The files that waited for this question. Where they cannot be looked at, they go on waiting.
    async fn take(&self) -> Vec<PromptFile> {
        let folder = context_of(self.chat).folder;
        match self.files.take(&folder, &self.incoming.event).await {
            Ok(files) => files,
            Err(error) => {
                let (chat, room) = (self.chat.id, &self.chat.room);
                tracing::error!(chat.id = %chat, room.id = %room, error = &error as &dyn std::error::Error,
                    "the files of {chat} cannot be looked at");
                Vec::new()
            }
        }
    }

    fn draft(&self, markdown: &str) {
        if let Some(drafts) = self.drafts {
            drafts.draft(markdown);
        }
    }

    /// Nobody can be asked, and no answer means no.
    async fn refuse(&self, question: &str) {
        let context = context_of(self.chat);
        if let Err(error) = self
            .agent
            .client
            .answer_permission(&context, question, None)
            .await
        {
            self.log(&error.detail);
        }
    }

    async fn cancel(&self) {
        let context = context_of(self.chat);
        match timeout(CANCEL_PATIENCE, self.agent.client.cancel(&context)).await {
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

/// What was said stays, and what went wrong follows it in the same message: one question, one answer.
fn reply(said: &str, failure: Option<Failure>, locale: Locale) -> Reply {
    let is_empty = said.trim().is_empty();
    match failure {
        None if is_empty => Reply::notice(Failure::Empty.text(locale)),
        None => Reply::answer(said.trim_end()),
        Some(failure) if is_empty => Reply::notice(failure.text(locale)),
        Some(failure) => Reply::answer(format!(
            "{}\n\n{}",
            markdown::with_fences_closed(said),
            failure.text(locale)
        )),
    }
}

#[cfg(test)]
mod tests;
