//! The cache of room state, which reconcile reads.

use std::collections::{BTreeMap, BTreeSet};

use matrix_sdk::ruma::{EventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Store, StoreError, follow};
use crate::matrix::{
    intake::RoomIntake,
    reconcile::observe::room_name,
    state::{RoomState, StateEvent},
};

impl Store {
    /// Reads every joined room: its kept state is handed to `read`, and only what that makes of it stays.
    pub async fn read_rooms<T: Send + 'static>(
        &self,
        read: impl Fn(&RoomState) -> T + Send + 'static,
    ) -> Result<BTreeMap<OwnedRoomId, T>, StoreError> {
        self.call(move |connection| {
            let mut rooms = connection.prepare_cached("SELECT room_id, entry_of FROM joined_room")?;
            let mut events = connection.prepare_cached(
                "SELECT room_id, event_type, state_key, sender, origin_server_ts, content, invited_by
                 FROM room_state WHERE room_id = ?1",
            )?;
            let mut found = BTreeMap::new();
            let mut rows = rooms.query([])?;
            while let Some(row) = rows.next()? {
                let id: String = row.get(0)?;
                let Some(room) = parsed(&id) else { continue };
                let entry_of = row.get::<_, Option<String>>(1)?.as_deref().and_then(parsed);
                let mut state = RoomState { entry_of, ..RoomState::default() };
                let mut rows = events.query([id])?;
                while let Some(row) = rows.next()? {
                    if let Some(event) = state_event(row)? {
                        state.insert(event);
                    }
                }
                found.insert(room, read(&state));
            }
            Ok(found)
        })
        .await
    }

    /// Replaces the kept state of one room by what the server says it is now.
    pub async fn replace_room_state(
        &self,
        room: &RoomId,
        state: Vec<StateEvent>,
    ) -> Result<(), StoreError> {
        let room = room.to_string();
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            // Who invited whom is told by syncs alone.
            let inviters: BTreeMap<String, String> = transaction
                .prepare_cached(
                    "SELECT state_key, invited_by FROM room_state
                     WHERE room_id = ?1 AND event_type = 'm.room.member' AND invited_by IS NOT NULL",
                )?
                .query_map([&room], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            transaction.execute("DELETE FROM room_state WHERE room_id = ?1", [&room])?;
            transaction.execute("INSERT OR IGNORE INTO joined_room (room_id) VALUES (?1)", [&room])?;
            for mut event in state {
                if event.event_type == "m.room.member" && event.invited_by.is_none() {
                    event.invited_by = inviters.get(&event.state_key).and_then(|user| parsed(user));
                }
                put(&transaction, &room, &event, true)?;
            }
            Ok(transaction.commit()?)
        })
        .await
    }

    /// Entry rooms without a cursor of the bot's: it has not said a word there. Those on their way are left out. By the
    /// rows, which know entry rooms whose note was never written: a crash can come right after the join.
    pub async fn silent_entry_rooms(&self) -> Result<Vec<(OwnedRoomId, OwnedUserId)>, StoreError> {
        self.call(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT r.room_id, r.matrix_user_id FROM matrix_room r JOIN joined_room j ON j.room_id = r.room_id
                 WHERE r.room_type = 'entry' AND r.gone = 0 AND j.fully_read IS NULL
                       AND r.room_id NOT IN (SELECT room_id FROM invite)",
            )?;
            let rows: Vec<(String, String)> =
                statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
            Ok(rows.iter().filter_map(|(room, user)| Some((parsed(room)?, parsed(user)?))).collect())
        })
        .await
    }

    /// The display name that the user has in this room.
    pub async fn display_name_in(
        &self,
        room: &RoomId,
        user: &UserId,
    ) -> Result<Option<String>, StoreError> {
        let (room, user) = (room.to_string(), user.to_string());
        self.call(move |connection| {
            let content: Option<String> = connection
                .prepare_cached(
                    "SELECT content FROM room_state
                     WHERE room_id = ?1 AND event_type = 'm.room.member' AND state_key = ?2",
                )?
                .query_row([room, user], |row| row.get(0))
                .optional()?;
            let content = content.and_then(|content| serde_json::from_str::<Value>(&content).ok());
            let name = content
                .as_ref()
                .and_then(|content| content.get("displayname")?.as_str());
            Ok(name.map(str::to_owned))
        })
        .await
    }

    /// The bot is no longer in the room, whatever syncs say.
    pub async fn room_left(&self, room: &RoomId) -> Result<(), StoreError> {
        let room = room.to_owned();
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            remove(&transaction, &room)?;
            follow::left(&transaction, room.as_str())?;
            Ok(transaction.commit()?)
        })
        .await
    }

    /// Takes one event into the kept state of a room.
    pub async fn put_state(&self, room: &RoomId, event: StateEvent) -> Result<(), StoreError> {
        let room = room.to_string();
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            put(&transaction, &room, &event, true)?;
            Ok(transaction.commit()?)
        })
        .await
    }

    /// Whether the bot is in the room, by all that the syncs told.
    pub async fn is_joined(&self, room: &RoomId) -> Result<bool, StoreError> {
        let room = room.to_string();
        self.call(move |connection| {
            Ok(connection
                .prepare_cached("SELECT 1 FROM joined_room WHERE room_id = ?1")?
                .exists([room])?)
        })
        .await
    }

    /// Joined rooms as the cache knows them, with the server's cursor in each.
    pub async fn joined_rooms(&self) -> Result<Vec<(OwnedRoomId, Option<String>)>, StoreError> {
        self.call(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT room_id, fully_read FROM joined_room")?;
            let rows: Vec<(String, Option<String>)> = statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            Ok(rows
                .into_iter()
                .filter_map(|(room, cursor)| Some((parsed(&room)?, cursor)))
                .collect())
        })
        .await
    }

    /// Rooms whose creation content names this intent, with their `m.room.create`, oldest first. Who made them is the
    /// caller's to check.
    pub async fn created_for(
        &self,
        intent: Uuid,
    ) -> Result<Vec<(OwnedRoomId, StateEvent)>, StoreError> {
        let pattern = format!("%{intent}%");
        self.call(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT room_id, event_type, state_key, sender, origin_server_ts, content, invited_by
                 FROM room_state WHERE event_type = 'm.room.create' AND state_key = '' AND content LIKE ?1
                 ORDER BY origin_server_ts, room_id",
            )?;
            let mut rows = statement.query([pattern])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let room = parsed(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?);
                if let (Some(room), Some(event)) = (room, state_event(row)?) {
                    found.push((room, event));
                }
            }
            Ok(found)
        })
        .await
    }

    /// The bot's own cursor in a joined room.
    pub async fn cursor(&self, room: &RoomId) -> Result<Option<String>, StoreError> {
        let room = room.to_string();
        self.call(move |connection| {
            let cursor = connection
                .prepare_cached("SELECT fully_read FROM joined_room WHERE room_id = ?1")?
                .query_row([room], |row| row.get(0))
                .optional()?;
            Ok(cursor.flatten())
        })
        .await
    }

    /// The cursor was moved on the server.
    pub async fn set_cursor(&self, room: &RoomId, event: &EventId) -> Result<(), StoreError> {
        let (room, event) = (room.to_string(), event.to_string());
        self.call(move |connection| {
            connection
                .prepare_cached("UPDATE joined_room SET fully_read = ?2 WHERE room_id = ?1")?
                .execute([room, event])?;
            Ok(())
        })
        .await
    }

    /// All kept events of this type of a room.
    pub async fn kept_states(
        &self,
        room: &RoomId,
        event_type: &str,
    ) -> Result<Vec<StateEvent>, StoreError> {
        let (room, event_type) = (room.to_string(), event_type.to_owned());
        self.call(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT room_id, event_type, state_key, sender, origin_server_ts, content, invited_by
                 FROM room_state WHERE room_id = ?1 AND event_type = ?2 ORDER BY state_key",
            )?;
            let mut rows = statement.query(params![room, event_type])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.extend(state_event(row)?);
            }
            Ok(found)
        })
        .await
    }

    /// One kept event of a room.
    pub async fn kept_state(
        &self,
        room: &RoomId,
        event_type: &str,
        state_key: &str,
    ) -> Result<Option<StateEvent>, StoreError> {
        let (room, event_type, state_key) = (
            room.to_string(),
            event_type.to_owned(),
            state_key.to_owned(),
        );
        self.call(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT room_id, event_type, state_key, sender, origin_server_ts, content, invited_by
                 FROM room_state WHERE room_id = ?1 AND event_type = ?2 AND state_key = ?3",
            )?;
            let mut rows = statement.query(params![room, event_type, state_key])?;
            rows.next()?.map_or(Ok(None), state_event)
        })
        .await
    }
}

/// Forgets all kept state, and the rooms that are not among `joined`: the full state of these follows. Who invited the bot
/// stays: a full state does not tell it again.
pub(super) fn clear(connection: &Connection, joined: &[RoomIntake]) -> Result<(), StoreError> {
    connection.execute(
        "DELETE FROM room_state WHERE event_type <> 'm.room.member' OR invited_by IS NULL",
        [],
    )?;
    let joined: BTreeSet<&str> = joined.iter().map(|room| room.room.as_str()).collect();
    let known: Vec<String> = connection
        .prepare_cached("SELECT room_id FROM joined_room")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut forget = connection.prepare_cached("DELETE FROM joined_room WHERE room_id = ?1")?;
    for room in known.iter().filter(|room| !joined.contains(room.as_str())) {
        forget.execute([room])?;
    }
    connection.execute(
        "DELETE FROM room_state WHERE room_id NOT IN (SELECT room_id FROM joined_room)",
        [],
    )?;
    Ok(())
}

/// The bot is in the room, which a sync has yet to bring: whoever looks meanwhile does not take it for gone.
pub(super) fn expect(
    connection: &Connection,
    room: &str,
    entry_of: Option<&str>,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO joined_room (room_id, entry_of) VALUES (?1, ?2)
             ON CONFLICT (room_id) DO UPDATE SET entry_of = coalesce(excluded.entry_of, entry_of)",
        )?
        .execute(params![room, entry_of])?;
    Ok(())
}

/// The bot is no longer in the room; tells whether it was known to be there.
pub(super) fn remove(connection: &Connection, room: &RoomId) -> Result<bool, StoreError> {
    connection
        .prepare_cached("DELETE FROM room_state WHERE room_id = ?1")?
        .execute([room.as_str()])?;
    let known = connection
        .prepare_cached("DELETE FROM joined_room WHERE room_id = ?1")?
        .execute([room.as_str()])?;
    Ok(known > 0)
}

/// Takes in what a sync says of a joined room. Where `rows_follow`, its name goes into the rows at once.
pub(super) fn take_in(
    connection: &Connection,
    room: &RoomIntake,
    rows_follow: bool,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO joined_room (room_id, fully_read, entry_of) VALUES (?1, ?2, ?3)
             ON CONFLICT (room_id) DO UPDATE SET fully_read = coalesce(excluded.fully_read, fully_read),
                                                 entry_of = coalesce(excluded.entry_of, entry_of)",
        )?
        .execute(params![
            room.room.as_str(),
            room.fully_read.as_ref().map(|event| event.as_str()),
            room.entry_of.as_ref().map(|user| user.as_str())
        ])?;
    for event in &room.state {
        put(connection, room.room.as_str(), event, rows_follow)?;
    }
    Ok(())
}

/// Content longer than this is not ours, and nobody's that counts: it is kept as empty.
const LONGEST_CONTENT: usize = 16 * 1024;

fn put(
    connection: &Connection,
    room: &str,
    event: &StateEvent,
    rows_follow: bool,
) -> Result<(), StoreError> {
    let is_name = event.event_type == "m.room.name" && event.state_key.is_empty();
    let mut content = event.content.to_string();
    if content.len() > LONGEST_CONTENT {
        // Of a name everything that is ever shown is kept.
        content = if is_name {
            json!({"name": room_name(&event.content)}).to_string()
        } else {
            "null".to_owned()
        };
    }
    connection
        .prepare_cached(
            // A member who is still there was invited by whoever invited them: a new profile says nothing of it.
            "INSERT INTO room_state (room_id, event_type, state_key, sender, origin_server_ts, content, invited_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (room_id, event_type, state_key) DO UPDATE SET
                 sender = excluded.sender, origin_server_ts = excluded.origin_server_ts, content = excluded.content,
                 invited_by = coalesce(excluded.invited_by,
                                       iif(excluded.content ->> 'membership' = 'join', invited_by, NULL))",
        )?
        .execute(params![
            room,
            event.event_type,
            event.state_key,
            event.sender.as_str(),
            i64::try_from(event.origin_server_ts).unwrap_or(i64::MAX),
            content,
            event.invited_by.as_ref().map(|user| user.as_str())
        ])?;
    if is_name && rows_follow {
        follow::named(connection, room, &event.content)?;
    }
    Ok(())
}

/// A row that was edited into something impossible is as good as absent: the server is asked where it matters.
fn state_event(row: &rusqlite::Row<'_>) -> Result<Option<StateEvent>, StoreError> {
    let sender: String = row.get(3)?;
    let content: String = row.get(5)?;
    let (Some(sender), Ok(content)) = (
        parsed::<OwnedUserId>(&sender),
        serde_json::from_str(&content),
    ) else {
        return Ok(None);
    };
    Ok(Some(StateEvent {
        event_type: row.get(1)?,
        state_key: row.get(2)?,
        sender,
        origin_server_ts: u64::try_from(row.get::<_, i64>(4)?).unwrap_or(0),
        content,
        invited_by: row.get::<_, Option<String>>(6)?.as_deref().and_then(parsed),
    }))
}

fn parsed<T: for<'a> TryFrom<&'a str>>(text: &str) -> Option<T> {
    T::try_from(text).ok()
}
