//! Contexts kept under a name, and chats that continue from them.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{ChatManager, Write, context_of};
use crate::{
    core::{
        chat::{
            Chat, Owner,
            save::{MOST_SAVES, Save, free_name},
        },
        error::CoreError,
        ids::{EventKey, PlatformChatId},
    },
    platform::{Advice, Agent, PlatformError, Saved},
};

/// How long an agent may take to keep a context or to continue one.
const KEEPING_PATIENCE: Duration = Duration::from_mins(1);
/// Longest note of an agent that is kept with a context, in bytes: it stands in a state event.
const LONGEST_NOTE: usize = 4096;

/// Why a context was not kept or not continued. The chat is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// There is one of that name.
    NameTaken(String),
    /// The user has as many as there may be.
    TooMany,
    /// There is none of that name.
    NoSuch(String),
    /// This agent is not there, or not for this user.
    NoAgent(String),
    /// This agent keeps no contexts.
    CannotKeep(String),
    /// The agent failed.
    Agent(Advice),
}

impl ChatManager {
    /// The owner's kept contexts, by name.
    pub async fn saves(&self, owner: &Owner) -> Result<Vec<Save>, CoreError> {
        let mut saves = self.rooms.saves(owner).await?;
        saves.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(saves)
    }

    /// Keeps the chat's context as it is now: in the agent first, on the server second. The same `cause` keeps it once.
    pub async fn keep(
        &self,
        owner: &Owner,
        chat: &Chat,
        cause: &EventKey,
        name: Option<&str>,
    ) -> Result<Result<Save, Hindrance>, CoreError> {
        self.patiently(|| Box::pin(self.keep_once(owner, chat, cause, name)))
            .await
    }

    async fn keep_once(
        &self,
        owner: &Owner,
        chat: &Chat,
        cause: &EventKey,
        name: Option<&str>,
    ) -> Result<Result<Save, Hindrance>, CoreError> {
        let _alone = self.alone(&chat.owner).await;
        let chat = self.current(chat).await?;
        let saves = self.saves(owner).await?;
        let kept = PlatformChatId::from_save(cause);
        if let Some(save) = saves.iter().find(|save| save.kept == kept) {
            return Ok(Ok(save.clone()));
        }
        let name = name.map_or_else(|| free_name(&chat, &saves), str::to_owned);
        if let Some(taken) = saves.iter().find(|save| save.is_called(&name)) {
            return Ok(Err(Hindrance::NameTaken(taken.name.clone())));
        }
        if saves.len() >= MOST_SAVES {
            return Ok(Err(Hindrance::TooMany));
        }
        let agent = match self.keeper(&chat) {
            Ok(agent) => agent,
            Err(hindrance) => return Ok(Err(hindrance)),
        };
        let context = context_of(&chat);
        let note = match patiently(agent.client.save(&context, kept)).await {
            Ok(note) if note.as_ref().is_none_or(|note| note.len() <= LONGEST_NOTE) => note,
            Ok(_) => return Ok(Err(Hindrance::Agent(Advice::TellOperator))),
            Err(advice) => return Ok(Err(hindrance(advice, &agent.name))),
        };
        let save = Save {
            owner: chat.owner.clone(),
            name,
            agent: chat.agent.clone(),
            kept,
            chat: chat.id,
            room: chat.room.clone(),
            until: cause.clone(),
            note,
        };
        let _held = self.rooms.hold(&owner.user).await;
        self.rooms.write_save(owner, &save).await?;
        Ok(Ok(save))
    }

    /// Lets the chat go on from a kept context, with the agent whose memory that is. Nothing changes unless the agent
    /// can continue it. The same `cause` does it once.
    pub async fn go_on_from(
        &self,
        owner: &Owner,
        chat: &Chat,
        cause: &EventKey,
        name: &str,
    ) -> Result<Result<(Save, Chat), Hindrance>, CoreError> {
        self.patiently(|| Box::pin(self.go_on_once(owner, chat, cause, name)))
            .await
    }

    async fn go_on_once(
        &self,
        owner: &Owner,
        chat: &Chat,
        cause: &EventKey,
        name: &str,
    ) -> Result<Result<(Save, Chat), Hindrance>, CoreError> {
        let alone = self.alone(&chat.owner).await;
        let current = self.current(chat).await?;
        let saves = self.saves(owner).await?;
        let Some(save) = saves.into_iter().find(|save| save.is_called(name)) else {
            return Ok(Err(Hindrance::NoSuch(name.to_owned())));
        };
        let Some(next) = current.with_agent(&save.agent).rotated(cause) else {
            return Ok(Ok((save, current)));
        };
        let agent = match self.keeper(&next) {
            Ok(agent) => agent,
            Err(hindrance) => return Ok(Err(hindrance)),
        };
        let kept = Saved {
            context: save.kept,
            note: save.note.clone(),
            room: save.room.clone(),
            until: save.until.clone(),
        };
        let context = context_of(&next);
        if let Err(advice) = patiently(agent.client.load(&context, &kept)).await {
            return Ok(Err(hindrance(advice, &agent.name)));
        }
        self.write(&next, Write::Marker).await?;
        drop(alone);
        self.disconnect(&current).await;
        Ok(Ok((save, next)))
    }

    /// The chat's agent, if it keeps contexts.
    fn keeper(&self, chat: &Chat) -> Result<Arc<Agent>, Hindrance> {
        let agents = self.agents();
        match agents.agent_of(&chat.owner, &chat.agent) {
            None => Err(Hindrance::NoAgent(agents.name_of(&chat.agent))),
            Some(agent) if !agent.client.abilities().save => {
                Err(Hindrance::CannotKeep(agent.name.clone()))
            }
            Some(agent) => Ok(agent),
        }
    }
}

fn hindrance(advice: Advice, agent: &str) -> Hindrance {
    match advice {
        Advice::CannotDo => Hindrance::CannotKeep(agent.to_owned()),
        other => Hindrance::Agent(other),
    }
}

async fn patiently<T>(call: impl Future<Output = Result<T, PlatformError>>) -> Result<T, Advice> {
    match timeout(KEEPING_PATIENCE, call).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => {
            tracing::warn!(agent.id = %error.agent, error = error.detail, "a context could not be kept or continued");
            Err(error.advice)
        }
        Err(_) => Err(Advice::TryAgain),
    }
}
