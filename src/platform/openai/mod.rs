//! The kind `openai`: a model behind the Chat Completions interface, streamed by server-sent events.
//!
//! Such a server remembers nothing: the bot keeps each context's exchanges and sends with a question what fits
//! (`budget` says what). An exchange is kept under its question's id, so that a question which is asked again after a
//! crash is remembered once. A context that the memory does not know is read back from its room.

mod budget;
mod diagnosis;
mod endpoint;
mod failure;
mod habits;
mod patience;
pub mod ports;
mod question;
mod reasoning;
mod response;
mod running;
mod sse;
mod turn;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

use self::{
    endpoint::Endpoint,
    failure::Failure,
    ports::{Conversation, Exchange, PortError, Ports},
    running::Running,
    turn::Turn,
    wire::Usage,
};
use super::{
    Abilities, Advice, AnswerStream, ContextInfo, ContextRef, Diagnosis, PlatformClient,
    PlatformError, Prompt, Saved,
};
use crate::{
    config::agents::openai::OpenAiConfig,
    core::ids::{AgentId, EventKey, PlatformChatId},
};

/// Exchanges that are looked at, at most; far more than fit into a request.
const MOST_EXCHANGES: u32 = 500;
/// Pieces of an answer that may wait for whoever reads them.
const PIECES_AHEAD: usize = 16;

/// An agent of this kind.
pub struct OpenAiAgent {
    core: Arc<Core>,
}

/// What all turns of an agent share.
struct Core {
    id: AgentId,
    endpoint: Endpoint,
    ports: Ports,
    running: Running,
}

impl OpenAiAgent {
    /// An agent that was not asked anything yet.
    pub fn new(id: AgentId, config: OpenAiConfig, ports: Ports) -> Self {
        Self {
            core: Arc::new(Core {
                id,
                endpoint: Endpoint::new(config),
                ports,
                running: Running::default(),
            }),
        }
    }
}

impl Core {
    /// What was said before `until`: as it is kept, or else as it stands in the room. A room that cannot be read now is a
    /// failure that passes: taken for an empty one, the conversation would be lost for good.
    async fn past(
        &self,
        context: &ContextRef,
        until: Option<&EventKey>,
    ) -> Result<Vec<Exchange>, Failure> {
        let kept = self
            .ports
            .memory
            .recall(context.context, MOST_EXCHANGES)
            .await;
        if let Some(exchanges) = kept.map_err(|error| forgetful(&error))? {
            return Ok(answers_alone(exchanges));
        }
        let conversation = Conversation {
            room: context.room.clone(),
            user: context.user.clone(),
            context: context.context,
            generation: context.generation,
            until: until.cloned(),
        };
        let read = self.ports.transcripts.read(&conversation).await;
        let exchanges = answers_alone(read.map_err(|error| unreadable(&error))?);
        let begun = self
            .ports
            .memory
            .begin(context.context, exchanges.clone())
            .await;
        begun.map_err(|error| forgetful(&error))?;
        Ok(exchanges)
    }

    /// Reads back what was kept under a name.
    async fn past_of(&self, context: &ContextRef, saved: &Saved) -> Result<(), PlatformError> {
        let Some((origin, generation)) = saved.note.as_deref().and_then(origin_in) else {
            return Err(self.failed("nothing is known of the kept context", Advice::CannotDo));
        };
        let conversation = Conversation {
            room: saved.room.clone(),
            user: context.user.clone(),
            context: origin,
            generation,
            until: Some(saved.until.clone()),
        };
        let exchanges = self.ports.transcripts.read(&conversation).await;
        let exchanges = exchanges.map_err(|error| self.port_failed(&error))?;
        let begun = self.ports.memory.begin(saved.context, exchanges).await;
        begun.map_err(|error| self.port_failed(&error))
    }

    async fn copied(
        &self,
        from: PlatformChatId,
        to: PlatformChatId,
    ) -> Result<bool, PlatformError> {
        let copied = self.ports.memory.copy(from, to).await;
        copied.map_err(|error| self.port_failed(&error))
    }

    fn error(&self, failure: &Failure) -> PlatformError {
        self.failed(failure.detail(), failure.advice())
    }

    fn port_failed(&self, error: &PortError) -> PlatformError {
        self.failed(&error.to_string(), Advice::TryAgain)
    }

    fn failed(&self, detail: &str, advice: Advice) -> PlatformError {
        PlatformError {
            agent: self.id.clone(),
            detail: self.endpoint.without_key(detail),
            advice,
        }
    }

    /// A failure that may not be the last word.
    fn note(&self, failure: &Failure) {
        let (agent, error) = (&self.id, self.error(failure).detail);
        tracing::info!(agent.id = %agent, error, "agent {agent} did not answer a request");
    }

    fn count(&self, usage: Usage) {
        let (agent, asked, answered) = (&self.id, usage.prompt_tokens, usage.completion_tokens);
        tracing::debug!(agent.id = %agent, prompt_tokens = asked, completion_tokens = answered, "tokens of {agent}");
    }
}

#[async_trait]
impl PlatformClient for OpenAiAgent {
    fn abilities(&self) -> Abilities {
        Abilities {
            save: true,
            cancel: true,
        }
    }

    async fn ask(&self, prompt: Prompt) -> Result<AnswerStream, PlatformError> {
        let (say, mut said) = mpsc::channel(PIECES_AHEAD);
        let turn = Turn {
            core: Arc::clone(&self.core),
            ticket: self.core.running.begin(prompt.context.context),
            prompt,
            say,
        };
        // The work goes on as long as the answer is read, and ends with it.
        let work = stream::once(turn.run()).filter_map(|()| std::future::ready(None));
        let events = stream::poll_fn(move |context| said.poll_recv(context));
        Ok(stream::select(events, work).boxed())
    }

    async fn answer_permission(
        &self,
        _context: &ContextRef,
        _question: &str,
        _option: Option<&str>,
    ) -> Result<(), PlatformError> {
        Ok(())
    }

    async fn cancel(&self, context: &ContextRef) -> Result<(), PlatformError> {
        self.core.running.cancel(context.context);
        Ok(())
    }

    async fn disconnect(&self, context: &ContextRef) -> Result<(), PlatformError> {
        self.core.running.cancel(context.context);
        let forgotten = self.core.ports.memory.forget(context.context).await;
        forgotten.map_err(|error| self.core.port_failed(&error))
    }

    async fn save(
        &self,
        context: &ContextRef,
        kept: PlatformChatId,
    ) -> Result<Option<String>, PlatformError> {
        if !self.core.copied(context.context, kept).await? {
            let past = self.core.past(context, None).await;
            past.map_err(|failure| self.core.error(&failure))?;
            self.core.copied(context.context, kept).await?;
        }
        Ok(Some(origin_of(context)))
    }

    async fn load(&self, context: &ContextRef, saved: &Saved) -> Result<(), PlatformError> {
        if self.core.copied(saved.context, context.context).await? {
            return Ok(());
        }
        self.core.past_of(context, saved).await?;
        self.core.copied(saved.context, context.context).await?;
        Ok(())
    }

    async fn context_info(&self, context: &ContextRef) -> Result<ContextInfo, PlatformError> {
        let past = self.core.past(context, None).await;
        let past = past.map_err(|failure| self.core.error(&failure))?;
        Ok(ContextInfo {
            messages: Some(2 * past.len() as u64),
            tokens: Some(budget::of_exchanges(&past)),
        })
    }

    async fn health(&self) -> Result<(), PlatformError> {
        let looked = self.core.endpoint.look().await;
        looked.map_err(|failure| self.core.error(&failure))
    }

    async fn diagnose(&self) -> Result<String, Diagnosis> {
        self.core.endpoint.diagnose().await
    }
}

/// Names the conversation that was kept: enough to find it in its room again.
fn origin_of(context: &ContextRef) -> String {
    format!("{}#{}", context.context, context.generation)
}

fn origin_in(note: &str) -> Option<(PlatformChatId, u32)> {
    let (context, generation) = note.split_once('#')?;
    Some((context.parse().ok()?, generation.parse().ok()?))
}

/// Answers from before reasoning was told from them hold it; no model is sent it again.
fn answers_alone(mut exchanges: Vec<Exchange>) -> Vec<Exchange> {
    for exchange in &mut exchanges {
        exchange.answered = reasoning::without_reasoning(&exchange.answered);
    }
    exchanges.retain(|exchange| !exchange.answered.trim().is_empty());
    exchanges
}

fn unreadable(error: &PortError) -> Failure {
    Failure::Unavailable(format!(
        "what was said in the room cannot be read back: {error}"
    ))
}

fn forgetful(error: &PortError) -> Failure {
    Failure::Unavailable(format!("the memory of conversations failed: {error}"))
}
