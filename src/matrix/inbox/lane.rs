//! What of a busy room's queue may pass ahead: a pure look at single events, and a memory of which ones were looked at.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use matrix_sdk::ruma::OwnedEventId;
use serde_json::Value;
use tokio::sync::Notify;

use crate::{
    core::{
        chat::permission::{Choice, is_short_reply},
        command::{Answer, Command, CommandName, Parsed, Wrong},
        ids::EventKey,
        message::Incoming,
    },
    matrix::{
        batch::TimelineItem,
        event::Said,
        questions::answer::{Given, Words},
    },
};

/// An event that need not wait for the turn before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// `!stop`.
    Stop,
    /// `!help`.
    Help,
    /// Something that is about a permission question, if one is open.
    Answer(Given),
    /// A file that waits for a later question: it is taken in, and acknowledged.
    File,
}

/// What the event is, if it may pass ahead.
pub(super) fn control(
    item: &TimelineItem,
    said: &Said,
    parsed: impl Fn(&Incoming) -> Parsed,
) -> Option<Control> {
    match said {
        Said::Words(incoming) if incoming.attachment.is_none() => {
            let (choice, is_command) = match parsed(incoming) {
                Parsed::Command(Command::Stop(_)) => return Some(Control::Stop),
                Parsed::Command(Command::Help(_)) => return Some(Control::Help),
                Parsed::Command(Command::Answer(Answer::Yes)) => (Some(Choice::Yes), true),
                Parsed::Command(Command::Answer(Answer::No)) => (Some(Choice::No), true),
                Parsed::Wrong(Wrong::Usage(CommandName::Yes | CommandName::No)) => (None, false),
                Parsed::NotACommand | Parsed::Unknown { .. } => {
                    // `!2` and `!ok` are no commands, and may be meant as such.
                    let text = incoming.text.trim();
                    let text = text.strip_prefix('!').unwrap_or(text);
                    let choice = Choice::read(text);
                    if choice.is_none() && !is_short_reply(text) {
                        return None;
                    }
                    (choice, false)
                }
                _ => return None,
            };
            Some(Control::Answer(Given::Words(Words {
                choice,
                is_command,
                replies_to: replied_to(item),
            })))
        }
        Said::Words(incoming) if incoming.text.trim().is_empty() => Some(Control::File),
        Said::Reaction { target, choice } => Some(Control::Answer(Given::Reaction {
            target: target.clone(),
            choice: *choice,
        })),
        _ => None,
    }
}

/// The message that the person replied to. What clients put into every message of a thread is no such reply.
fn replied_to(item: &TimelineItem) -> Option<OwnedEventId> {
    let relation = item.content.get("m.relates_to")?;
    let in_thread = relation.get("is_falling_back").and_then(Value::as_bool);
    let target = relation.get("m.in_reply_to")?.get("event_id")?.as_str()?;
    (in_thread != Some(true))
        .then(|| target.try_into().ok())
        .flatten()
}

/// The queue of one room, as far as it was looked at.
#[derive(Default)]
pub(super) struct Lane {
    /// Rings when there may be something new to look at.
    pub(super) bell: Notify,
    /// The same, for files.
    pub(super) file_bell: Notify,
    pub(super) seen: tokio::sync::Mutex<Seen>,
    /// The message that the last turn in the room answers.
    turn: Mutex<Option<EventKey>>,
}

impl Lane {
    /// A turn begins.
    pub(super) fn set_turn(&self, question: &EventKey) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = Some(question.clone());
    }

    /// The message that the last turn in the room answers, whether the turn still runs or not.
    pub(super) fn turn(&self) -> Option<EventKey> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        turn.clone()
    }

    /// There may be something new to look at.
    pub(super) fn ring(&self) {
        self.bell.notify_one();
        self.file_bell.notify_one();
    }

    /// Whether anything behind this place has passed ahead.
    pub(super) async fn is_ahead_of(&self, seq: i64) -> bool {
        let seen = self.seen.lock().await;
        seen.ahead.last().is_some_and(|last| *last > seq)
    }
}

/// Events that may pass ahead, by their place in the order.
#[derive(Default)]
pub(super) struct Seen {
    /// Up to here, every event was looked at.
    pub(super) up_to: i64,
    pub(super) controls: BTreeMap<i64, OwnedEventId>,
    /// The places of those that did.
    pub(super) ahead: BTreeSet<i64>,
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::{owned_event_id, owned_user_id, room_id};
    use serde_json::json;

    use super::*;
    use crate::{core::command::parse, matrix::event};

    fn of(event_type: &str, content: Value) -> Option<Control> {
        let item = TimelineItem {
            event_id: owned_event_id!("$e"),
            sender: owned_user_id!("@alice:hs"),
            event_type: event_type.to_owned(),
            state_key: None,
            origin_server_ts: 0,
            content,
            was_joined: false,
        };
        let said = event::read(room_id!("!r:hs"), &item);
        control(&item, &said, |incoming| parse(&incoming.text))
    }

    fn words(choice: Option<Choice>, is_command: bool) -> Control {
        Control::Answer(Given::Words(Words {
            choice,
            is_command,
            replies_to: None,
        }))
    }

    #[test]
    fn only_control_commands_and_possible_answers_pass_ahead() {
        for (text, expected) in [
            ("!stop", Some(Control::Stop)),
            ("!STOP ", Some(Control::Stop)),
            ("!help", Some(Control::Help)),
            ("!help new", Some(Control::Help)),
            ("!yes", Some(words(Some(Choice::Yes), true))),
            ("!no", Some(words(Some(Choice::No), true))),
            ("2", Some(words(Some(Choice::Number(2)), false))),
            ("!2", Some(words(Some(Choice::Number(2)), false))),
            ("👍", Some(words(Some(Choice::Yes), false))),
            ("yes", Some(words(None, false))),
            ("!ok", Some(words(None, false))),
            ("!yes please", Some(words(None, false))),
            ("100", Some(words(None, false))),
            ("!stop it", None),
            ("stop", None),
            ("!new", None),
            ("!clear", None),
            ("!stpo", None),
            ("2 apples", None),
            ("yes please", None),
            ("hello", None),
        ] {
            let content = json!({"msgtype": "m.text", "body": text});
            assert_eq!(of("m.room.message", content), expected, "{text}");
        }
    }

    #[test]
    fn a_reaction_passes_ahead_where_it_can_be_an_answer() {
        let reaction = |rel_type: &str, key: &str| {
            let relation = json!({"rel_type": rel_type, "event_id": "$asked", "key": key});
            of("m.reaction", json!({"m.relates_to": relation}))
        };
        let asked = owned_event_id!("$asked");
        let expected = Some(Control::Answer(Given::Reaction {
            target: asked,
            choice: Choice::Yes,
        }));
        assert_eq!(reaction("m.annotation", "👍️"), expected);
        assert_eq!(reaction("m.annotation", "🎉"), None);
        assert_eq!(reaction("m.reference", "👍"), None);
        assert_eq!(of("m.reaction", json!({})), None);
        let picture = json!({"msgtype": "m.image", "body": "!stop", "url": "mxc://hs/a"});
        assert_eq!(of("m.room.message", picture), Some(Control::File));
        let captioned =
            json!({"msgtype": "m.image", "body": "!stop", "filename": "a", "url": "mxc://hs/a"});
        assert_eq!(of("m.room.message", captioned), None);
        assert_eq!(of("m.room.encrypted", json!({})), None);
    }

    #[test]
    fn what_a_message_replies_to_is_known_and_a_thread_is_no_reply() {
        let target = |relation: Value| {
            let content = json!({"msgtype": "m.text", "body": "!yes", "m.relates_to": relation});
            match of("m.room.message", content) {
                Some(Control::Answer(given)) => given.target().map(ToOwned::to_owned),
                other => panic!("no answer: {other:?}"),
            }
        };
        let reply = json!({"event_id": "$asked"});
        let asked = Some(owned_event_id!("$asked"));
        assert_eq!(target(json!({"m.in_reply_to": reply})), asked);
        let thread = |falls_back: bool| {
            json!({"rel_type": "m.thread", "event_id": "$root", "m.in_reply_to": reply,
                   "is_falling_back": falls_back})
        };
        assert_eq!(target(thread(true)), None);
        assert_eq!(target(thread(false)), asked);
        assert_eq!(target(json!({})), None);
    }
}
