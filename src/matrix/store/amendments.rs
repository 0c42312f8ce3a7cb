//! Edits and redactions of messages whose turn has not come, and edits of messages that a gap still hides.

use matrix_sdk::ruma::{EventId, OwnedUserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::{StoreError, compaction, journal::to_json};
use crate::matrix::{
    batch::TimelineItem,
    intake::{Amendment, Edit},
};

/// An edit or redaction of a message whose turn has not come. Only its own sender changes a message; only a redaction by
/// someone with the power for it passes the server.
pub(super) fn apply(
    connection: &Connection,
    room: &str,
    amendment: &Amendment,
) -> Result<(), StoreError> {
    match amendment {
        Amendment::Redact { target } => {
            connection
                .prepare_cached("UPDATE journal SET state = 'done', item = NULL WHERE event_id = ?1 AND state = 'pending'")?
                .execute([target.as_str()])?;
        }
        Amendment::Edit(edit) => {
            if !change(connection, edit)? {
                hold_newer(connection, room, edit)?;
            }
        }
    }
    Ok(())
}

/// Tells whether the message is known, whatever became of it.
fn change(connection: &Connection, edit: &Edit) -> Result<bool, StoreError> {
    let found: Option<(String, Option<String>)> = connection
        .prepare_cached("SELECT sender, item FROM journal WHERE event_id = ?1")?
        .query_row([edit.target.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((sender, item)) = found else {
        return compaction::was_handled(connection, edit.target.as_str());
    };
    let waiting = item.filter(|_| sender == edit.sender.as_str());
    let Some(mut item) = waiting.and_then(|item| serde_json::from_str::<TimelineItem>(&item).ok())
    else {
        return Ok(true);
    };
    // A thread or reply stays what it was: the new content of an edit does not name it.
    let relation = item.content.get("m.relates_to").cloned();
    item.content = edit.content.clone();
    if let (Some(relation), Some(content)) = (relation, item.content.as_object_mut()) {
        content.insert("m.relates_to".to_owned(), relation);
    }
    connection
        .prepare_cached("UPDATE journal SET item = ?2 WHERE event_id = ?1 AND state = 'pending'")?
        .execute(params![edit.target.as_str(), to_json(&item)])?;
    Ok(true)
}

/// An edit from a sync, which is newer than all that is held: its message may still be in a gap of the room.
fn hold_newer(connection: &Connection, room: &str, edit: &Edit) -> Result<(), StoreError> {
    hold(connection, room, edit, "REPLACE")
}

/// An edit from a page of a gap, which is older than all that is held.
pub(super) fn hold_older(
    connection: &Connection,
    room: &str,
    edit: &Edit,
) -> Result<(), StoreError> {
    hold(connection, room, edit, "INSERT OR IGNORE")
}

fn hold(connection: &Connection, room: &str, edit: &Edit, how: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached(&format!(
            "{how} INTO held_edit (target, room_id, sender, content)
             SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM gap WHERE room_id = ?2)"
        ))?
        .execute(params![
            edit.target.as_str(),
            room,
            edit.sender.as_str(),
            edit.content.to_string()
        ])?;
    Ok(())
}

/// The message came out of a gap: it takes the form of the edit that waits for it.
pub(super) fn apply_held(connection: &Connection, target: &EventId) -> Result<(), StoreError> {
    let held: Option<(String, String)> = connection
        .prepare_cached("SELECT sender, content FROM held_edit WHERE target = ?1")?
        .query_row([target.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((sender, content)) = held else {
        return Ok(());
    };
    if let (Ok(sender), Ok(content)) = (
        OwnedUserId::try_from(sender),
        serde_json::from_str(&content),
    ) {
        change(
            connection,
            &Edit {
                target: target.to_owned(),
                sender,
                content,
            },
        )?;
    }
    Ok(())
}

/// Without a gap in the room, nothing can come that an edit waits for.
pub(super) fn let_go(connection: &Connection, room: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM held_edit WHERE room_id = ?1 AND NOT EXISTS (SELECT 1 FROM gap WHERE room_id = ?1)",
        )?
        .execute([room])?;
    Ok(())
}
