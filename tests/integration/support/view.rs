//! What can be seen on the fake homeserver: rooms the bot made, and conversations as a client shows them.

use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::Value;
use surfaces_bot::matrix::marker::{ANSWERS_KEY, CHAT_MARKER, CREATION_KEY, DRAFT_KEY};

use super::{
    fake_matrix::{FakeMatrix, Server},
    room::Room,
};

/// One message, edits applied.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shown {
    pub(crate) id: OwnedEventId,
    pub(crate) sender: OwnedUserId,
    pub(crate) body: String,
    /// The question it answers.
    pub(crate) answers: Option<String>,
    /// It was still growing when it was last heard of.
    pub(crate) is_draft: bool,
}

impl Shown {
    fn new(id: &EventId, sender: &UserId, content: &Value) -> Self {
        Self {
            id: id.to_owned(),
            sender: sender.to_owned(),
            body: content["body"].as_str().unwrap_or_default().to_owned(),
            answers: content[ANSWERS_KEY].as_str().map(str::to_owned),
            is_draft: content.get(DRAFT_KEY).is_some(),
        }
    }
}

/// The conversation in the room.
pub(crate) fn conversation(room: &Room) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    let messages = room
        .events
        .iter()
        .filter(|event| event.item.event_type == "m.room.message");
    for event in messages {
        let item = &event.item;
        if item.content["m.relates_to"]["rel_type"] != "m.replace" {
            shown.push(Shown::new(&item.event_id, &item.sender, &item.content));
            continue;
        }
        let target = item.content["m.relates_to"]["event_id"].as_str();
        let edited = shown
            .iter_mut()
            .find(|message| Some(message.id.as_str()) == target && message.sender == item.sender);
        if let Some(message) = edited {
            *message = Shown::new(
                &message.id.clone(),
                &item.sender,
                &item.content["m.new_content"],
            );
        }
    }
    shown
}

/// The rooms of one user, as the bot made them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Home {
    pub(crate) spaces: Vec<OwnedRoomId>,
    pub(crate) chats: Vec<OwnedRoomId>,
}

impl Home {
    /// The one Space.
    pub(crate) fn space(&self) -> &RoomId {
        assert_eq!(self.spaces.len(), 1, "{self:?}");
        &self.spaces[0]
    }

    /// The one chat.
    pub(crate) fn chat(&self) -> &RoomId {
        assert_eq!(self.chats.len(), 1, "{self:?}");
        &self.chats[0]
    }
}

impl Server {
    /// Every room that the bot made for the user, by its creation content.
    pub(crate) fn home_of(&self, user: &UserId) -> Home {
        let mut home = Home::default();
        for room in self.rooms.values() {
            let Some(create) = room.state_item("m.room.create", "") else {
                continue;
            };
            let facts = &create.content[CREATION_KEY];
            if create.sender != self.bot || facts["owner"] != user.as_str() {
                continue;
            }
            match facts["kind"].as_str() {
                Some("space") => home.spaces.push(room.id.clone()),
                _ => home.chats.push(room.id.clone()),
            }
        }
        home
    }

    /// The bot's messages in the room, edits applied.
    pub(crate) fn bot_said(&self, room: &RoomId) -> Vec<Shown> {
        let mut said = conversation(self.room(room));
        said.retain(|message| message.sender == self.bot);
        said
    }

    /// Finished answers to the message.
    pub(crate) fn answers_to(&self, room: &RoomId, question: &EventId) -> Vec<Shown> {
        let mut answers = self.bot_said(room);
        answers.retain(|shown| shown.answers.as_deref() == Some(question.as_str()));
        answers
    }

    /// Whether the message has a finished answer, and the bot's cursor is at it or behind it.
    pub(crate) fn is_done_with(&self, room: &RoomId, question: &EventId) -> bool {
        self.answers_to(room, question)
            .iter()
            .any(|answer| !answer.is_draft)
            && self.has_read(room, question)
    }

    /// Whether the bot's cursor is at the event or behind it.
    pub(crate) fn has_read(&self, room: &RoomId, event: &EventId) -> bool {
        let room = self.room(room);
        let Some((_, cursor)) = room.account_data.get("m.fully_read") else {
            return false;
        };
        let index = |id: &str| {
            room.events
                .iter()
                .position(|event| event.item.event_id.as_str() == id)
        };
        cursor["event_id"].as_str().and_then(index) >= index(event.as_str())
    }

    /// Whether the bot has said its piece in the entry room, and moved its cursor behind it.
    pub(crate) fn has_pointed_in(&self, entry: &RoomId) -> bool {
        self.bot_said(entry)
            .last()
            .is_some_and(|said| self.has_read(entry, &said.id))
    }

    /// The chat marker in the room.
    pub(crate) fn chat_marker(&self, room: &RoomId) -> Value {
        self.room(room)
            .content(CHAT_MARKER, "")
            .cloned()
            .unwrap_or_default()
    }

    /// Rooms linked as children of the Space.
    pub(crate) fn children(&self, space: &RoomId) -> Vec<String> {
        self.room(space)
            .current()
            .filter(|(_, event)| {
                event.event_type == "m.space.child" && event.content.get("via").is_some()
            })
            .map(|(_, event)| event.state_key)
            .collect()
    }
}

impl FakeMatrix {
    pub(crate) fn home_of(&self, user: &UserId) -> Home {
        self.see(|server| server.home_of(user))
    }

    pub(crate) fn bot_said(&self, room: &RoomId) -> Vec<Shown> {
        self.see(|server| server.bot_said(room))
    }

    /// The one finished answer to the message.
    pub(crate) fn answer_to(&self, room: &RoomId, question: &EventId) -> String {
        let answers = self.see(|server| server.answers_to(room, question));
        assert_eq!(
            answers.len(),
            1,
            "{question} has these answers: {answers:#?}"
        );
        assert!(!answers[0].is_draft, "still a draft: {answers:?}");
        answers[0].body.clone()
    }
}
