//! A user of the homeserver, acting through some client of theirs. The server holds them to its rules.

use std::ops::Deref;

use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId};
use serde_json::{Value, json};

use super::fake_matrix::FakeMatrix;

pub(crate) struct Person {
    pub(crate) id: OwnedUserId,
    matrix: FakeMatrix,
}

/// A user with a Space and one chat, who has joined both.
pub(crate) struct Resident {
    pub(crate) person: Person,
    pub(crate) entry: OwnedRoomId,
    pub(crate) space: OwnedRoomId,
    pub(crate) chat: OwnedRoomId,
}

impl Deref for Resident {
    type Target = Person;

    fn deref(&self) -> &Person {
        &self.person
    }
}

impl Person {
    pub(crate) fn new(matrix: &FakeMatrix, id: &str) -> Self {
        Self {
            id: OwnedUserId::try_from(id).unwrap(),
            matrix: matrix.clone(),
        }
    }

    /// A room of their own, as clients make direct chats.
    pub(crate) fn makes_a_room(&self, creation_content: &Value) -> OwnedRoomId {
        self.matrix.change(|server| {
            let room = server.new_room();
            let me = &self.id;
            server.append(
                &room,
                me,
                "m.room.create",
                Some(""),
                creation_content.clone(),
            );
            server.append_member(&room, me, me, "join");
            let levels = json!({"users": {me.as_str(): 100}});
            server.append(&room, me, "m.room.power_levels", Some(""), levels);
            room
        })
    }

    /// A new room, and the bot invited to it.
    pub(crate) fn invites_the_bot(&self) -> OwnedRoomId {
        let room = self.makes_a_room(&json!({}));
        self.invites_the_bot_to(&room);
        room
    }

    pub(crate) fn invites_the_bot_to(&self, room: &RoomId) {
        self.matrix.change(|server| {
            assert!(server.room(room).may(&self.id, "invite"));
            let bot = server.bot.clone();
            server.append_member(room, &self.id, &bot, "invite");
        });
    }

    pub(crate) fn joins(&self, room: &RoomId) {
        self.matrix.change(|server| {
            assert_eq!(
                server.room(room).membership(&self.id),
                "invite",
                "{} is not invited to {room}",
                self.id
            );
            server.append_member(room, &self.id, &self.id, "join");
        });
    }

    pub(crate) fn leaves(&self, room: &RoomId) {
        self.matrix
            .change(|server| server.append_member(room, &self.id, &self.id, "leave"));
    }

    pub(crate) fn removes_the_bot_from(&self, room: &RoomId) {
        self.matrix.change(|server| {
            assert!(server.room(room).may(&self.id, "kick"));
            let bot = server.bot.clone();
            server.append_member(room, &self.id, &bot, "leave");
        });
    }

    pub(crate) fn bans_the_bot_from(&self, room: &RoomId) {
        self.matrix.change(|server| {
            assert!(server.room(room).may(&self.id, "ban"));
            let bot = server.bot.clone();
            server.append_member(room, &self.id, &bot, "ban");
        });
    }

    /// The server writes the new name into every room that the person is in.
    pub(crate) fn sets_display_name(&self, name: &str) {
        self.matrix.change(|server| {
            server.names.insert(self.id.clone(), name.to_owned());
            let rooms: Vec<OwnedRoomId> = server.rooms.keys().cloned().collect();
            for room in rooms {
                if server.room(&room).membership(&self.id) == "join" {
                    let content = json!({"membership": "join", "displayname": name});
                    let id = self.id.as_str();
                    server.append(&room, &self.id, "m.room.member", Some(id), content);
                }
            }
        });
    }

    pub(crate) fn says(&self, room: &RoomId, text: &str) -> OwnedEventId {
        self.sends(room, json!({"msgtype": "m.text", "body": text}))
    }

    /// A file with this content; a caption where it is not empty.
    pub(crate) fn sends_file(
        &self,
        room: &RoomId,
        name: &str,
        caption: &str,
        content: &[u8],
    ) -> OwnedEventId {
        let url = self
            .matrix
            .change(|server| server.keep_media(content.to_vec()));
        let body = if caption.is_empty() { name } else { caption };
        let message = json!({"msgtype": "m.file", "body": body, "filename": name, "url": url});
        self.sends(room, message)
    }

    pub(crate) fn sends(&self, room: &RoomId, content: Value) -> OwnedEventId {
        self.sends_event(room, "m.room.message", content)
    }

    /// An event of any type.
    pub(crate) fn sends_event(
        &self,
        room: &RoomId,
        event_type: &str,
        content: Value,
    ) -> OwnedEventId {
        self.matrix.change(|server| {
            assert!(
                server.room(room).may_send(&self.id, event_type, false),
                "{} may not speak in {room}",
                self.id
            );
            server.append(room, &self.id, event_type, None, content)
        })
    }

    /// A message that only who has the key of this session can read.
    pub(crate) fn encrypts(&self, room: &RoomId, session: &str, text: &str) -> OwnedEventId {
        let clear = json!({"msgtype": "m.text", "body": text});
        self.encrypts_content(room, session, &clear)
    }

    pub(crate) fn encrypts_content(
        &self,
        room: &RoomId,
        session: &str,
        clear: &Value,
    ) -> OwnedEventId {
        let mut content = json!({
            "algorithm": "m.megolm.v1.aes-sha2", "session_id": session, "ciphertext": clear.to_string(),
        });
        if let Some(relation) = clear.get("m.relates_to") {
            content["m.relates_to"] = relation.clone();
        }
        self.matrix
            .change(|server| server.append(room, &self.id, "m.room.encrypted", None, content))
    }

    /// A reply as clients write it today: without a quote in the body.
    pub(crate) fn replies(&self, room: &RoomId, to: &EventId, text: &str) -> OwnedEventId {
        let relation = json!({"m.in_reply_to": {"event_id": to}});
        self.sends(
            room,
            json!({"msgtype": "m.text", "body": text, "m.relates_to": relation}),
        )
    }

    pub(crate) fn edits(&self, room: &RoomId, target: &EventId, text: &str) -> OwnedEventId {
        let content = json!({
            "msgtype": "m.text",
            "body": format!("* {text}"),
            "m.new_content": {"msgtype": "m.text", "body": text},
            "m.relates_to": {"rel_type": "m.replace", "event_id": target},
        });
        self.sends(room, content)
    }

    pub(crate) fn reacts(&self, room: &RoomId, target: &EventId, key: &str) -> OwnedEventId {
        self.matrix.change(|server| {
            let relation = json!({"rel_type": "m.annotation", "event_id": target, "key": key});
            let content = json!({"m.relates_to": relation});
            server.append(room, &self.id, "m.reaction", None, content)
        })
    }

    pub(crate) fn redacts(&self, room: &RoomId, target: &EventId) {
        self.matrix.change(|server| {
            let content = json!({"redacts": target});
            server.append(room, &self.id, "m.room.redaction", None, content);
        });
    }

    /// Tells whether the server let them.
    pub(crate) fn puts_state(
        &self,
        room: &RoomId,
        event_type: &str,
        key: &str,
        content: Value,
    ) -> bool {
        self.matrix.change(|server| {
            let allowed = server.room(room).may_send(&self.id, event_type, true);
            if allowed {
                server.append(room, &self.id, event_type, Some(key), content);
            }
            allowed
        })
    }
}
