//! The fake homeserver's client-server API, as the bot's one device uses it.

use std::{collections::BTreeSet, time::Duration};

use async_trait::async_trait;
use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::{Value, json};
use surfaces_bot::matrix::{
    batch::TimelineItem,
    client::{MatrixClient, MatrixError, NewRoom},
    state::{KEPT_TYPES, StateEvent},
};
use tokio::time::sleep;

use super::{
    fake_matrix::{FakeMatrix, Server},
    requests::{Fault, refused, refused_with, unanswered},
};

/// How long every answer takes.
pub(crate) const LATENCY: Duration = Duration::from_millis(2);

pub(crate) struct FakeClient {
    pub(crate) matrix: FakeMatrix,
    pub(crate) device: String,
    pub(crate) bot: OwnedUserId,
}

impl FakeClient {
    /// One request: it goes wrong where that was planned, else the server acts and answers.
    async fn request<T: Send>(
        &self,
        kind: &'static str,
        room: Option<&RoomId>,
        act: impl FnOnce(&mut Server) -> Result<T, MatrixError> + Send,
    ) -> Result<T, MatrixError> {
        begin(&self.matrix, kind, room, act).await
    }

    /// As [`FakeClient::in_room`], for requests before which the SDK must know whether the room is encrypted.
    async fn in_synced_room<T: Send>(
        &self,
        kind: &'static str,
        room: &RoomId,
        act: impl FnOnce(&mut Server) -> Result<T, MatrixError> + Send,
    ) -> Result<T, MatrixError> {
        ensure_synced(&self.matrix, room).await?;
        self.in_room(kind, room, act).await
    }

    async fn in_room<T: Send>(
        &self,
        kind: &'static str,
        room: &RoomId,
        act: impl FnOnce(&mut Server) -> Result<T, MatrixError> + Send,
    ) -> Result<T, MatrixError> {
        self.request(kind, Some(room), |server| {
            server.ensure_joined(room)?;
            act(server)
        })
        .await
    }
}

impl Server {
    fn ensure_joined(&self, room: &RoomId) -> Result<(), MatrixError> {
        let found = self.rooms.get(room);
        let is_in = found.is_some_and(|found| found.membership(&self.bot) == "join");
        is_in.then_some(()).ok_or_else(|| refused("M_FORBIDDEN"))
    }
}

/// Waits, as the SDK has to, until a sync has brought the room. Where none has, the server is asked whether the bot is in
/// it.
pub(crate) async fn ensure_synced(matrix: &FakeMatrix, room: &RoomId) -> Result<(), MatrixError> {
    let is_synced = || matrix.see(|server| server.synced.contains(room));
    if is_synced() {
        return Ok(());
    }
    begin(matrix, "membership", Some(room), |server| {
        server.ensure_joined(room)
    })
    .await?;
    for _ in 0..50 {
        if is_synced() {
            return Ok(());
        }
        sleep(Duration::from_millis(20)).await;
    }
    Err(MatrixError::RoomNotSynced)
}

/// A request on its way to the server and back. One that arrives after the process died is not heard of again.
pub(crate) async fn begin<T: Send>(
    matrix: &FakeMatrix,
    kind: &'static str,
    room: Option<&RoomId>,
    act: impl FnOnce(&mut Server) -> Result<T, MatrixError> + Send,
) -> Result<T, MatrixError> {
    let (was_dead, fault) = matrix.change(|server| {
        let was_dead = server.requests.dead;
        let fault = (!was_dead)
            .then(|| server.requests.arrives(kind, room))
            .flatten();
        (was_dead, fault)
    });
    if was_dead {
        return std::future::pending().await;
    }
    sleep(LATENCY).await;
    match fault {
        None => live(matrix, act).await,
        Some(Fault::Slow(time)) => {
            sleep(time).await;
            live(matrix, act).await
        }
        Some(Fault::Lost) => Err(unanswered()),
        Some(Fault::AnswerLost) => {
            let _ = matrix.change(act);
            Err(unanswered())
        }
        Some(Fault::RateLimited(retry_after)) => Err(MatrixError::RateLimited { retry_after }),
        Some(Fault::Refused(code)) => Err(refused(code)),
        Some(Fault::Removed(which)) => {
            matrix.change(|server| server.removes_the_bot(&which));
            live(matrix, act).await
        }
        Some(Fault::KillBefore) => std::future::pending().await,
        Some(Fault::KillAfter) => {
            let _ = matrix.change(|server| {
                server.requests.dead = true;
                act(server)
            });
            std::future::pending().await
        }
        Some(Fault::BreaksOff(_) | Fault::BreaksOffSilently(_)) => {
            panic!("only createRoom breaks off")
        }
    }
}

async fn live<T: Send>(
    matrix: &FakeMatrix,
    act: impl FnOnce(&mut Server) -> Result<T, MatrixError> + Send,
) -> Result<T, MatrixError> {
    if matrix.see(|server| server.requests.dead) {
        return std::future::pending().await;
    }
    matrix.change(act)
}

/// The first `most` events of a room as `createRoom` writes them.
fn write_room(server: &mut Server, new: &NewRoom, most: usize) -> OwnedRoomId {
    let (room, bot) = (server.new_room(), server.bot.clone());
    let mut creation = new.creation_content.clone();
    creation["room_version"] = json!("11");
    let member = server.member_content(&bot, "join");
    let mut events = vec![
        ("m.room.create", "", creation),
        ("m.room.member", bot.as_str(), member),
        (
            "m.room.power_levels",
            "",
            power_levels(&bot, &new.power_levels),
        ),
    ];
    events.extend(new.initial_state.iter().map(|event| {
        (
            event.event_type.as_str(),
            event.state_key.as_str(),
            event.content.clone(),
        )
    }));
    events.push(("m.room.name", "", json!({"name": new.name})));
    for (event_type, key, content) in events.into_iter().take(most) {
        server.append(&room, &bot, event_type, Some(key), content);
    }
    room
}

/// What a server writes for the preset of private chats, each top-level key replaced where the request has it.
fn power_levels(bot: &UserId, asked: &Value) -> Value {
    let mut levels = json!({
        "users": {bot.as_str(): 100},
        "users_default": 0,
        "events": {"m.room.name": 50, "m.room.power_levels": 100},
        "events_default": 0,
        "state_default": 50,
        "ban": 50,
        "kick": 50,
        "redact": 50,
        "invite": 0,
    });
    for (key, value) in asked.as_object().into_iter().flatten() {
        levels[key] = value.clone();
    }
    levels
}

/// An event may have 65,536 bytes as canonical JSON (specification, size limits). What the homeserver adds to the content
/// (references to earlier events, hashes, signatures) is estimated upwards.
fn ensure_not_too_large(content: &Value) -> Result<(), MatrixError> {
    const ADDED_BY_THE_SERVER: usize = 2048;
    if content.to_string().len() + ADDED_BY_THE_SERVER > 65_536 {
        return Err(refused_with(413, "M_TOO_LARGE"));
    }
    Ok(())
}

#[async_trait]
impl MatrixClient for FakeClient {
    fn user_id(&self) -> &UserId {
        &self.bot
    }

    async fn joined_rooms(&self) -> Result<BTreeSet<OwnedRoomId>, MatrixError> {
        self.request("joined_rooms", None, |server| Ok(server.joined()))
            .await
    }

    async fn room_state(&self, room: &RoomId) -> Result<Vec<StateEvent>, MatrixError> {
        self.in_room("room_state", room, |server| {
            let kept = |event: &StateEvent| KEPT_TYPES.contains(&event.event_type.as_str());
            Ok(server
                .room(room)
                .current()
                .map(|(_, event)| event)
                .filter(kept)
                .collect())
        })
        .await
    }

    async fn joined_members(&self, room: &RoomId) -> Result<BTreeSet<OwnedUserId>, MatrixError> {
        self.in_room("joined_members", room, |server| {
            Ok(server.room(room).members("join").into_iter().collect())
        })
        .await
    }

    async fn display_name(&self, user: &UserId) -> Result<Option<String>, MatrixError> {
        self.request("display_name", None, |server| {
            Ok(server.names.get(user).cloned())
        })
        .await
    }

    async fn default_room_version(&self) -> Result<String, MatrixError> {
        self.request("capabilities", None, |_| Ok("11".to_owned()))
            .await
    }

    async fn create_room(&self, new: &NewRoom) -> Result<OwnedRoomId, MatrixError> {
        let planned = self
            .matrix
            .change(|server| server.requests.breaks_off_next());
        match planned {
            None => {
                self.request("create_room", None, |server| {
                    Ok(write_room(server, new, usize::MAX))
                })
                .await
            }
            Some((events, heard)) => {
                self.request("create_room", None, |server| {
                    write_room(server, new, events);
                    Err(if heard {
                        refused("M_UNKNOWN")
                    } else {
                        unanswered()
                    })
                })
                .await
            }
        }
    }

    async fn put_state(
        &self,
        room: &RoomId,
        event_type: &str,
        state_key: &str,
        content: &Value,
    ) -> Result<(), MatrixError> {
        self.in_room("put_state", room, |server| {
            ensure_not_too_large(content)?;
            let bot = server.bot.clone();
            let known = server.room(room);
            if !known.may_send(&bot, event_type, true) {
                return Err(refused("M_FORBIDDEN"));
            }
            let is_so_already = known
                .state_item(event_type, state_key)
                .is_some_and(|item| item.sender == bot && item.content == *content);
            if !is_so_already {
                server.append(room, &bot, event_type, Some(state_key), content.clone());
            }
            Ok(())
        })
        .await
    }

    async fn put_room_account_data(
        &self,
        room: &RoomId,
        event_type: &str,
        content: &Value,
    ) -> Result<(), MatrixError> {
        self.in_room("put_account_data", room, |server| {
            set_account_data(server, room, event_type, content.clone());
            Ok(())
        })
        .await
    }

    async fn invite(&self, room: &RoomId, user: &UserId) -> Result<(), MatrixError> {
        self.in_room("invite", room, |server| {
            let bot = server.bot.clone();
            let known = server.room(room);
            let is_in = matches!(known.membership(user), "join" | "ban");
            if is_in || !known.may(&bot, "invite") {
                return Err(refused("M_FORBIDDEN"));
            }
            server.append_member(room, &bot, user, "invite");
            Ok(())
        })
        .await
    }

    async fn join(&self, room: &RoomId) -> Result<(), MatrixError> {
        self.request("join", Some(room), |server| {
            let bot = server.bot.clone();
            match server.rooms.get(room).map(|room| room.membership(&bot)) {
                Some("join") => Ok(()),
                Some("invite") => {
                    server.append_member(room, &bot, &bot, "join");
                    Ok(())
                }
                _ => Err(refused("M_FORBIDDEN")),
            }
        })
        .await
    }

    async fn leave(&self, room: &RoomId) -> Result<(), MatrixError> {
        self.request("leave", Some(room), |server| {
            let bot = server.bot.clone();
            match server.rooms.get(room).map(|room| room.membership(&bot)) {
                Some("join" | "invite") => {
                    server.append_member(room, &bot, &bot, "leave");
                    Ok(())
                }
                Some("leave") if server.room(room).member_since(&bot) > 0 => Ok(()),
                _ => Err(refused("M_FORBIDDEN")),
            }
        })
        .await
    }

    async fn forget(&self, room: &RoomId) -> Result<(), MatrixError> {
        self.request("forget", Some(room), |server| {
            server.forgotten.insert(room.to_owned());
            Ok(())
        })
        .await
    }

    async fn send_message(
        &self,
        room: &RoomId,
        transaction_id: &str,
        content: &Value,
    ) -> Result<OwnedEventId, MatrixError> {
        self.in_synced_room("send", room, |server| {
            let key = (
                self.device.clone(),
                room.to_owned(),
                transaction_id.to_owned(),
            );
            if let Some(event) = server.transactions.get(&key) {
                return Ok(event.clone());
            }
            ensure_not_too_large(content)?;
            let bot = server.bot.clone();
            let event = server.append(room, &bot, "m.room.message", None, content.clone());
            server.transactions.insert(key, event.clone());
            Ok(event)
        })
        .await
    }

    async fn set_read_marker(&self, room: &RoomId, event: &EventId) -> Result<(), MatrixError> {
        self.request("read_marker", Some(room), |server| {
            let known = server.rooms.get(room);
            let place = |id: &str| {
                let mut events = known?.events.iter();
                events.position(|event| event.item.event_id.as_str() == id)
            };
            let new = place(event.as_str()).ok_or_else(|| refused_with(404, "M_NOT_FOUND"))?;
            let old = known
                .and_then(|room| room.account_data.get("m.fully_read"))
                .and_then(|(_, content)| place(content["event_id"].as_str()?));
            // A marker does not go back.
            if old.is_none_or(|old| old < new) {
                let content = json!({"event_id": event});
                set_account_data(server, room, "m.fully_read", content);
            }
            Ok(())
        })
        .await
    }

    async fn set_typing(&self, room: &RoomId, typing: bool) -> Result<(), MatrixError> {
        self.in_room("typing", room, |server| {
            server.typing.push((room.to_owned(), typing));
            Ok(())
        })
        .await
    }

    /// Like the SDK, without a request: whether the key is there decides.
    async fn decrypt(
        &self,
        _room: &RoomId,
        item: &TimelineItem,
    ) -> Result<Option<TimelineItem>, MatrixError> {
        let session = item.content["session_id"].as_str().unwrap_or_default();
        let has_key = |server: &Server| server.keys_of_the_bot.contains(session);
        if !self.matrix.see(has_key) {
            return Ok(None);
        }
        let clear = item.content["ciphertext"].as_str().unwrap_or_default();
        let content = serde_json::from_str(clear).unwrap_or_default();
        Ok(Some(TimelineItem {
            event_type: "m.room.message".to_owned(),
            content,
            ..item.clone()
        }))
    }

    async fn event(
        &self,
        room: &RoomId,
        event: &EventId,
    ) -> Result<Option<TimelineItem>, MatrixError> {
        self.in_room("event", room, |server| {
            let events = || server.room(room).events.iter().map(|event| &event.item);
            let found = events().find(|item| item.event_id == event);
            let mut item = found
                .ok_or_else(|| refused_with(404, "M_NOT_FOUND"))?
                .clone();
            // Servers hand out the newest edit of the same sender with the event.
            let edit = events().rev().find(|edit| {
                let relation = &edit.content["m.relates_to"];
                relation["rel_type"] == "m.replace"
                    && relation["event_id"] == event.as_str()
                    && edit.sender == item.sender
            });
            if let Some(edit) = edit {
                let relation = item.content.get("m.relates_to").cloned();
                item.content = edit.content["m.new_content"].clone();
                if let Some(relation) = relation {
                    item.content["m.relates_to"] = relation;
                }
            }
            Ok(Some(item))
        })
        .await
    }

    async fn messages_before(
        &self,
        room: &RoomId,
        from: Option<&str>,
    ) -> Result<(Vec<TimelineItem>, Option<String>), MatrixError> {
        self.in_room("messages", room, |server| {
            let number = |prefix| from?.strip_prefix(prefix)?.parse::<usize>().ok();
            // Both kinds of tokens are valid here: of pages, and of syncs.
            let end = match from {
                None => server.room(room).events.len(),
                Some(_) => number('t')
                    .or_else(|| {
                        let position = number('s')? as u64;
                        let events = &server.room(room).events;
                        Some(events.iter().filter(|event| event.at <= position).count())
                    })
                    .ok_or_else(|| refused("M_INVALID_PARAM"))?,
            };
            let start = end.saturating_sub(server.page);
            let page = server.room(room).events[start..end]
                .iter()
                .rev()
                .map(|event| event.item.clone())
                .collect();
            Ok((page, (start > 0).then(|| format!("t{start}"))))
        })
        .await
    }
}

fn set_account_data(server: &mut Server, room: &RoomId, event_type: &str, content: Value) {
    let at = server.next_position();
    server
        .room_mut(room)
        .account_data
        .insert(event_type.to_owned(), (at, content));
}
