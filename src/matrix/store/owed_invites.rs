//! Invitations that the homeserver lets the bot send only later.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use matrix_sdk::ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use rusqlite::params;

use super::{Store, StoreError};

/// An invitation that is still to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedInvite {
    /// To this room.
    pub room: OwnedRoomId,
    /// Of this user.
    pub user: OwnedUserId,
    /// The homeserver refuses it until then.
    pub not_before: SystemTime,
}

impl Store {
    /// All of them, by room and user.
    pub async fn owed_invites(&self) -> Result<Vec<OwedInvite>, StoreError> {
        self.call(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT room_id, user_id, not_before FROM owed_invite ORDER BY room_id, user_id",
            )?;
            let rows: Vec<(String, String, i64)> = statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect::<Result<_, _>>()?;
            Ok(rows
                .into_iter()
                .filter_map(|(room, user, millis)| {
                    Some(OwedInvite {
                        room: room.try_into().ok()?,
                        user: user.try_into().ok()?,
                        not_before: UNIX_EPOCH
                            + Duration::from_millis(u64::try_from(millis).unwrap_or(0)),
                    })
                })
                .collect())
        })
        .await
    }

    /// Records that the invitation is to be sent, and when.
    pub async fn owe_invite(&self, owed: &OwedInvite) -> Result<(), StoreError> {
        let OwedInvite {
            room,
            user,
            not_before,
        } = owed.clone();
        let since_epoch = not_before.duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        self.call(move |connection| {
            connection.execute(
                "REPLACE INTO owed_invite (room_id, user_id, not_before) VALUES (?1, ?2, ?3)",
                params![room.as_str(), user.as_str(), millis],
            )?;
            Ok(())
        })
        .await
    }

    /// The invitation of this user to this room, if there is one.
    pub async fn owed_invite(
        &self,
        room: &RoomId,
        user: &UserId,
    ) -> Result<Option<OwedInvite>, StoreError> {
        let all = self.owed_invites().await?;
        let mut matching = all.into_iter();
        Ok(matching.find(|owed| owed.room == room && owed.user == user))
    }

    /// The invitation was sent, or is not needed any more.
    pub async fn invite_settled(&self, room: &RoomId, user: &UserId) -> Result<(), StoreError> {
        let (room, user) = (room.to_string(), user.to_string());
        self.call(move |connection| {
            connection.execute(
                "DELETE FROM owed_invite WHERE room_id = ?1 AND user_id = ?2",
                [room, user],
            )?;
            Ok(())
        })
        .await
    }
}
