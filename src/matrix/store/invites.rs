//! Invitations on their way from arrival to the pointer in the entry room.

use matrix_sdk::ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use rusqlite::{Connection, params};

use super::{Store, StoreError, follow, state_cache};

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

    /// The invitation to this room, if there is one that is not finished with.
    pub async fn invite_to(&self, room: &RoomId) -> Result<Option<Invite>, StoreError> {
        let invites = self.invites().await?;
        Ok(invites.into_iter().find(|invite| invite.room == room))
    }

    /// The room is remembered as the inviter's entry room, whose onboarding is still to come.
    pub async fn invite_joined(&self, room: &RoomId, inviter: &UserId) -> Result<(), StoreError> {
        let (room, inviter) = (room.to_string(), inviter.to_string());
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            transaction.execute(
                "INSERT INTO invite (room_id, inviter, nonce, step) VALUES (?1, ?2, ?3, 'joined')
                 ON CONFLICT (room_id) DO UPDATE SET step = 'joined'",
                params![room, inviter, uuid::Uuid::new_v4().to_string()],
            )?;
            note_entry_room(&transaction, &room, &inviter)?;
            Ok(transaction.commit()?)
        })
        .await
    }

    /// The room of this invitation is joined. Tells whether the invitation is still the room's: the bot may have been
    /// removed, and invited again, meanwhile.
    pub async fn invite_accepted(&self, invite: &Invite) -> Result<bool, StoreError> {
        let (room, inviter) = (invite.room.to_string(), invite.inviter.to_string());
        let nonce = invite.nonce.clone();
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let known = transaction.execute(
                "UPDATE invite SET step = 'joined' WHERE room_id = ?1 AND nonce = ?2",
                [&room, &nonce],
            )?;
            if known > 0 {
                note_entry_room(&transaction, &room, &inviter)?;
            }
            transaction.commit()?;
            Ok(known > 0)
        })
        .await
    }

    /// The invitation is finished with, one way or another. A later one to the same room stays.
    pub async fn invite_finished(&self, invite: &Invite) -> Result<(), StoreError> {
        let (room, nonce) = (invite.room.to_string(), invite.nonce.clone());
        self.call(move |connection| {
            connection.execute(
                "DELETE FROM invite WHERE room_id = ?1 AND nonce = ?2",
                [room, nonce],
            )?;
            Ok(())
        })
        .await
    }
}

fn note_entry_room(connection: &Connection, room: &str, inviter: &str) -> Result<(), StoreError> {
    connection.execute(
        "INSERT INTO matrix_room (room_id, room_type, matrix_user_id) VALUES (?1, 'entry', ?2)
         ON CONFLICT (room_id) DO UPDATE SET matrix_user_id = ?2, gone = 0 WHERE room_type = 'entry'",
        params![room, inviter],
    )?;
    state_cache::expect(connection, room, Some(inviter))?;
    follow::kept_name(connection, room)
}

/// The bot is invited to the room. An invitation that a sync brings as news is a new one, even where an earlier one to
/// the same room is still worked on: the bot was removed in between. A full state repeats invitations, and says nothing
/// new unless the bot had joined.
pub(super) fn received(
    connection: &Connection,
    room: &RoomId,
    inviter: &UserId,
    is_news: bool,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO invite (room_id, inviter, nonce, step) VALUES (?1, ?2, ?3, 'received')
             ON CONFLICT (room_id) DO UPDATE
             SET inviter = excluded.inviter, nonce = excluded.nonce, step = excluded.step
             WHERE ?4 OR step <> 'received' OR inviter <> excluded.inviter",
        )?
        .execute(params![
            room.as_str(),
            inviter.as_str(),
            uuid::Uuid::new_v4().to_string(),
            is_news
        ])?;
    Ok(())
}

/// The bot is not in the room, nor invited.
pub(super) fn left(connection: &Connection, room: &RoomId) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM invite WHERE room_id = ?1")?
        .execute([room.as_str()])?;
    Ok(())
}
