//! The seam to agents of any kind: one trait, one file or folder per implementation.
//!
//! Knows chats only by their context ([`PlatformChatId`]); knows nothing of rooms, Matrix or SQL.

pub mod acp;
mod error_output;
pub mod gateway;
mod links;
pub mod mock;
pub mod openai;
pub mod reference;
pub mod routed;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::core::ids::{AgentId, ChatId, EventKey, PlatformChatId, RoomKey, UserKey};

/// The longest answer that a chat takes, in bytes. What comes after that is not read, and no agent may fill the memory.
pub const LONGEST_ANSWER: usize = 2 * 1024 * 1024;

/// Which conversation of which user a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextRef {
    /// The owner.
    pub user: UserKey,
    /// The chat, for agents that show it.
    pub chat: ChatId,
    /// What the agent remembers the conversation by.
    pub context: PlatformChatId,
    /// How often the chat's context was rotated.
    pub generation: u32,
    /// Where the conversation is held: a kind that lost its memory may have the history read back from there.
    pub room: RoomKey,
    /// The chat's own folder, relative to the workspace. Files of other chats are none of the agent's business.
    pub folder: String,
}

/// A file of the workspace that goes with a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptFile {
    /// Relative to the workspace.
    pub path: String,
    /// What the person called it.
    pub name: String,
    /// Its media type, as far as it is known.
    pub mime: Option<String>,
    /// In bytes.
    pub size: u64,
}

/// One question to an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The conversation.
    pub context: ContextRef,
    /// The question's own id: an agent that is asked twice with the same id after a crash may know it.
    pub question: EventKey,
    /// What the person said.
    pub text: String,
    /// The files that go with it.
    pub files: Vec<PromptFile>,
}

/// A piece of an answer as it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerEvent {
    /// More text, to be appended.
    Text(String),
    /// What the agent's tool does now, in a few words. Replaces the one before.
    ToolStatus(String),
    /// A file that belongs to the answer: relative to the workspace, or as the agent named it where it is not in the
    /// workspace. Whoever sends it checks where it leads.
    File(String),
    /// The text so far is no part of the answer (it was reasoning). What follows takes its place.
    Retracted,
    /// The agent gave something that a chat cannot show yet.
    NotShown(Media),
    /// The agent does not remember what was said before: a session was lost and another one begun.
    BegunAnew,
    /// The agent asks before it goes on; answered through [`PlatformClient::answer_permission`].
    Permission(PermissionQuestion),
    /// The turn is over. Nothing follows.
    Done(StopReason),
}

/// What an agent gives that is neither text nor a file of the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Media {
    /// A picture.
    Picture,
    /// A recording.
    Sound,
    /// Of a kind that is not known here.
    Other,
}

/// Why a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The answer is whole.
    EndTurn,
    /// A limit of the agent cut it.
    Limit,
    /// The agent would not answer.
    Refusal,
    /// It was cancelled.
    Cancelled,
}

/// A choice the agent leaves to the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionQuestion {
    /// Names the question towards the agent.
    pub id: String,
    /// What is asked: in the first line what the tool is, and in any further lines what it would do. Never cut: nobody
    /// may be asked to allow what they cannot read.
    pub title: String,
    /// The options, in the agent's order.
    pub options: Vec<PermissionOption>,
}

/// One way to answer a [`PermissionQuestion`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionOption {
    /// Names the option towards the agent.
    pub id: String,
    /// What the person reads.
    pub label: String,
    /// What choosing it means, so that "yes" and "no" can be understood.
    pub meaning: PermissionMeaning,
}

/// What an option means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermissionMeaning {
    /// Go on, this once.
    Allow,
    /// Go on, and do not ask again.
    AllowAlways,
    /// Do not.
    Reject,
    /// Do not, and do not ask again.
    RejectAlways,
}

/// A context that was kept under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Names what is kept.
    pub context: PlatformChatId,
    /// What [`PlatformClient::save`] returned.
    pub note: Option<String>,
    /// The chat's room at that time.
    pub room: RoomKey,
    /// The message that asked for it: what is kept goes up to there.
    pub until: EventKey,
}

/// What the agent tells about a context. `None` where the kind cannot tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextInfo {
    /// Messages remembered.
    pub messages: Option<u64>,
    /// Tokens in use.
    pub tokens: Option<u64>,
}

/// What a caller does about a failed agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// The same question may work in a moment.
    TryAgain,
    /// The agent takes no more questions for so long.
    TryAgainIn(Duration),
    /// The conversation has grown too long for the agent.
    BeginAnew,
    /// It will not work until the operator changes something.
    TellOperator,
    /// It will not work until the operator logs the agent in.
    LogIn,
    /// The agent has been started, and is not ready yet.
    StillStarting,
    /// Another chat continues the same kept context, and this kind of agent cannot copy it.
    HeldElsewhere,
    /// This kind of agent cannot do that.
    CannotDo,
}

/// An agent failed. The detail is for the log; the chat shows only the advice.
#[derive(Debug, thiserror::Error)]
#[error("agent {agent} failed: {detail}")]
pub struct PlatformError {
    /// Which agent.
    pub agent: AgentId,
    /// What happened, for operators.
    pub detail: String,
    /// Whether to ask again.
    pub advice: Advice,
}

/// Why an agent does not work, for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub remedy: String,
}

impl From<PlatformError> for Diagnosis {
    fn from(error: PlatformError) -> Self {
        let remedy = match error.advice {
            Advice::TryAgain | Advice::TryAgainIn(_) => "it may be back in a moment; check again",
            Advice::LogIn => {
                "log it in where it runs, as the user it runs as; or choose one of its login methods with auth in its \
                 entry of the agent registry"
            }
            Advice::StillStarting => {
                "the first start may download much: start its command once by hand, then check again"
            }
            Advice::TellOperator | Advice::BeginAnew | Advice::HeldElsewhere | Advice::CannotDo => {
                "see its entry in the agent registry"
            }
        };
        Self {
            found: error.detail,
            remedy: remedy.to_owned(),
        }
    }
}

/// What a kind of agent can do beyond answering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// A context can be kept under a name and continued.
    pub save: bool,
    /// A running answer can be stopped.
    pub cancel: bool,
}

/// An answer while it is made.
pub type AnswerStream = BoxStream<'static, Result<AnswerEvent, PlatformError>>;

/// One agent. Implementations are shared by all chats and must keep contexts apart.
#[async_trait]
pub trait PlatformClient: Send + Sync {
    /// What this kind can do.
    fn abilities(&self) -> Abilities;
    /// Asks; the stream ends with [`AnswerEvent::Done`] or an error.
    async fn ask(&self, prompt: Prompt) -> Result<AnswerStream, PlatformError>;
    /// Answers a permission question; `None` refuses.
    async fn answer_permission(
        &self,
        context: &ContextRef,
        question: &str,
        option: Option<&str>,
    ) -> Result<(), PlatformError>;
    /// Ends the running answer of this context, if there is one.
    async fn cancel(&self, context: &ContextRef) -> Result<(), PlatformError>;
    /// Lets go of the upstream session; the context is not continued.
    async fn disconnect(&self, context: &ContextRef) -> Result<(), PlatformError>;
    /// Keeps the context as it is now, so that it can be continued later as `kept`; may be repeated. Returns what
    /// [`PlatformClient::load`] is to be told, should all memory of it be lost here.
    async fn save(
        &self,
        context: &ContextRef,
        kept: PlatformChatId,
    ) -> Result<Option<String>, PlatformError>;
    /// Makes `context`, a new one, continue what was kept; may be repeated.
    async fn load(&self, context: &ContextRef, saved: &Saved) -> Result<(), PlatformError>;
    /// What the agent tells about the context.
    async fn context_info(&self, context: &ContextRef) -> Result<ContextInfo, PlatformError>;
    /// Whether the agent can be reached.
    async fn health(&self) -> Result<(), PlatformError>;
    /// Looks more closely, for `doctor`: the agent may be started for it, or answer one token. Says what holds, in words
    /// that follow the agent's name.
    async fn diagnose(&self) -> Result<String, Diagnosis> {
        self.health().await?;
        Ok("can be reached".to_owned())
    }
    /// The same as [`PlatformClient::health`] for somebody who only looks on: nothing is started for it. `None` where that
    /// cannot be told yet.
    async fn looks_healthy(&self) -> Option<bool> {
        Some(self.health().await.is_ok())
    }
}

/// What an agent may take; `None` where the bot's own default holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The longest one answer may take.
    pub turn: Option<Duration>,
    /// Answers that it may be making at the same time.
    pub at_once: Option<usize>,
}

/// An agent as the registry names it.
#[derive(Clone)]
pub struct Agent {
    /// The registry's id.
    pub id: AgentId,
    /// What people call it.
    pub name: String,
    /// A few words for lists; may be empty.
    pub description: String,
    /// MXID globs of those who may use it; empty means everybody.
    pub users: Vec<String>,
    /// What it may take.
    pub limits: Limits,
    /// Who answers.
    pub client: Arc<dyn PlatformClient>,
}
