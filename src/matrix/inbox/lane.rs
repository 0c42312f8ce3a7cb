//! What of a busy room's queue may pass ahead: a pure look at single events, and a memory of which ones were looked at.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use matrix_sdk::ruma::OwnedEventId;
use tokio::sync::Notify;

use crate::{
    core::{
        chat::permission::Choice,
        command::{Answer, Command, Parsed},
        ids::EventKey,
        message::Incoming,
    },
    matrix::event::Said,
};

/// An event that need not wait for the turn before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// `!stop`.
    Stop,
    /// `!help`.
    Help,
    /// Words that answer a question, if one is open: `!yes`, `!no`, a number.
    Answer(Choice),
    /// A reaction that answers a question, if it is to one.
    Reaction(OwnedEventId, Choice),
}

/// What the event is, if it may pass ahead.
pub(super) fn control(said: &Said, parsed: impl Fn(&Incoming) -> Parsed) -> Option<Control> {
    match said {
        Said::Words(incoming) if incoming.attachment.is_none() => match parsed(incoming) {
            Parsed::Command(Command::Stop(_)) => Some(Control::Stop),
            Parsed::Command(Command::Help(_)) => Some(Control::Help),
            Parsed::Command(Command::Answer(Answer::Yes)) => Some(Control::Answer(Choice::Yes)),
            Parsed::Command(Command::Answer(Answer::No)) => Some(Control::Answer(Choice::No)),
            Parsed::NotACommand => {
                // `!2` is no command, and may be meant as one.
                let text = incoming.text.trim();
                Choice::read(text.strip_prefix('!').unwrap_or(text)).map(Control::Answer)
            }
            _ => None,
        },
        Said::Reaction { target, choice } => Some(Control::Reaction(target.clone(), *choice)),
        _ => None,
    }
}

/// The queue of one room, as far as it was looked at.
#[derive(Default)]
pub(super) struct Lane {
    /// Rings when there may be something new to look at.
    pub(super) bell: Notify,
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
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        core::command::parse,
        matrix::{batch::TimelineItem, event},
    };

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
        control(&said, |incoming| parse(&incoming.text))
    }

    #[test]
    fn only_control_commands_and_possible_answers_pass_ahead() {
        for (text, expected) in [
            ("!stop", Some(Control::Stop)),
            ("!STOP ", Some(Control::Stop)),
            ("!help", Some(Control::Help)),
            ("!help new", Some(Control::Help)),
            ("!yes", Some(Control::Answer(Choice::Yes))),
            ("!no", Some(Control::Answer(Choice::No))),
            ("2", Some(Control::Answer(Choice::Number(2)))),
            ("!2", Some(Control::Answer(Choice::Number(2)))),
            ("👍", Some(Control::Answer(Choice::Yes))),
            ("!stop it", None),
            ("stop", None),
            ("!new", None),
            ("!clear", None),
            ("!stpo", None),
            ("yes", None),
            ("2 apples", None),
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
        let expected = Some(Control::Reaction(asked, Choice::Yes));
        assert_eq!(reaction("m.annotation", "👍️"), expected);
        assert_eq!(reaction("m.annotation", "🎉"), None);
        assert_eq!(reaction("m.reference", "👍"), None);
        assert_eq!(of("m.reaction", json!({})), None);
        let picture = json!({"msgtype": "m.image", "body": "!stop"});
        assert_eq!(of("m.room.message", picture), None);
        assert_eq!(of("m.room.encrypted", json!({})), None);
    }
}
