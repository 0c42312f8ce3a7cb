//! Rooms being made: what is to be, and how far it has come.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use matrix_sdk::ruma::{OwnedRoomId, RoomId};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use uuid::Uuid;

use super::{Store, StoreError, follow, state_cache, tables};
use crate::matrix::reconcile::RowChanges;

/// One room being made.
#[derive(Clone, Debug, PartialEq)]
pub struct Provision {
    /// Names the wish; stands in the room's creation content.
    pub intent: Uuid,
    /// `space` or `chat`.
    pub kind: String,
    /// Whose room it will be.
    pub owner: String,
    /// The room as it is to be; its meaning is provisioning's own.
    pub plan: Value,
    /// When `createRoom` was last asked for without its end being known.
    pub requested_at: Option<SystemTime>,
    /// Once it is known.
    pub room: Option<OwnedRoomId>,
}

impl Store {
    /// The recorded wish with this intent.
    pub async fn provision(&self, intent: Uuid) -> Result<Option<Provision>, StoreError> {
        self.call(move |connection| find(connection, intent)).await
    }

    /// All intents of rooms being made.
    pub async fn provision_intents(&self) -> Result<Vec<Uuid>, StoreError> {
        self.call(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT intent FROM provision ORDER BY intent")?;
            let intents: Vec<String> = statement
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            Ok(intents
                .iter()
                .filter_map(|intent| intent.parse().ok())
                .collect())
        })
        .await
    }

    /// Records the wish, unless it is recorded already; returns the record.
    pub async fn begin_provision(&self, wish: Provision) -> Result<Provision, StoreError> {
        self.call(move |connection| {
            connection.execute(
                "INSERT OR IGNORE INTO provision (intent, kind, owner, plan) VALUES (?1, ?2, ?3, ?4)",
                params![wish.intent.to_string(), wish.kind, wish.owner, wish.plan.to_string()],
            )?;
            Ok(find(connection, wish.intent)?.unwrap_or(wish))
        })
        .await
    }

    /// `createRoom` is about to be asked for, or (`None`) is known to have done nothing.
    pub async fn provision_requested(
        &self,
        intent: Uuid,
        at: Option<SystemTime>,
    ) -> Result<(), StoreError> {
        let millis = at.map(|at| {
            i64::try_from(
                at.duration_since(UNIX_EPOCH)
                    .unwrap_or_default()
                    .as_millis(),
            )
            .unwrap_or(i64::MAX)
        });
        self.call(move |connection| {
            connection.execute(
                "UPDATE provision SET requested_at = ?2 WHERE intent = ?1",
                params![intent.to_string(), millis],
            )?;
            Ok(())
        })
        .await
    }

    /// The room exists.
    pub async fn provision_room(&self, intent: Uuid, room: &RoomId) -> Result<(), StoreError> {
        let room = room.to_string();
        self.call(move |connection| {
            connection.execute(
                "UPDATE provision SET room_id = ?2 WHERE intent = ?1",
                params![intent.to_string(), room],
            )?;
            Ok(())
        })
        .await
    }

    /// The room is complete: its rows take the place of the record.
    pub async fn finish_provision(&self, intent: Uuid, rows: RowChanges) -> Result<(), StoreError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            tables::write_changes(&transaction, &rows)?;
            for room in &rows.put_rooms {
                state_cache::expect(&transaction, &room.room_id, None)?;
                follow::kept_name(&transaction, &room.room_id)?;
                follow::left_before(&transaction, &room.room_id)?;
            }
            transaction.execute(
                "DELETE FROM provision WHERE intent = ?1",
                [intent.to_string()],
            )?;
            follow::forget_left(&transaction)?;
            Ok(transaction.commit()?)
        })
        .await
    }
}

fn find(connection: &Connection, intent: Uuid) -> Result<Option<Provision>, StoreError> {
    let row = connection
        .prepare_cached(
            "SELECT kind, owner, plan, requested_at, room_id FROM provision WHERE intent = ?1",
        )?
        .query_row([intent.to_string()], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, Option<i64>>(3)?,
                row.get::<_, Option<String>>(4)?,
            ))
        })
        .optional()?;
    Ok(row.and_then(|(kind, owner, plan, requested_at, room)| {
        Some(Provision {
            intent,
            kind,
            owner,
            plan: serde_json::from_str(&plan).ok()?,
            requested_at: requested_at.map(|millis| {
                UNIX_EPOCH + Duration::from_millis(u64::try_from(millis).unwrap_or(0))
            }),
            room: room.and_then(|room| room.try_into().ok()),
        })
    }))
}
