//! Rooms that the bot lost without leaving them, as when the server's operator deletes them, and the Space that is made in
//! place of one of them.
//!
//! A new Space is recorded in the user's row when it is complete. From then on the rows of older chats name another Space
//! than their owner's row does, until reconcile has moved the chats: markers and links first, rows last. Wherever the
//! process dies, the next start or the next command finds what is left to do there.

use matrix_sdk::ruma::RoomId;

use super::{Provisioner, room_id};
use crate::core::{
    chat::{ChatRoomsError, ChatStatus, ChatStore, Owner},
    ids::UserKey,
};

impl Provisioner {
    /// Marks the user's rooms in which the bot is no longer as gone: of a room that was deleted no sync may tell.
    pub(super) async fn drop_lost_rooms(&self, user: &UserKey) -> Result<(), ChatRoomsError> {
        let mut known = Vec::new();
        if let Some(owner) = self.store.owner(user).await? {
            known.push(owner.space);
        }
        let chats = self.store.chats_of(user).await?.into_iter();
        known.extend(
            chats
                .filter(|chat| chat.status != ChatStatus::Gone)
                .map(|chat| chat.room),
        );
        if known.is_empty() {
            return Ok(());
        }
        let joined = self.client.joined_rooms().await?;
        for room in known {
            let room = room_id(&room)?;
            if !joined.contains(&room) {
                tracing::info!(room.id = %room, user.id = %user, "the bot is no longer in a room of this user");
                self.store.room_left(&room).await?;
            }
        }
        Ok(())
    }

    /// Whether the bot is no longer in the owner's Space.
    pub(super) async fn has_lost(&self, owner: &Owner) -> Result<bool, ChatRoomsError> {
        let space = room_id(&owner.space)?;
        self.attempts(&owner.user, || Box::pin(self.is_outside(&space)))
            .await
    }

    pub(super) async fn is_outside(&self, room: &RoomId) -> Result<bool, ChatRoomsError> {
        let joined = self.client.joined_rooms().await?;
        Ok(!joined.contains(room))
    }

    /// Whether chats of the owner are still in another Space.
    pub(super) async fn has_chats_elsewhere(&self, owner: &Owner) -> Result<bool, ChatRoomsError> {
        let chats = self.store.chats_of(&owner.user).await?;
        Ok(chats
            .iter()
            .any(|chat| chat.status != ChatStatus::Gone && chat.space != owner.space))
    }
}
