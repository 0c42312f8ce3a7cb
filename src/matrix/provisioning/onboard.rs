//! A user's Space and first chat: made where they are missing, shown where they are there.

use std::time::Duration;

use matrix_sdk::ruma::{OwnedRoomId, RoomId, UserId};

use super::{Provisioner, layout, room_id, user_id};
use crate::{
    core::{
        chat::{Chat, ChatRoomsError, ChatStatus, ChatStore, Locale, Onboarded, Owner, name},
        ids::{AgentId, RoomKey, UserKey, derived_uuid},
        message::Reply,
    },
    matrix::{
        client::MatrixError,
        marker::{CreationFacts, RoomKind, SpaceMarker, VERSION},
        outbox::Saying,
        reconcile::RowChanges,
        state::StateEvent,
        store::{
            Provision,
            rows::{RoomRow, UserRow},
        },
    },
    text::{self, Guide},
};

/// The pause before an invitation that may not wait is tried again, where the server names none.
const INVITE_PAUSE: Duration = Duration::from_mins(1);

/// Who may come into a room without an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entrance {
    /// Nobody: the Space.
    InviteOnly,
    /// Members of the Space: its chat rooms.
    SpaceMembers,
}

impl Provisioner {
    pub(super) async fn onboard_locked(&self, user: &UserKey) -> Result<Onboarded, ChatRoomsError> {
        let (owner, fresh) = match self.store.owner(user).await? {
            Some(owner) => (owner, false),
            None => (self.make_space(user).await?, true),
        };
        let mut reinvited = self
            .ensure_invited(&room_id(&owner.space)?, user, Entrance::InviteOnly)
            .await?
            && !fresh;
        let all = self.store.chats_of(user).await?;
        let mut chats: Vec<Chat> = all
            .iter()
            .filter(|chat| chat.status == ChatStatus::Active)
            .cloned()
            .collect();
        if all.iter().all(|chat| chat.status == ChatStatus::Gone) {
            let intent = derived_uuid(&format!("chat:first:{}:{}", owner.space, all.len()));
            chats.push(self.make_chat(&owner, intent, None).await?);
        }
        for chat in &chats {
            reinvited |= self
                .ensure_invited(&room_id(&chat.room)?, user, Entrance::SpaceMembers)
                .await?
                && !fresh;
        }
        self.ensure_welcomed(&owner, &chats).await?;
        Ok(Onboarded {
            owner,
            chats,
            fresh,
            reinvited,
        })
    }

    async fn make_space(&self, user: &UserKey) -> Result<Owner, ChatRoomsError> {
        let user_id = user_id(user)?;
        let display_name = self
            .client
            .display_name(&user_id)
            .await?
            .and_then(|name| name::from_room(&name))
            .unwrap_or_else(|| user_id.localpart().to_owned());
        let facts = CreationFacts {
            version: VERSION,
            kind: RoomKind::Space,
            owner: user_id.clone(),
            intent: derived_uuid(&format!("space:{}:{user}", self.client.user_id())),
        };
        let agent = self.agent_of(user, None);
        let space_marker = SpaceMarker {
            version: VERSION,
            owner: user_id,
            locale: Some(self.defaults.locale.code().to_owned()),
            default_agent: agent.as_ref().map(ToString::to_string),
            streaming: None,
        };
        let plan = serde_json::json!({"display_name": display_name});
        let wish = self.begin("space", &facts, plan).await?;
        let display_name = wish.plan["display_name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let name = text::space_name(&self.defaults.brand, &display_name);
        let version = self.room_version().await?;
        let new = layout::space(
            self.client.user_id(),
            version,
            name.clone(),
            &facts,
            &space_marker,
        );
        let room = self.ensure_room(&wish, &new).await?;
        self.store
            .finish_provision(
                facts.intent,
                space_rows(&room, &name, display_name, &space_marker),
            )
            .await?;
        Ok(Owner {
            user: user.clone(),
            space: RoomKey::new(room.as_str()),
            locale: Some(self.defaults.locale),
            default_agent: agent,
            streaming: None,
        })
    }

    pub(super) async fn begin(
        &self,
        kind: &str,
        facts: &CreationFacts,
        plan: serde_json::Value,
    ) -> Result<Provision, ChatRoomsError> {
        let wish = Provision {
            intent: facts.intent,
            kind: kind.to_owned(),
            owner: facts.owner.to_string(),
            plan,
            requested_at: None,
            room: None,
        };
        Ok(self.store.begin_provision(wish).await?)
    }

    /// Invites a user who is neither in the room nor invited; tells whether that was needed.
    pub(super) async fn ensure_invited(
        &self,
        room: &RoomId,
        user: &UserKey,
        entrance: Entrance,
    ) -> Result<bool, ChatRoomsError> {
        let user = user_id(user)?;
        if self.is_in(room, &user).await? {
            return Ok(false);
        }
        loop {
            match self.client.invite(room, &user).await {
                Ok(()) => return Ok(true),
                Err(MatrixError::RateLimited { retry_after })
                    if entrance == Entrance::InviteOnly =>
                {
                    tokio::time::sleep(retry_after.unwrap_or(INVITE_PAUSE)).await;
                }
                // In the room already, not to be invited, or not soon: the link still leads there.
                Err(error @ (MatrixError::Refused { .. } | MatrixError::RateLimited { .. })) => {
                    tracing::info!(room.id = %room, user.id = %user, %error, "the user is not invited");
                    return Ok(false);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether the user is in the room or invited. An invitation that was declined while the bot wrote into the room can
    /// still stand in what a sync tells: of that, and of a room that no sync has brought yet, the server is asked.
    async fn is_in(&self, room: &RoomId, user: &UserId) -> Result<bool, ChatRoomsError> {
        let synced = self
            .store
            .kept_state(room, "m.room.create", "")
            .await?
            .is_some();
        if synced {
            let kept = self
                .store
                .kept_state(room, "m.room.member", user.as_str())
                .await?;
            match kept.as_ref().and_then(membership) {
                Some("join") => return Ok(true),
                Some("invite") => {}
                _ => return Ok(false),
            }
        }
        let state = self.client.room_state(room).await?;
        let member = state
            .iter()
            .find(|event| event.event_type == "m.room.member" && event.state_key == user.as_str());
        Ok(matches!(
            member.and_then(membership),
            Some("join" | "invite")
        ))
    }

    /// The first chat is welcomed once: after that the bot's own cursor stands in it.
    async fn ensure_welcomed(&self, owner: &Owner, chats: &[Chat]) -> Result<(), ChatRoomsError> {
        let [first] = chats else { return Ok(()) };
        let room: OwnedRoomId = room_id(&first.room)?;
        if first.id.number() != 1 || self.store.cursor(&room).await?.is_some() {
            return Ok(());
        }
        let saying = Saying {
            kind: "welcome",
            occasion: first.room.as_str(),
            room: &room,
        };
        let welcome = Reply::notice(Guide::Welcome.text(self.locale_of(owner)));
        let said = self.outbox.say(saying, &welcome).await?;
        if let Some(event) = &said {
            self.client.set_read_marker(&room, event).await?;
        }
        Ok(self.outbox.was_said(saying, said.as_ref()).await?)
    }

    pub(super) fn locale_of(&self, owner: &Owner) -> Locale {
        owner.locale.unwrap_or(self.defaults.locale)
    }

    /// The owner's choice where it is still there and theirs to use, else the registry's.
    pub(super) fn agent_of(&self, user: &UserKey, chosen: Option<&AgentId>) -> Option<AgentId> {
        self.defaults
            .agents
            .for_new_chat(user, chosen)
            .map(|agent| agent.id.clone())
    }
}

fn membership(member: &StateEvent) -> Option<&str> {
    member.content.get("membership")?.as_str()
}

fn space_rows(
    room: &RoomId,
    name: &str,
    display_name: String,
    space_marker: &SpaceMarker,
) -> RowChanges {
    RowChanges {
        put_users: vec![UserRow {
            user_id: space_marker.owner.to_string(),
            space_id: Some(room.to_string()),
            display_name,
            next_chat_index: 1,
            locale: space_marker.locale.clone(),
            default_agent: space_marker.default_agent.clone(),
            streaming: space_marker.streaming,
        }],
        put_rooms: vec![RoomRow {
            room_id: room.to_string(),
            room_type: "space".to_owned(),
            display_name: name.to_owned(),
            matrix_user_id: space_marker.owner.to_string(),
            ..RoomRow::default()
        }],
        ..RowChanges::default()
    }
}
