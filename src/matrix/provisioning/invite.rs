//! Users are invited at once, or when the homeserver lets the bot invite them. Nothing else waits for that.

use std::time::Duration;

use matrix_sdk::ruma::{RoomId, UserId};

use super::{Provisioner, user_id};
use crate::{
    core::{chat::ChatRoomsError, ids::UserKey},
    matrix::{client::MatrixError, state::StateEvent, store::OwedInvite},
};

/// The time until an invitation is tried again, where the server names none.
const INVITE_PAUSE: Duration = Duration::from_mins(1);
/// The longest such time, whatever the server names.
const LONGEST_DELAY: Duration = Duration::from_hours(1);

impl Provisioner {
    /// Invites a user who is neither in the room nor invited, or records that this is to be done later; tells whether
    /// that was needed.
    pub(super) async fn ensure_invited(
        &self,
        room: &RoomId,
        user: &UserKey,
    ) -> Result<bool, ChatRoomsError> {
        let user = user_id(user)?;
        let owed = self.store.owed_invite(room, &user).await?;
        if self.is_in(room, &user).await? {
            self.store.invite_settled(room, &user).await?;
            return Ok(false);
        }
        if owed.is_some_and(|owed| !self.delay_of(&owed).is_zero()) {
            return Ok(true);
        }
        match self.client.invite(room, &user).await {
            Ok(()) => {
                self.store.invite_settled(room, &user).await?;
                Ok(true)
            }
            Err(MatrixError::RateLimited { retry_after }) => {
                let delay = retry_after.unwrap_or(INVITE_PAUSE).min(LONGEST_DELAY);
                tracing::info!(room.id = %room, user.id = %user, delay_ms = delay.as_millis(), "invitation delayed by the homeserver");
                self.owe_invite(room, &user, delay).await?;
                Ok(true)
            }
            // In the room already, or not to be invited: the link still leads there.
            Err(error @ MatrixError::Refused { .. }) => {
                tracing::info!(room.id = %room, user.id = %user, %error, "the user is not invited");
                self.store.invite_settled(room, &user).await?;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Records that the user is to be invited, so that it happens whatever becomes of this process.
    pub(super) async fn owe_invite(
        &self,
        room: &RoomId,
        user: &UserId,
        delay: Duration,
    ) -> Result<(), ChatRoomsError> {
        let owed = OwedInvite {
            room: room.to_owned(),
            user: user.to_owned(),
            not_before: self.clock.now() + delay,
        };
        Ok(self.store.owe_invite(&owed).await?)
    }

    /// How long it is until the invitation may be sent.
    pub fn delay_of(&self, owed: &OwedInvite) -> Duration {
        let delay = owed.not_before.duration_since(self.clock.now());
        delay.unwrap_or_default().min(LONGEST_DELAY)
    }

    /// Sends an invitation whose time has come, where it is still needed. Where the server delays it again, that is
    /// recorded.
    pub async fn invite_owed(&self, owed: &OwedInvite) -> Result<(), ChatRoomsError> {
        let user = UserKey::new(owed.user.as_str());
        let sent = self
            .attempts(&user, || Box::pin(self.invite_now(owed)))
            .await;
        match sent {
            // The bot is not in the room any more.
            Err(ChatRoomsError::Refused(error)) => {
                tracing::info!(room.id = %owed.room, user.id = %user, %error, "the user is not invited");
                Ok(self.store.invite_settled(&owed.room, &owed.user).await?)
            }
            other => other,
        }
    }

    async fn invite_now(&self, owed: &OwedInvite) -> Result<(), ChatRoomsError> {
        let still_owed = self.store.owed_invite(&owed.room, &owed.user).await?;
        if still_owed.is_some() {
            let user = UserKey::new(owed.user.as_str());
            self.ensure_invited(&owed.room, &user).await?;
        }
        Ok(())
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
}

fn membership(member: &StateEvent) -> Option<&str> {
    member.content.get("membership")?.as_str()
}
