//! Rows that follow the kept state of rooms, in the transaction that changes it.
//!
//! A name is written into rows here and in a reconcile, by the same reading of the same event, and nowhere else: so the
//! rows are right whoever named the room, and whatever else is being written about it.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::StoreError;
use crate::{core::chat::name, matrix::reconcile::observe::room_name};

/// The room has this `m.room.name` now.
pub(super) fn named(
    connection: &Connection,
    room: &str,
    content: &Value,
) -> Result<(), StoreError> {
    let room_type: Option<String> = connection
        .prepare_cached("SELECT room_type FROM matrix_room WHERE room_id = ?1")?
        .query_row([room], |row| row.get(0))
        .optional()?;
    let shown = room_name(content);
    let name = match room_type.as_deref() {
        Some("entry") => Some(shown.unwrap_or_default()),
        Some("space") => shown,
        Some("chat") => shown.as_deref().and_then(name::from_room),
        _ => None,
    };
    let Some(name) = name else { return Ok(()) };
    connection
        .prepare_cached(
            "UPDATE matrix_room SET display_name = ?2 WHERE room_id = ?1 AND display_name <> ?2",
        )?
        .execute(params![room, name])?;
    connection
        .prepare_cached(
            "UPDATE chat SET name = ?2 WHERE surface_ref = ?1 AND platform = 'matrix' AND name <> ?2",
        )?
        .execute(params![room, name])?;
    Ok(())
}

/// The room has a row from now on, and may have had a name before.
pub(super) fn kept_name(connection: &Connection, room: &str) -> Result<(), StoreError> {
    let content: Option<String> = connection
        .prepare_cached(
            "SELECT content FROM room_state WHERE room_id = ?1 AND event_type = 'm.room.name' AND state_key = ''",
        )?
        .query_row([room], |row| row.get(0))
        .optional()?;
    let content = content.and_then(|content| serde_json::from_str(&content).ok());
    content.map_or(Ok(()), |content| named(connection, room, &content))
}

/// The bot is no longer in the room.
pub(super) fn left(connection: &Connection, room: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE matrix_room SET gone = 1 WHERE room_id = ?1 AND gone = 0")?
        .execute([room])?;
    connection
        .prepare_cached(
            "UPDATE chat SET status = 'gone' WHERE surface_ref = ?1 AND platform = 'matrix' AND status <> 'gone'",
        )?
        .execute([room])?;
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO left_room (room_id) SELECT ?1 WHERE EXISTS (SELECT 1 FROM provision)",
        )?
        .execute([room])?;
    Ok(())
}

/// The bot is in the room.
pub(super) fn joined(connection: &Connection, room: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM left_room WHERE room_id = ?1")?
        .execute([room])?;
    Ok(())
}

/// The room has just got its first rows, and the bot may have left it before.
pub(super) fn left_before(connection: &Connection, room: &str) -> Result<(), StoreError> {
    let was_left: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM left_room WHERE room_id = ?1)")?
        .query_row([room], |row| row.get(0))?;
    if was_left {
        left(connection, room)?;
    }
    Ok(())
}

/// Forgets which rooms were left, unless a room is still being made.
pub(super) fn forget_left(connection: &Connection) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM left_room WHERE NOT EXISTS (SELECT 1 FROM provision)")?
        .execute([])?;
    Ok(())
}

/// Whether the rows say that the bot is no longer in the room. What else they would say only a reconcile knows.
pub(super) fn is_gone(connection: &Connection, room: &str) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM matrix_room WHERE room_id = ?1 AND gone <> 0)",
        )?
        .query_row([room], |row| row.get(0))?)
}
