//! An agent whose calls are noted.

use std::sync::Arc;

use async_trait::async_trait;

use super::fakes::Fakes;
use crate::{
    core::ids::{AgentId, PlatformChatId},
    platform::{
        Abilities, Advice, AnswerStream, ContextInfo, ContextRef, PlatformClient, PlatformError,
        Prompt, Saved, mock::MockAgent,
    },
};

/// An agent whose letting go and stopping are noted among the other calls.
pub(super) struct NotedAgent {
    pub(super) inner: MockAgent,
    pub(super) fakes: Arc<Fakes>,
}

impl NotedAgent {
    fn call(&self, call: &str) -> Result<(), PlatformError> {
        self.fakes.note(call).map_or(Ok(()), |_| {
            Err(PlatformError {
                agent: AgentId::new("noted"),
                detail: "scripted secret".to_owned(),
                advice: Advice::TryAgain,
            })
        })
    }
}

#[async_trait]
impl PlatformClient for NotedAgent {
    fn abilities(&self) -> Abilities {
        self.inner.abilities()
    }

    async fn ask(&self, prompt: Prompt) -> Result<AnswerStream, PlatformError> {
        self.call("agent ask")?;
        self.inner.ask(prompt).await
    }

    async fn answer_permission(
        &self,
        context: &ContextRef,
        question: &str,
        option: Option<&str>,
    ) -> Result<(), PlatformError> {
        self.call(&format!("agent permission {question} {option:?}"))?;
        self.inner
            .answer_permission(context, question, option)
            .await
    }

    async fn cancel(&self, context: &ContextRef) -> Result<(), PlatformError> {
        self.call("agent cancel")?;
        self.inner.cancel(context).await
    }

    async fn disconnect(&self, context: &ContextRef) -> Result<(), PlatformError> {
        self.call(&format!("agent disconnect {}", context.context.short()))?;
        self.inner.disconnect(context).await
    }

    async fn save(
        &self,
        context: &ContextRef,
        kept: PlatformChatId,
    ) -> Result<Option<String>, PlatformError> {
        self.call("agent save")?;
        self.inner.save(context, kept).await
    }

    async fn load(&self, context: &ContextRef, saved: &Saved) -> Result<(), PlatformError> {
        self.call("agent load")?;
        self.inner.load(context, saved).await
    }

    async fn context_info(&self, context: &ContextRef) -> Result<ContextInfo, PlatformError> {
        self.call("agent info")?;
        self.inner.context_info(context).await
    }

    async fn health(&self) -> Result<(), PlatformError> {
        self.inner.health().await
    }
}
