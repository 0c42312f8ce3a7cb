//! The seam to agents of any kind: one trait, one file or folder per implementation.
//!
//! Knows chats only by their context ([`PlatformChatId`]); knows nothing of rooms, Matrix or SQL.

pub mod mock;
pub mod routed;

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::core::ids::{AgentId, ChatId, EventKey, PlatformChatId, UserKey};

/// Which conversation of which user a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextRef {
    /// The owner.
    pub user: UserKey,
    /// The chat, for agents that show it.
    pub chat: ChatId,
    /// What the agent remembers the conversation by.
    pub context: PlatformChatId,
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
    /// Workspace-relative paths of the files that go with it.
    pub files: Vec<String>,
}

/// A piece of an answer as it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerEvent {
    /// More text, to be appended.
    Text(String),
    /// What the agent's tool does now, in a few words. Replaces the one before.
    ToolStatus(String),
    /// A file of the workspace that belongs to the answer, as a workspace-relative path.
    File(String),
    /// The agent asks before it goes on; answered through [`PlatformClient::answer_permission`].
    Permission(PermissionQuestion),
    /// The turn is over. Nothing follows.
    Done(StopReason),
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
    /// What is asked.
    pub title: String,
    /// The options, in the agent's order: id and label.
    pub options: Vec<(String, String)>,
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
    /// It will not work until the operator changes something.
    TellOperator,
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
    /// Copies the context so that it can be continued later; returns the copy's id.
    async fn save(&self, context: &ContextRef) -> Result<PlatformChatId, PlatformError>;
    /// Makes `context` continue what was kept as `saved`.
    async fn load(&self, context: &ContextRef, saved: PlatformChatId) -> Result<(), PlatformError>;
    /// What the agent tells about the context.
    async fn context_info(&self, context: &ContextRef) -> Result<ContextInfo, PlatformError>;
    /// Whether the agent can be reached.
    async fn health(&self) -> Result<(), PlatformError>;
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
    /// Who answers.
    pub client: Arc<dyn PlatformClient>,
}
