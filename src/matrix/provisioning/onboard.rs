//! A user's Space and first chat: made where they are missing, shown where they are there.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use matrix_sdk::ruma::{OwnedRoomId, RoomId};

use super::{Provisioner, layout, room_id, user_id};
use crate::{
    core::{
        chat::{Chat, ChatRoomsError, ChatStatus, ChatStore, Locale, Onboarded, Owner, name},
        ids::{AgentId, RoomKey, UserKey, derived_uuid},
        message::Reply,
    },
    matrix::{
        marker::{CreationFacts, RoomKind, SpaceMarker, VERSION},
        outbox::Saying,
        reconcile::RowChanges,
        store::{
            Provision,
            rows::{RoomRow, UserRow},
        },
    },
    text::{self, Guide},
};

/// What the attempts of one onboarding have done so far.
#[derive(Default)]
struct Done {
    /// The user's first Space was made.
    made: AtomicBool,
    /// A Space that was lost was made again.
    replaced: AtomicBool,
    /// The user had left and was invited again.
    invited: AtomicBool,
}

impl Provisioner {
    /// The user's Space, made where there is none or the old one is lost, with all chats in it, and the user invited.
    pub(super) async fn bring_home(&self, user: &UserKey) -> Result<Onboarded, ChatRoomsError> {
        let done = Done::default();
        let owner = self
            .attempts(user, || Box::pin(self.ensure_space(user, &done)))
            .await?;
        if self.has_chats_elsewhere(&owner).await? {
            tracing::info!(user.id = %user, room.id = %owner.space, "chats are moved to the user's new Space");
            self.reconciler.full().await?.log();
        }
        let chats = self
            .attempts(user, || Box::pin(self.ensure_chats(&owner, &done)))
            .await?;
        self.ensure_welcomed(&owner, &chats).await?;
        let space = room_id(&owner.space)?;
        let is_delayed = self
            .store
            .owed_invite(&space, &user_id(user)?)
            .await?
            .is_some();
        let [fresh, replaced, invited] =
            [&done.made, &done.replaced, &done.invited].map(|flag| flag.load(Ordering::Relaxed));
        Ok(Onboarded {
            owner,
            chats,
            fresh,
            reinvited: !fresh && (replaced || invited),
            is_delayed,
        })
    }

    async fn ensure_space(&self, user: &UserKey, done: &Done) -> Result<Owner, ChatRoomsError> {
        self.drop_lost_rooms(user).await?;
        if let Some(owner) = self.store.owner(user).await? {
            return Ok(owner);
        }
        let is_first = self.store.user_row(user.as_str()).await?.is_none();
        let owner = self.make_space(user).await?;
        let flag = if is_first { &done.made } else { &done.replaced };
        flag.store(true, Ordering::Relaxed);
        Ok(owner)
    }

    /// The active chats, at least one, and the user invited everywhere.
    async fn ensure_chats(&self, owner: &Owner, done: &Done) -> Result<Vec<Chat>, ChatRoomsError> {
        let user = &owner.user;
        let mut invited = self.ensure_invited(&room_id(&owner.space)?, user).await?;
        let all = self.store.chats_of(user).await?;
        let mut chats: Vec<Chat> = all
            .iter()
            .filter(|chat| chat.status == ChatStatus::Active)
            .cloned()
            .collect();
        if all.iter().all(|chat| chat.status == ChatStatus::Gone) {
            let intent = derived_uuid(&format!("chat:first:{}:{}", owner.space, all.len()));
            chats.push(self.make_chat(owner, intent, None).await?);
        }
        for chat in &chats {
            invited |= self.ensure_invited(&room_id(&chat.room)?, user).await?;
        }
        done.invited.fetch_or(invited, Ordering::Relaxed);
        Ok(chats)
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
        // Of a user whose Space is lost, the row keeps what was chosen.
        let before = self.store.user_row(user.as_str()).await?;
        let chosen = before.as_ref().and_then(|row| row.default_agent.as_deref());
        let agent = self.agent_of(user, chosen.map(AgentId::new).as_ref());
        let locale = before.as_ref().and_then(|row| row.locale.as_deref());
        let locale = locale.and_then(Locale::from_code);
        let locale = locale.unwrap_or(self.defaults.locale);
        let space_marker = SpaceMarker {
            version: VERSION,
            owner: user_id,
            locale: Some(locale.code().to_owned()),
            default_agent: agent.as_ref().map(ToString::to_string),
            streaming: before.and_then(|row| row.streaming),
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
        let mut rows = space_rows(&room, &name, display_name, &space_marker);
        for row in &mut rows.put_users {
            row.next_chat_index = self.store.number_after_all_chats(user.as_str()).await?;
        }
        // A process that dies behind this finds a Space, and would not look whether its owner is invited.
        self.owe_invite(&room, &facts.owner, Duration::ZERO).await?;
        self.store.finish_provision(facts.intent, rows).await?;
        Ok(Owner {
            user: user.clone(),
            space: RoomKey::new(room.as_str()),
            locale: Some(locale),
            default_agent: agent,
            streaming: space_marker.streaming,
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
