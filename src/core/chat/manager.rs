//! Changes to chats, in the one order that survives a crash at any point: the server first, rows second, and only then
//! what can be done without.
//!
//! A change starts from the row as it is when the change begins, and one owner's changes wait for each other: a chat can
//! be archived from another room while its own room is being worked in.

mod keeping;

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::OwnedMutexGuard, time::timeout};

pub use self::keeping::Hindrance;
use super::{
    Chat, ChatRooms, ChatStatus, ChatStore, Locale, Onboarded, Owner,
    pointer::{chat_link, pointer},
};
use crate::{
    boundary::{Boundary, reached},
    core::{
        error::CoreError,
        folder::chat_folder,
        ids::{AgentId, EventKey, UserKey},
    },
    platform::{ContextInfo, ContextRef, routed::Agents},
    text::{ChatLink, PointerReason},
};

/// How long an agent may take for what the user does not wait for.
const AGENT_PATIENCE: Duration = Duration::from_secs(5);

/// One attempt at a change.
type Attempt<'a, T> = Pin<Box<dyn Future<Output = Result<T, CoreError>> + Send + 'a>>;

/// What of a changed chat is written on the server.
#[derive(Clone, Copy, Debug)]
enum Write {
    Name,
    Marker,
    MarkerAndLink,
}

/// Reads and changes chats and owners.
pub struct ChatManager {
    store: Arc<dyn ChatStore>,
    rooms: Arc<dyn ChatRooms>,
    agents: Arc<Agents>,
    changing: Mutex<HashMap<UserKey, Arc<tokio::sync::Mutex<()>>>>,
}

impl ChatManager {
    /// Over these ports.
    pub fn new(store: Arc<dyn ChatStore>, rooms: Arc<dyn ChatRooms>, agents: Arc<Agents>) -> Self {
        Self {
            store,
            rooms,
            agents,
            changing: Mutex::default(),
        }
    }

    /// The agent registry.
    pub fn agents(&self) -> &Agents {
        &self.agents
    }

    /// The owner's row, if the user has a Space.
    pub async fn owner(&self, user: &UserKey) -> Result<Option<Owner>, CoreError> {
        Ok(self.store.owner(user).await?)
    }

    /// The user's chats that are not gone, by number.
    pub async fn chats_of(&self, user: &UserKey) -> Result<Vec<Chat>, CoreError> {
        let mut chats = self.store.chats_of(user).await?;
        chats.retain(|chat| chat.status != ChatStatus::Gone);
        Ok(chats)
    }

    /// The chat as its row says now.
    pub async fn current(&self, chat: &Chat) -> Result<Chat, CoreError> {
        let row = self.store.chat_in(&chat.room).await?;
        Ok(row.unwrap_or_else(|| chat.clone()))
    }

    /// The chat, and an address that opens it.
    pub fn link(&self, chat: &Chat) -> ChatLink {
        chat_link(self.rooms.as_ref(), chat)
    }

    /// Links to the owner's Space and chats.
    pub fn pointer(
        &self,
        reason: PointerReason,
        owner: &Owner,
        chats: &[Chat],
        locale: Locale,
    ) -> String {
        pointer(self.rooms.as_ref(), reason, owner, chats, locale)
    }

    /// The pointer for a user who was just onboarded.
    pub fn pointer_after(&self, onboarded: &Onboarded, locale: Locale) -> String {
        let reason = match onboarded {
            Onboarded {
                is_delayed: true, ..
            } => PointerReason::Delayed,
            Onboarded { fresh: true, .. } => PointerReason::Fresh,
            Onboarded {
                reinvited: true, ..
            } => PointerReason::Reinvited,
            Onboarded { .. } => PointerReason::Existing,
        };
        self.pointer(reason, &onboarded.owner, &onboarded.chats, locale)
    }

    /// The user's Space and first chat, made where they are missing.
    pub async fn onboard(&self, user: &UserKey) -> Result<Onboarded, CoreError> {
        Ok(self.rooms.onboard(user).await?)
    }

    /// A new chat: the same `cause` always gives the same one.
    pub async fn create(
        &self,
        owner: &Owner,
        cause: &EventKey,
        name: Option<&str>,
    ) -> Result<Chat, CoreError> {
        Ok(self.rooms.create_chat(owner, cause, name).await?)
    }

    /// Names the room and the chat.
    pub async fn rename(&self, chat: &Chat, name: &str) -> Result<Chat, CoreError> {
        let change = |current: &Chat| Some(current.renamed(name));
        Ok(self.change(chat, &change, Write::Name).await?.1)
    }

    /// Takes the chat out of the Space. Also right for a chat that is out already: a crash may have come between.
    pub async fn archive(&self, chat: &Chat) -> Result<Chat, CoreError> {
        let change = |current: &Chat| Some(current.archived());
        Ok(self.change(chat, &change, Write::MarkerAndLink).await?.1)
    }

    /// Puts the chat back into the Space.
    pub async fn unarchive(&self, chat: &Chat) -> Result<Chat, CoreError> {
        let change = |current: &Chat| Some(current.unarchived());
        Ok(self.change(chat, &change, Write::MarkerAndLink).await?.1)
    }

    /// Gives the chat the context that the command in `cause` asks for, once.
    pub async fn clear(&self, chat: &Chat, cause: &EventKey) -> Result<Chat, CoreError> {
        let change = |current: &Chat| current.rotated(cause);
        let (before, after) = self.change(chat, &change, Write::Marker).await?;
        if before.context != after.context {
            self.disconnect(&before).await;
        }
        Ok(after)
    }

    /// Lets another agent answer. The one before keeps what it remembers, for a user who comes back to it.
    pub async fn switch_agent(&self, chat: &Chat, agent: &AgentId) -> Result<Chat, CoreError> {
        let change = |current: &Chat| Some(current.with_agent(agent));
        Ok(self.change(chat, &change, Write::Marker).await?.1)
    }

    /// Changes the owner's settings.
    pub async fn change_owner(
        &self,
        owner: &Owner,
        change: impl Fn(&mut Owner) + Send + Sync,
    ) -> Result<Owner, CoreError> {
        let change = &change;
        self.patiently(|| {
            Box::pin(async move {
                let _alone = self.alone(&owner.user).await;
                let _held = self.rooms.hold(&owner.user).await;
                let current = self.store.owner(&owner.user).await?;
                let mut next = current.unwrap_or_else(|| owner.clone());
                change(&mut next);
                self.rooms.write_owner_marker(&next).await?;
                reached(Boundary::MarkerWritten);
                self.store.save_owner(&next).await?;
                Ok(next)
            })
        })
        .await
    }

    /// The chat before and after the change, which starts from the row as it is when it begins. `None` changes nothing.
    async fn change(
        &self,
        chat: &Chat,
        change: &(dyn Fn(&Chat) -> Option<Chat> + Send + Sync),
        write: Write,
    ) -> Result<(Chat, Chat), CoreError> {
        self.patiently(|| {
            Box::pin(async move {
                let _alone = self.alone(&chat.owner).await;
                let before = self.current(chat).await?;
                let Some(after) = change(&before) else {
                    return Ok((before.clone(), before));
                };
                self.write(&after, write).await?;
                Ok((before, after))
            })
        })
        .await
    }

    /// Writes a changed chat: on the server first, in its row second, and no reconcile comes between.
    async fn write(&self, chat: &Chat, write: Write) -> Result<(), CoreError> {
        let _held = self.rooms.hold(&chat.owner).await;
        match write {
            Write::Name => self.rooms.rename(chat, &chat.name).await?,
            Write::Marker => self.rooms.write_chat_marker(chat).await?,
            Write::MarkerAndLink => {
                self.rooms.write_chat_marker(chat).await?;
                let is_linked = chat.status == ChatStatus::Active;
                self.rooms.set_linked(chat, is_linked).await?;
            }
        }
        reached(Boundary::MarkerWritten);
        Ok(self.store.save_chat(chat).await?)
    }

    /// Repeats a change for as long as the homeserver asks to wait. No lock is held meanwhile.
    async fn patiently<'a, T>(
        &self,
        attempt: impl Fn() -> Attempt<'a, T> + Send + Sync,
    ) -> Result<T, CoreError> {
        let mut count = 0;
        loop {
            match attempt().await {
                Err(CoreError::Later(wish)) => self.rooms.wait(wish, count).await?,
                other => return other,
            }
            count += 1;
        }
    }

    /// What the chat's agent tells about its context; `None` where it does not answer.
    pub async fn context_info(&self, chat: &Chat) -> Option<ContextInfo> {
        let agent = self.agents.agent_of(&chat.owner, &chat.agent)?;
        let context = context_of(chat);
        match timeout(AGENT_PATIENCE, agent.client.context_info(&context)).await {
            Ok(Ok(info)) => Some(info),
            Ok(Err(error)) => {
                let (chat, room) = (chat.id, &chat.room);
                tracing::warn!(chat.id = %chat, room.id = %room, %error, "agent told nothing of context of {chat}");
                None
            }
            Err(_) => None,
        }
    }

    /// Lets the agent go of the chat's session. The chat has another context already, so a failure costs only memory
    /// on the agent's side.
    async fn disconnect(&self, chat: &Chat) {
        let Some(agent) = self.agents.agent_of(&chat.owner, &chat.agent) else {
            return;
        };
        let context = context_of(chat);
        let problem = match timeout(AGENT_PATIENCE, agent.client.disconnect(&context)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        let (id, agent) = (chat.id, &agent.id);
        tracing::warn!(
            chat.id = %id, room.id = %chat.room, agent.id = %agent, context.id = %chat.context, error = problem,
            "agent {agent} did not let go of the old context of {id}"
        );
    }

    /// Waits until no other change of this owner runs. The first of the locks whose order stands in
    /// `matrix::reconciler`.
    async fn alone(&self, owner: &UserKey) -> OwnedMutexGuard<()> {
        let lock = {
            let mut changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
            // Locks that nobody holds or waits for are forgotten, so that this map stays as small as the work in hand.
            changing.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(changing.entry(owner.clone()).or_default())
        };
        lock.lock_owned().await
    }
}

/// What the agent is told about which conversation it is in.
pub(super) fn context_of(chat: &Chat) -> ContextRef {
    ContextRef {
        user: chat.owner.clone(),
        chat: chat.id,
        context: chat.context,
        generation: chat.generation,
        room: chat.room.clone(),
        folder: chat_folder(&chat.owner, &chat.room),
    }
}
