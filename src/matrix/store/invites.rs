//! Invitations on their way from arrival to the pointer in the entry room.

use matrix_sdk::ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use rusqlite::params;

use super::{Store, StoreError, state_cache};

/// How far an invitation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteStep {
    /// To be joined or refused.
    Received,
    /// Joined; the inviter's Space and the pointer are still to come.
    Joined,
}

/// One invitation that is not finished with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// The room we are invited to.
    pub room: OwnedRoomId,
    /// By whom.
    pub inviter: OwnedUserId,
    /// The pointer's transaction id comes from it.
    pub nonce: String,
    /// How far it has come.
    pub step: InviteStep,
}

impl Store {
    /// All invitations that are not finished with.
    pub async fn invites(&self) -> Result<Vec<Invite>, StoreError> {
        self.call(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT room_id, inviter, nonce, step FROM invite ORDER BY room_id",
            )?;
            let rows: Vec<(String, String, String, String)> = statement
                .query_map([], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })?
                .collect::<Result<_, _>>()?;
            Ok(rows
                .into_iter()
                .filter_map(|(room, inviter, nonce, step)| {
                    Some(Invite {
                        room: room.try_into().ok()?,
                        inviter: inviter.try_into().ok()?,
                        nonce,
                        step: if step == "joined" {
                            InviteStep::Joined
                        } else {
                            InviteStep::Received
                        },
                    })
                })
                .collect())
        })
        .await
    }

    /// The room is joined and remembered as the inviter's entry room.
    pub async fn invite_joined(&self, room: &RoomId, inviter: &UserId) -> Result<(), StoreError> {
        let (room, inviter) = (room.to_string(), inviter.to_string());
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            transaction.execute(
                "INSERT INTO invite (room_id, inviter, nonce, step) VALUES (?1, ?2, ?3, 'joined')
                 ON CONFLICT (room_id) DO UPDATE SET step = 'joined'",
                params![room, inviter, uuid::Uuid::new_v4().to_string()],
            )?;
            transaction.execute(
                "INSERT INTO matrix_room (room_id, room_type, matrix_user_id) VALUES (?1, 'entry', ?2)
                 ON CONFLICT (room_id) DO UPDATE SET room_type = 'entry', matrix_user_id = ?2, gone = 0",
                params![room, inviter],
            )?;
            state_cache::expect(&transaction, &room, Some(&inviter))?;
            Ok(transaction.commit()?)
        })
        .await
    }

    /// The invitation is finished with, one way or another.
    pub async fn invite_finished(&self, room: &RoomId) -> Result<(), StoreError> {
        let room = room.to_string();
        self.call(move |connection| {
            connection.execute("DELETE FROM invite WHERE room_id = ?1", [room])?;
            Ok(())
        })
        .await
    }
}
