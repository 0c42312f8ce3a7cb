//! Edits and redactions of messages whose turn has not come, and edits of messages that a gap still hides.

use matrix_sdk::ruma::{EventId, OwnedUserId};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::{StoreError, compaction, journal::to_json};
use crate::matrix::{
    batch::TimelineItem,
    intake::{Amendment, Edit, Redaction},
};

/// The power that redacting the events of others takes where the room says nothing else.
const POWER_TO_REDACT: i64 = 50;

/// An edit or redaction of a message of this room whose turn has not come. Only its own sender changes a message.
pub(super) fn apply(
    connection: &Connection,
    room: &str,
    amendment: &Amendment,
) -> Result<(), StoreError> {
    match amendment {
        Amendment::Redact(redaction) => redact(connection, room, redaction),
        Amendment::Edit(edit) => {
            change(connection, room, edit)?;
            hold_newer(connection, room, edit)
        }
    }
}

/// Ends the waiting of a message that its sender, or somebody with the power for it, has redacted. Servers check that too;
/// a room of an old version may pass on what nobody has checked.
pub(super) fn redact(
    connection: &Connection,
    room: &str,
    redaction: &Redaction,
) -> Result<(), StoreError> {
    let target = redaction.target.as_str();
    let sender: Option<String> = connection
        .prepare_cached("SELECT sender FROM journal WHERE event_id = ?1 AND room_id = ?2")?
        .query_row([target, room], |row| row.get(0))
        .optional()?;
    let Some(sender) = sender else {
        return Ok(());
    };
    if sender == redaction.sender.as_str() || may_redact(connection, room, &redaction.sender)? {
        connection
            .prepare_cached(
                "UPDATE journal SET state = 'done', item = NULL
                 WHERE event_id = ?1 AND state IN ('pending', 'refused', 'parked')",
            )?
            .execute([target])?;
    }
    Ok(())
}

/// Whether the user may redact the events of others, by the kept power levels.
fn may_redact(connection: &Connection, room: &str, user: &OwnedUserId) -> Result<bool, StoreError> {
    let levels: Option<String> = connection
        .prepare_cached(
            "SELECT content FROM room_state
             WHERE room_id = ?1 AND event_type = 'm.room.power_levels' AND state_key = ''",
        )?
        .query_row([room], |row| row.get(0))
        .optional()?;
    let levels: Value = levels
        .and_then(|levels| serde_json::from_str(&levels).ok())
        .unwrap_or_default();
    let level = |value: &Value| value.as_i64();
    let has = level(&levels["users"][user.as_str()]).or_else(|| level(&levels["users_default"]));
    let needed = level(&levels["redact"]).unwrap_or(POWER_TO_REDACT);
    Ok(has.unwrap_or(0) >= needed)
}

/// Gives a message that still waits its new content.
fn change(connection: &Connection, room: &str, edit: &Edit) -> Result<(), StoreError> {
    let waiting: Option<String> = connection
        .prepare_cached(
            "SELECT item FROM journal
             WHERE event_id = ?1 AND room_id = ?2 AND sender = ?3 AND state = 'pending'",
        )?
        .query_row([edit.target.as_str(), room, edit.sender.as_str()], |row| {
            row.get(0)
        })
        .optional()?
        .flatten();
    let Some(mut item) = waiting.and_then(|item| serde_json::from_str::<TimelineItem>(&item).ok())
    else {
        return Ok(());
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
    Ok(())
}

/// An edit from a sync, which is newer than all that is held: a gap of the room may hide its message, or an older edit.
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
    if compaction::was_handled(connection, edit.target.as_str())? {
        return Ok(());
    }
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
pub(super) fn apply_held(
    connection: &Connection,
    room: &str,
    target: &EventId,
) -> Result<(), StoreError> {
    let held: Vec<(String, String)> = connection
        .prepare_cached("SELECT sender, content FROM held_edit WHERE target = ?1 AND room_id = ?2")?
        .query_map([target.as_str(), room], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<Result<_, _>>()?;
    // Of one message, anybody may have sent edits: only those of its own sender change it.
    for (sender, content) in held {
        let (Ok(sender), Ok(content)) = (
            OwnedUserId::try_from(sender),
            serde_json::from_str(&content),
        ) else {
            continue;
        };
        let edit = Edit {
            target: target.to_owned(),
            sender,
            content,
        };
        change(connection, room, &edit)?;
    }
    Ok(())
}

/// Without a gap in the room, nothing can come that an edit waits for. Those of messages before the gap count now: the
/// newest of each is known.
pub(super) fn release_held(connection: &Connection, room: &str) -> Result<(), StoreError> {
    let is_open = connection
        .prepare_cached("SELECT 1 FROM gap WHERE room_id = ?1")?
        .exists([room])?;
    if is_open {
        return Ok(());
    }
    let targets: Vec<String> = connection
        .prepare_cached("SELECT DISTINCT target FROM held_edit WHERE room_id = ?1")?
        .query_map([room], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for target in targets {
        if let Ok(target) = <&EventId>::try_from(target.as_str()) {
            apply_held(connection, room, target)?;
        }
    }
    connection
        .prepare_cached("DELETE FROM held_edit WHERE room_id = ?1")?
        .execute([room])?;
    Ok(())
}
