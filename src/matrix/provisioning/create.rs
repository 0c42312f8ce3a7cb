//! One room for one intent: found, or made, or completed.

use std::{collections::BTreeSet, time::Duration};

use matrix_sdk::ruma::{OwnedRoomId, RoomId};
use serde_json::json;
use uuid::Uuid;

use super::{Provisioner, SETTLES_WITHIN};
use crate::{
    boundary::{Boundary, reached},
    core::chat::ChatRoomsError,
    matrix::{
        client::{InitialState, MatrixError, NewRoom},
        marker::{self, CREATION_KEY, CreationFacts},
        state::StateEvent,
        store::Provision,
    },
};

/// How often a room that may still be in the making is looked for.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(300);

impl Provisioner {
    /// The room of this wish. Exactly one exists afterwards, and its state is complete.
    pub(super) async fn ensure_room(
        &self,
        wish: &Provision,
        new: &NewRoom,
    ) -> Result<OwnedRoomId, ChatRoomsError> {
        if let Some(room) = &wish.room {
            match self.complete(room, new).await {
                Ok(()) => return Ok(room.clone()),
                Err(error) if self.client.joined_rooms().await?.contains(room) => {
                    return Err(error);
                }
                // The bot was in it and is not any more: another one takes its place.
                Err(_) => {
                    tracing::warn!(room.id = %room, intent = %wish.intent, "a room that was made is lost");
                }
            }
        }
        // Without a record of earlier requests, one may have been under way when the process started.
        let requested_at = wish.requested_at.or(self.amnesia_since);
        if let Some(room) = self.find(wish.intent).await? {
            tracing::info!(room.id = %room, intent = %wish.intent, "adopting a room that was made before");
            return self.adopt(wish, room, new).await;
        }
        if let Some(at) = requested_at {
            let waited = self.clock.now().duration_since(at).unwrap_or_default();
            if waited < SETTLES_WITHIN {
                return Err(ChatRoomsError::Later(Some(LOOK_AGAIN_AFTER)));
            }
        }
        let requested = |at| self.store.provision_requested(wish.intent, at);
        requested(Some(self.clock.now())).await?;
        reached(Boundary::RoomRequested);
        match self.client.create_room(new).await {
            Ok(room) => {
                reached(Boundary::RoomMade);
                self.store.provision_room(wish.intent, &room).await?;
                reached(Boundary::RoomRecorded);
                Ok(room)
            }
            Err(MatrixError::Unanswered(reason)) => {
                tracing::warn!(intent = %wish.intent, reason, "createRoom was not answered: looking for the room");
                requested(Some(self.clock.now())).await?;
                Err(ChatRoomsError::Later(Some(LOOK_AGAIN_AFTER)))
            }
            Err(error @ MatrixError::Refused { .. }) => {
                // A refusal midway leaves a room behind that we are in.
                match self.find(wish.intent).await? {
                    Some(room) => self.adopt(wish, room, new).await,
                    None => Err(error.into()),
                }
            }
            Err(error @ MatrixError::RateLimited { .. }) => {
                // The server did nothing: no room can come of this request.
                requested(wish.requested_at).await?;
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn adopt(
        &self,
        wish: &Provision,
        room: OwnedRoomId,
        new: &NewRoom,
    ) -> Result<OwnedRoomId, ChatRoomsError> {
        self.store.provision_room(wish.intent, &room).await?;
        self.complete(&room, new).await?;
        Ok(room)
    }

    /// The joined room whose creation content names the intent; the oldest, should there be two.
    async fn find(&self, intent: Uuid) -> Result<Option<OwnedRoomId>, ChatRoomsError> {
        let joined = self.client.joined_rooms().await?;
        let mut candidates = self.store.created_for(intent).await?;
        candidates.retain(|(room, _)| joined.contains(room));
        let cached: BTreeSet<OwnedRoomId> = self
            .store
            .joined_rooms()
            .await?
            .into_iter()
            .map(|(room, _)| room)
            .collect();
        for room in joined.difference(&cached) {
            if let Some(create) = self.asked_create_event(room).await? {
                candidates.push((room.clone(), create));
            }
        }
        Ok(candidates
            .into_iter()
            .filter(|(_, create)| self.is_ours(create, intent))
            .min_by_key(|(room, create)| (create.origin_server_ts, room.clone()))
            .map(|(room, _)| room))
    }

    fn is_ours(&self, create: &StateEvent, intent: Uuid) -> bool {
        let facts: Option<CreationFacts> = create.content.get(CREATION_KEY).and_then(marker::read);
        create.sender == self.client.user_id() && facts.is_some_and(|facts| facts.intent == intent)
    }

    /// For a room no sync has brought yet.
    async fn asked_create_event(
        &self,
        room: &RoomId,
    ) -> Result<Option<StateEvent>, ChatRoomsError> {
        match self.client.room_state(room).await {
            Ok(state) => Ok(state
                .into_iter()
                .find(|event| event.event_type == "m.room.create")),
            // Left or lost access meanwhile.
            Err(MatrixError::Refused { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes what a `createRoom` that broke off did not get to, and what was decided otherwise since: its Space may have
    /// been replaced meanwhile. Power levels and the name stay as they are where they are there.
    async fn complete(&self, room: &RoomId, new: &NewRoom) -> Result<(), ChatRoomsError> {
        let current = self.client.room_state(room).await?;
        let bot = self.client.user_id();
        let has = |event_type: &str, state_key: &str| {
            current.iter().any(|event| {
                event.event_type == event_type
                    && event.state_key == state_key
                    && event.sender == bot
            })
        };
        if !has("m.room.power_levels", "") {
            self.client
                .put_state(room, "m.room.power_levels", "", &new.power_levels)
                .await?;
        }
        let stands = |wanted: &InitialState| {
            current.iter().any(|event| {
                event.event_type == wanted.event_type
                    && event.state_key == wanted.state_key
                    && event.sender == bot
                    && event.content == wanted.content
            })
        };
        for event in &new.initial_state {
            if !stands(event) {
                self.client
                    .put_state(room, &event.event_type, &event.state_key, &event.content)
                    .await?;
            }
        }
        let is_wanted = |parent: &StateEvent| {
            let mut wanted = new.initial_state.iter();
            wanted.any(|event| {
                event.event_type == parent.event_type && event.state_key == parent.state_key
            })
        };
        for parent in &current {
            let is_link =
                parent.event_type == "m.space.parent" && parent.content.get("via").is_some();
            if is_link && parent.sender == bot && !is_wanted(parent) {
                self.client
                    .put_state(room, "m.space.parent", &parent.state_key, &json!({}))
                    .await?;
            }
        }
        if !current
            .iter()
            .any(|event| event.event_type == "m.room.name")
        {
            self.client
                .put_state(room, "m.room.name", "", &json!({"name": new.name}))
                .await?;
        }
        Ok(())
    }
}
