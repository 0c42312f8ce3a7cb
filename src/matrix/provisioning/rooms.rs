//! [`ChatRooms`]: chats made and changed on the server.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use uuid::Uuid;

use super::{Provisioner, layout, room_id, user_id};
use crate::{
    boundary::{Boundary, reached},
    core::{
        chat::{
            Chat, ChatRooms, ChatRoomsError, ChatStatus, ChatStore, Held, Locale, Onboarded, Owner,
            save::Save,
        },
        ids::{AgentId, ChatId, EventKey, PlatformChatId, RoomKey, UserKey, derived_uuid},
    },
    matrix::{
        marker::{
            self, CHAT_MARKER, ChatMarker, CreationFacts, RoomKind, SPACE_MARKER, SpaceMarker,
            VERSION,
        },
        reconcile::RowChanges,
        store::rows::{ChatRow, RoomRow},
    },
    text,
};

impl Provisioner {
    async fn make_chat_in(
        &self,
        owner: &Owner,
        intent: Uuid,
        name: Option<&str>,
    ) -> Result<Chat, ChatRoomsError> {
        self.attempts(&owner.user, || {
            Box::pin(self.make_chat(owner, intent, name))
        })
        .await
    }

    /// The chat of this wish, in a room of its own inside the Space.
    pub(super) async fn make_chat(
        &self,
        owner: &Owner,
        intent: Uuid,
        name: Option<&str>,
    ) -> Result<Chat, ChatRoomsError> {
        if let Some(chat) = self.already_made(owner, intent).await? {
            return Ok(chat);
        }
        let owner_id = user_id(&owner.user)?;
        let facts = CreationFacts {
            version: VERSION,
            kind: RoomKind::Chat,
            owner: owner_id.clone(),
            intent,
        };
        let plan = self.plan_chat(owner, intent, name).await?;
        let wish = self.begin("chat", &facts, plan).await?;
        let mut chat = chat_from_plan(owner, &wish.plan)?;
        let new = layout::chat(
            self.client.user_id(),
            self.room_version().await?,
            &self.server,
            chat.name.clone(),
            &facts,
            &chat_marker(&chat)?,
        );
        let room = self.ensure_room(&wish, &new).await?;
        chat.room = RoomKey::new(room.as_str());
        self.link_child(&chat, true).await?;
        reached(Boundary::ChatLinked);
        self.ensure_invited(&room, &owner.user).await?;
        self.store
            .finish_provision(intent, self.chat_rows(&chat).await?)
            .await?;
        Ok(chat)
    }

    /// After a lost database, reconcile has made the rows of a room that an earlier attempt made.
    async fn already_made(
        &self,
        owner: &Owner,
        intent: Uuid,
    ) -> Result<Option<Chat>, ChatRoomsError> {
        if self.store.provision(intent).await?.is_some() {
            return Ok(None);
        }
        let Some((room, _)) = self.store.created_for(intent).await?.into_iter().next() else {
            return Ok(None);
        };
        let Some(chat) = self.store.chat_in(&RoomKey::new(room.as_str())).await? else {
            return Ok(None);
        };
        self.link_child(&chat, chat.status == ChatStatus::Active)
            .await?;
        self.ensure_invited(&room, &owner.user).await?;
        Ok(Some(chat))
    }

    /// What is decided once and then stays, however often the making is taken up again.
    async fn plan_chat(
        &self,
        owner: &Owner,
        intent: Uuid,
        name: Option<&str>,
    ) -> Result<serde_json::Value, ChatRoomsError> {
        let number = self.store.next_chat_number(owner.user.as_str()).await?;
        let name = match name {
            Some(name) => name.to_owned(),
            None => text::chat_name(self.locale_of(owner), ChatId::new(number)),
        };
        let agent = self.agent_of(&owner.user, owner.default_agent.as_ref());
        let agent =
            agent.ok_or_else(|| ChatRoomsError::Refused("no agent serves this user".into()))?;
        Ok(json!({
            "number": number,
            "name": name,
            "agent": agent,
            "context": derived_uuid(&format!("context:{intent}")),
        }))
    }

    async fn chat_rows(&self, chat: &Chat) -> Result<RowChanges, ChatRoomsError> {
        let mut user = self
            .store
            .user_row(chat.owner.as_str())
            .await?
            .unwrap_or_default();
        user.next_chat_index = user.next_chat_index.max(chat.id.number() + 1);
        Ok(RowChanges {
            put_users: vec![user],
            put_rooms: vec![RoomRow {
                room_id: chat.room.to_string(),
                room_type: "chat".to_owned(),
                chat_id: Some(chat.id.to_string()),
                display_name: chat.name.clone(),
                matrix_user_id: chat.owner.to_string(),
                space_id: Some(chat.space.to_string()),
                agent_id: Some(chat.agent.to_string()),
                platform_chat_id: Some(chat.context.to_string()),
                generation: chat.generation,
                gone: false,
            }],
            put_chats: vec![ChatRow {
                user_id: chat.owner.to_string(),
                chat_id: chat.id.to_string(),
                surface_ref: chat.room.to_string(),
                name: chat.name.clone(),
                status: "active".to_owned(),
            }],
            ..RowChanges::default()
        })
    }

    /// What the Space says of the chat.
    async fn link_child(&self, chat: &Chat, linked: bool) -> Result<(), ChatRoomsError> {
        let content = if linked {
            layout::child_content(&self.server)
        } else {
            json!({})
        };
        let space = room_id(&chat.space)?;
        self.put(&space, "m.space.child", chat.room.as_str(), content)
            .await
    }

    /// What the chat says of the Space, where it says nothing yet: a chat from before that was archived when it was found.
    async fn link_parent(&self, chat: &Chat) -> Result<(), ChatRoomsError> {
        let room = room_id(&chat.room)?;
        let key = chat.space.as_str();
        let kept = self.store.kept_state(&room, "m.space.parent", key).await?;
        if kept.is_some_and(|event| event.content.get("via").is_some()) {
            return Ok(());
        }
        let content = layout::parent_content(&self.server);
        self.put(&room, "m.space.parent", key, content).await
    }
}

fn chat_marker(chat: &Chat) -> Result<ChatMarker, ChatRoomsError> {
    Ok(ChatMarker {
        version: VERSION,
        owner: user_id(&chat.owner)?,
        chat_id: chat.id.to_string(),
        space_id: room_id(&chat.space)?,
        agent_id: chat.agent.to_string(),
        platform_chat_id: chat.context.uuid(),
        generation: chat.generation,
        archived: chat.status == ChatStatus::Archived,
    })
}

/// The plan was written by [`Provisioner::plan_chat`]; a row that someone edited is refused, not guessed at.
fn chat_from_plan(owner: &Owner, plan: &serde_json::Value) -> Result<Chat, ChatRoomsError> {
    let read = || {
        Some(Chat {
            owner: owner.user.clone(),
            id: ChatId::new(u32::try_from(plan.get("number")?.as_u64()?).ok()?),
            room: RoomKey::new(""),
            space: owner.space.clone(),
            name: plan.get("name")?.as_str()?.to_owned(),
            agent: AgentId::new(plan.get("agent")?.as_str()?),
            context: PlatformChatId::new(plan.get("context")?.as_str()?.parse().ok()?),
            generation: 0,
            status: ChatStatus::Active,
        })
    };
    read()
        .ok_or_else(|| ChatRoomsError::Refused("the recorded plan of a chat cannot be read".into()))
}

#[async_trait]
impl ChatRooms for Provisioner {
    async fn onboard(&self, user: &UserKey) -> Result<Onboarded, ChatRoomsError> {
        self.bring_home(user).await
    }

    async fn create_chat(
        &self,
        owner: &Owner,
        cause: &EventKey,
        name: Option<&str>,
    ) -> Result<Chat, ChatRoomsError> {
        let intent = derived_uuid(&format!("chat:{cause}"));
        let made = self.make_chat_in(owner, intent, name).await;
        match made {
            Err(ChatRoomsError::Refused(_)) if self.has_lost(owner).await? => {
                let owner = self.bring_home(&owner.user).await?.owner;
                self.make_chat_in(&owner, intent, name).await
            }
            other => other,
        }
    }

    async fn hold(&self, owner: &UserKey) -> Held {
        Box::new(self.lock(owner).await)
    }

    async fn wait(&self, wish: Option<Duration>, attempt: u32) -> Result<(), ChatRoomsError> {
        self.pause(wish, attempt).await
    }

    async fn write_chat_marker(&self, chat: &Chat) -> Result<(), ChatRoomsError> {
        let content = marker::write(&chat_marker(chat)?);
        self.put(&room_id(&chat.room)?, CHAT_MARKER, "", content)
            .await
    }

    async fn write_owner_marker(&self, owner: &Owner) -> Result<(), ChatRoomsError> {
        let content = marker::write(&SpaceMarker {
            version: VERSION,
            owner: user_id(&owner.user)?,
            locale: owner.locale.map(|locale: Locale| locale.code().to_owned()),
            default_agent: owner.default_agent.as_ref().map(ToString::to_string),
            streaming: owner.streaming,
        });
        self.put(&room_id(&owner.space)?, SPACE_MARKER, "", content)
            .await
    }

    async fn rename(&self, chat: &Chat, name: &str) -> Result<(), ChatRoomsError> {
        self.put(
            &room_id(&chat.room)?,
            "m.room.name",
            "",
            json!({"name": name}),
        )
        .await
    }

    async fn set_linked(&self, chat: &Chat, linked: bool) -> Result<(), ChatRoomsError> {
        if linked {
            self.link_parent(chat).await?;
        }
        match self.link_child(chat, linked).await {
            // A Space that is lost lists nothing. The Space that replaces it lists the chats that are not archived.
            Err(ChatRoomsError::Refused(_)) if self.is_outside(&room_id(&chat.space)?).await? => {
                Ok(())
            }
            other => other,
        }
    }

    async fn saves(&self, owner: &Owner) -> Result<Vec<Save>, ChatRoomsError> {
        self.saves_of(owner).await
    }

    async fn write_save(&self, owner: &Owner, save: &Save) -> Result<(), ChatRoomsError> {
        self.put_save(owner, save).await
    }

    fn link(&self, room: &RoomKey) -> String {
        room_id(room).map_or_else(|_| String::new(), |room| layout::link(&room, &self.server))
    }
}
