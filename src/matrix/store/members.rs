//! Which memberships are kept: the bot's own everywhere, those of others only in rooms that the bot made.
//!
//! Who was ever in a Space tells whose it is, and who is in a chat whether to invite them. A room that somebody else made
//! may have thousands of members, and nobody asks for them.

use rusqlite::{Connection, params};

use super::StoreError;
use crate::matrix::intake::RoomIntake;

/// Takes the memberships out again that a sync brought of a room that somebody else made.
pub(super) fn drop_unneeded(connection: &Connection, room: &RoomIntake) -> Result<(), StoreError> {
    let bot = room.bot.as_str();
    let brings_others = room
        .state
        .iter()
        .any(|event| event.event_type == "m.room.member" && event.state_key != bot);
    if brings_others {
        connection
            .prepare_cached(
                "DELETE FROM room_state WHERE room_id = ?1 AND event_type = 'm.room.member' AND state_key <> ?2
                 AND EXISTS (SELECT 1 FROM room_state AS made WHERE made.room_id = ?1
                             AND made.event_type = 'm.room.create' AND made.state_key = '' AND made.sender <> ?2)",
            )?
            .execute(params![room.room.as_str(), bot])?;
    }
    Ok(())
}
