//! [`MatrixClient`] over matrix-sdk. Translates and nothing else: no retries, no decisions.

mod errors;
mod media;

use std::{collections::BTreeSet, time::Duration};

use async_trait::async_trait;
use matrix_sdk::{
    Client, Room, RoomState,
    ruma::{
        EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId,
        api::{
            Direction,
            client::{
                config::set_room_account_data,
                discovery::get_capabilities,
                membership, message, profile, read_marker,
                room::{create_room, get_room_event},
                state, typing,
            },
        },
        events::{
            AnySyncTimelineEvent, MessageLikeEventType, RoomAccountDataEventType, StateEventType,
        },
        serde::Raw,
        uint,
    },
};
use serde_json::{Value, json, value::to_raw_value};

pub(super) use self::errors::{chain, failure};
use crate::matrix::{
    batch::TimelineItem,
    client::{MatrixClient, MatrixError, NewRoom},
    state::StateEvent,
    wire,
};

/// How long a typing notice lasts unless it is shown again.
pub const TYPING_LASTS: Duration = Duration::from_secs(30);
/// How often a room that is expected is looked for.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);
/// How long one attempt waits for a room the sync has not brought yet.
const ROOM_ARRIVES_WITHIN: Duration = Duration::from_secs(1);

/// A logged-in client.
#[derive(Clone)]
pub struct SdkClient {
    client: Client,
    user_id: OwnedUserId,
    decryptions: media::Decryptions,
}

impl SdkClient {
    /// Wraps a client that is logged in.
    pub fn new(client: Client) -> Result<Self, MatrixError> {
        let user_id = client
            .user_id()
            .ok_or_else(|| MatrixError::Local("not logged in".to_owned()))?
            .to_owned();
        Ok(Self {
            client,
            user_id,
            decryptions: media::Decryptions::default(),
        })
    }

    /// The room, once a sync has brought it: before that the SDK does not know whether it is encrypted, and nothing may
    /// be sent. Where the SDK does not have it as joined, the server is asked, because the SDK learns of joins and
    /// departures only by syncs.
    async fn synced_room(&self, room: &RoomId) -> Result<Room, MatrixError> {
        if let Some(known) = self.known_room(room) {
            return Ok(known);
        }
        self.ensure_joined(room).await?;
        let arrives = async {
            loop {
                match self.known_room(room) {
                    Some(known) => return known,
                    None => tokio::time::sleep(LOOK_AGAIN_AFTER).await,
                }
            }
        };
        tokio::time::timeout(ROOM_ARRIVES_WITHIN, arrives)
            .await
            .map_err(|_| MatrixError::RoomNotSynced)
    }

    fn known_room(&self, room: &RoomId) -> Option<Room> {
        self.client.get_room(room).filter(|room| {
            room.state() == RoomState::Joined && room.is_state_partially_or_fully_synced()
        })
    }

    /// An error unless the server says that the bot is in the room. A room that it was never in, or that does not exist,
    /// is refused by the server itself.
    async fn ensure_joined(&self, room: &RoomId) -> Result<(), MatrixError> {
        let request = state::get_state_event_for_key::v3::Request::new(
            room.to_owned(),
            StateEventType::RoomMember,
            self.user_id.to_string(),
        );
        let answer = self.client.send(request).await?;
        let member: Value = serde_json::from_str(answer.event_or_content.get()).unwrap_or_default();
        match member["membership"].as_str() {
            Some("join") => Ok(()),
            membership => Err(MatrixError::Refused {
                status: 403,
                errcode: "M_FORBIDDEN".to_owned(),
                message: format!("our membership is {}", membership.unwrap_or("unknown")),
            }),
        }
    }
}

#[async_trait]
impl MatrixClient for SdkClient {
    fn user_id(&self) -> &UserId {
        &self.user_id
    }

    async fn joined_rooms(&self) -> Result<BTreeSet<OwnedRoomId>, MatrixError> {
        let response = self
            .client
            .send(membership::joined_rooms::v3::Request::new())
            .await?;
        Ok(response.joined_rooms.into_iter().collect())
    }

    async fn room_state(&self, room: &RoomId) -> Result<Vec<StateEvent>, MatrixError> {
        let response = self
            .client
            .send(state::get_state_events::v3::Request::new(room.to_owned()))
            .await?;
        Ok(response
            .room_state
            .iter()
            .filter_map(|event| wire::kept_state_event(&json_of(event)))
            .collect())
    }

    async fn joined_members(&self, room: &RoomId) -> Result<BTreeSet<OwnedUserId>, MatrixError> {
        let response = self
            .client
            .send(membership::joined_members::v3::Request::new(
                room.to_owned(),
            ))
            .await?;
        Ok(response.joined.into_keys().collect())
    }

    async fn display_name(&self, user: &UserId) -> Result<Option<String>, MatrixError> {
        let request = profile::get_profile::v3::Request::new(user.to_owned());
        match self.client.send(request).await.map_err(MatrixError::from) {
            Ok(response) => Ok(response
                .get("displayname")
                .and_then(Value::as_str)
                .map(str::to_owned)),
            Err(MatrixError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn default_room_version(&self) -> Result<String, MatrixError> {
        let response = self
            .client
            .send(get_capabilities::v3::Request::new())
            .await?;
        Ok(response.capabilities.room_versions.default.to_string())
    }

    async fn create_room(&self, room: &NewRoom) -> Result<OwnedRoomId, MatrixError> {
        let mut request = create_room::v3::Request::new();
        request.creation_content = Some(raw(&room.creation_content));
        request.preset = Some(create_room::v3::RoomPreset::PrivateChat);
        request.name = Some(room.name.clone());
        request.power_level_content_override = Some(raw(&room.power_levels));
        request.initial_state = room
            .initial_state
            .iter()
            .map(|event| {
                raw(&json!({"type": event.event_type, "state_key": event.state_key, "content": event.content}))
            })
            .collect();
        Ok(self.client.send(request).await?.room_id)
    }

    async fn put_state(
        &self,
        room: &RoomId,
        event_type: &str,
        state_key: &str,
        content: &Value,
    ) -> Result<(), MatrixError> {
        let request = state::send_state_event::v3::Request::new_raw(
            room.to_owned(),
            StateEventType::from(event_type),
            state_key.to_owned(),
            raw(content),
        );
        self.client.send(request).await?;
        Ok(())
    }

    async fn put_room_account_data(
        &self,
        room: &RoomId,
        event_type: &str,
        content: &Value,
    ) -> Result<(), MatrixError> {
        let request = set_room_account_data::v3::Request::new_raw(
            self.user_id.clone(),
            room.to_owned(),
            RoomAccountDataEventType::from(event_type),
            raw(content),
        );
        self.client.send(request).await?;
        Ok(())
    }

    async fn invite(&self, room: &RoomId, user: &UserId) -> Result<(), MatrixError> {
        use membership::invite_user::v3::{InvitationRecipient, InviteUserId, Request};
        let recipient = InvitationRecipient::UserId(InviteUserId::new(user.to_owned()));
        self.client
            .send(Request::new(room.to_owned(), recipient))
            .await?;
        Ok(())
    }

    async fn join(&self, room: &RoomId) -> Result<(), MatrixError> {
        self.client
            .send(membership::join_room_by_id::v3::Request::new(
                room.to_owned(),
            ))
            .await?;
        Ok(())
    }

    async fn leave(&self, room: &RoomId) -> Result<(), MatrixError> {
        self.client
            .send(membership::leave_room::v3::Request::new(room.to_owned()))
            .await?;
        Ok(())
    }

    async fn forget(&self, room: &RoomId) -> Result<(), MatrixError> {
        self.client
            .send(membership::forget_room::v3::Request::new(room.to_owned()))
            .await?;
        Ok(())
    }

    async fn send_message(
        &self,
        room: &RoomId,
        transaction_id: &str,
        content: &Value,
    ) -> Result<OwnedEventId, MatrixError> {
        let room = self.synced_room(room).await?;
        let result = room
            .send_raw(
                &MessageLikeEventType::RoomMessage.to_string(),
                content.clone(),
            )
            .with_transaction_id(transaction_id.into())
            .await
            .map_err(failure)?;
        Ok(result.response.event_id)
    }

    async fn set_read_marker(&self, room: &RoomId, event: &EventId) -> Result<(), MatrixError> {
        let mut request = read_marker::set_read_marker::v3::Request::new(room.to_owned());
        request.fully_read = Some(event.to_owned());
        request.read_receipt = Some(event.to_owned());
        self.client.send(request).await?;
        Ok(())
    }

    async fn set_typing(&self, room: &RoomId, typing: bool) -> Result<(), MatrixError> {
        use typing::create_typing_event::v3::{Request, Typing, TypingInfo};
        let state = if typing {
            Typing::Yes(TypingInfo::new(TYPING_LASTS))
        } else {
            Typing::No
        };
        self.client
            .send(Request::new(self.user_id.clone(), room.to_owned(), state))
            .await?;
        Ok(())
    }

    async fn decrypt(
        &self,
        room: &RoomId,
        item: &TimelineItem,
    ) -> Result<Option<TimelineItem>, MatrixError> {
        let Some(known) = self.client.get_room(room) else {
            return Ok(None);
        };
        let encrypted = raw(&json!({
            "type": item.event_type,
            "event_id": item.event_id,
            "sender": item.sender,
            "origin_server_ts": item.origin_server_ts,
            "room_id": room,
            "content": item.content,
        }));
        let event = known
            .decrypt_event(&encrypted, None)
            .await
            .map_err(failure)?;
        Ok(if event.kind.is_utd() {
            None
        } else {
            timeline_item(event.raw())
        })
    }

    async fn event(
        &self,
        room: &RoomId,
        event: &EventId,
    ) -> Result<Option<TimelineItem>, MatrixError> {
        let request = get_room_event::v3::Request::new(room.to_owned(), event.to_owned());
        let mut found = json_of(&self.client.send(request).await?.event);
        let is_encrypted = found["type"] == "m.room.encrypted";
        if let Some(known) = self.client.get_room(room).filter(|_| is_encrypted) {
            let encrypted = raw(&found);
            // Its bundled edit is decrypted with it.
            let event = known.decrypt_event(&encrypted, None).await;
            let event = event.map_err(failure)?;
            if !event.kind.is_utd() {
                found = json_of(event.raw());
            }
        }
        Ok(wire::in_newest_form(&found))
    }

    async fn messages_before(
        &self,
        room: &RoomId,
        from: Option<&str>,
    ) -> Result<(Vec<TimelineItem>, Option<String>), MatrixError> {
        // With a room the SDK knows, encrypted events of the page are decrypted where the keys are there.
        if let Some(known) = self.client.get_room(room) {
            let mut options = matrix_sdk::room::MessagesOptions::backward().from(from);
            options.limit = uint!(100);
            let page = known.messages(options).await.map_err(failure)?;
            let items = page
                .chunk
                .iter()
                .filter_map(|event| wire::timeline_item(&json_of(event.raw())))
                .collect();
            return Ok((items, page.end));
        }
        let mut request =
            message::get_message_events::v3::Request::new(room.to_owned(), Direction::Backward);
        request.from = from.map(str::to_owned);
        request.limit = uint!(100);
        let page = self.client.send(request).await?;
        let items = page
            .chunk
            .iter()
            .filter_map(|event| wire::timeline_item(&json_of(event)))
            .collect();
        Ok((items, page.end))
    }
}

/// The JSON inside; ours and the server's are both valid JSON by the time they are [`Raw`].
pub(super) fn json_of<T>(raw: &Raw<T>) -> Value {
    serde_json::from_str(raw.json().get()).unwrap_or(Value::Null)
}

/// The event of a timeline as the SDK hands it out: decrypted where that was possible.
pub(super) fn timeline_item(raw: &Raw<AnySyncTimelineEvent>) -> Option<TimelineItem> {
    wire::timeline_item(&json_of(raw))
}

fn raw<T>(content: &Value) -> Raw<T> {
    Raw::from_json(to_raw_value(content).expect("a JSON value is valid JSON"))
}
