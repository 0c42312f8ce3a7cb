//! Events of a room, newest first, into exchanges. Pure.

use std::collections::BTreeMap;

use matrix_sdk::ruma::UserId;
use serde_json::Value;

use crate::{
    core::ids::{EventKey, PlatformChatId},
    matrix::{
        batch::TimelineItem,
        event::{self, Said},
        marker::{ANSWERS_KEY, DRAFT_KEY},
    },
    platform::openai::ports::{Conversation, Exchange},
};

/// Text of one conversation that is read, in bytes.
const MOST_TEXT: usize = 4 << 20;

/// What was read so far.
pub(super) struct Reading<'a> {
    conversation: &'a Conversation,
    bot: &'a UserId,
    /// Questions from here on back are part of it.
    reached_until: bool,
    /// The newest form of messages of the bot whose own event is yet to come.
    edits: BTreeMap<String, Value>,
    /// The newest form of questions that were edited before they were answered.
    amended: BTreeMap<String, Value>,
    /// The messages of each answer, last one first.
    answers: BTreeMap<String, Vec<String>>,
    /// Newest first.
    exchanges: Vec<Exchange>,
    text: usize,
}

impl<'a> Reading<'a> {
    pub(super) fn of(conversation: &'a Conversation, bot: &'a UserId) -> Self {
        Self {
            conversation,
            bot,
            reached_until: conversation.until.is_none(),
            edits: BTreeMap::new(),
            amended: BTreeMap::new(),
            answers: BTreeMap::new(),
            exchanges: Vec::new(),
            text: 0,
        }
    }

    /// Takes in a page; tells whether nothing further back is of use.
    pub(super) fn is_done_with(&mut self, page: &[TimelineItem]) -> bool {
        page.iter()
            .any(|item| self.is_begun_by(item) || self.takes_all_with(item))
    }

    /// Oldest first.
    pub(super) fn exchanges(mut self) -> Vec<Exchange> {
        self.exchanges.reverse();
        self.exchanges
    }

    /// Whether this is the command that began the context.
    fn is_begun_by(&self, item: &TimelineItem) -> bool {
        self.conversation.generation > 0
            && item.sender.as_str() == self.conversation.user.as_str()
            && PlatformChatId::from_command(&EventKey::new(item.event_id.as_str()))
                == self.conversation.context
    }

    fn takes_all_with(&mut self, item: &TimelineItem) -> bool {
        if event::is_message(&item.event_type) {
            if item.sender == self.bot {
                self.take_answer(item);
            } else if item.sender.as_str() == self.conversation.user.as_str() {
                self.take_question(item);
            }
        }
        self.text > MOST_TEXT
    }

    fn take_answer(&mut self, item: &TimelineItem) {
        let content = &item.content;
        if let Some(target) = replaced(content) {
            let new = &content["m.new_content"];
            let is_draft = [content, new].iter().any(|content| is_draft(content));
            if !is_draft {
                self.edits
                    .entry(target.to_owned())
                    .or_insert_with(|| new.clone());
            }
            return;
        }
        let Some(question) = content[ANSWERS_KEY].as_str() else {
            return;
        };
        let edited = self.edits.remove(item.event_id.as_str());
        let shown = edited.as_ref().unwrap_or(content);
        // The bot's own words are notices.
        if is_draft(shown) || shown["msgtype"] != "m.text" {
            return;
        }
        if let Some(body) = shown["body"].as_str() {
            let messages = self.answers.entry(question.to_owned()).or_default();
            messages.push(body.to_owned());
        }
    }

    fn take_question(&mut self, item: &TimelineItem) {
        let id = item.event_id.as_str();
        if let Some(target) = replaced(&item.content) {
            // An edit that came after the answer was not what the model was asked.
            if self.answers.contains_key(target) {
                let new = item.content["m.new_content"].clone();
                self.amended.entry(target.to_owned()).or_insert(new);
            }
            return;
        }
        if !self.reached_until {
            let until = self.conversation.until.as_ref();
            self.reached_until = until.is_some_and(|until| until.as_str() == id);
            return;
        }
        let Some(mut answer) = self.answers.remove(id) else {
            return;
        };
        answer.reverse();
        let asked = self.words(item);
        let answered = answer.join("\n\n");
        // Taken back meanwhile.
        if asked.is_empty() {
            return;
        }
        self.text += asked.len() + answered.len();
        self.exchanges.push(Exchange {
            question: EventKey::new(id),
            asked,
            answered,
        });
    }

    fn words(&mut self, item: &TimelineItem) -> String {
        let mut item = item.clone();
        if let Some(content) = self.amended.remove(item.event_id.as_str()) {
            item.content = content;
        }
        let room = self.conversation.room.as_str().try_into();
        match room.map(|room| event::read(room, &item)) {
            Ok(Said::Words(incoming)) => incoming.text,
            // Of a file, its caption or its name.
            _ => item.content["body"].as_str().unwrap_or_default().to_owned(),
        }
    }
}

/// The message that this one is an edit of.
fn replaced(content: &Value) -> Option<&str> {
    let relation = content.get("m.relates_to")?;
    (relation.get("rel_type")? == "m.replace").then_some(())?;
    relation.get("event_id")?.as_str()
}

fn is_draft(content: &Value) -> bool {
    content.get(DRAFT_KEY).is_some()
}

#[cfg(test)]
mod tests;
