//! What a permission question's message says of itself, so that it is known again when everything else is lost.

use matrix_sdk::ruma::{OwnedEventId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::full;
use crate::{
    core::chat::{
        Locale,
        permission::{Asked, Offer, Verdict},
    },
    matrix::{
        batch::TimelineItem,
        marker::{ASKS_KEY, VERSION},
    },
    platform::PermissionMeaning,
    text::Guide,
};

/// A permission question, as it stands in its message and in its row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    version: u32,
    /// Names it.
    pub key: Uuid,
    /// The message whose answer waits for it.
    pub turn: OwnedEventId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    thread: Option<String>,
    agent: String,
    title: String,
    options: Vec<OptionNote>,
    locale: String,
    /// What was decided, in the edit that says so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub verdict: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OptionNote {
    label: String,
    meaning: MeaningNote,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MeaningNote {
    Allow,
    AllowAlways,
    Reject,
    RejectAlways,
}

/// A question found in a timeline, with the verdict that an edit of it tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// What it says of itself.
    pub note: Note,
    /// Its message.
    pub event_id: OwnedEventId,
    /// Whether it was found as its message, and not as an edit of that.
    pub is_message: bool,
}

impl Note {
    /// The note of a question; `None` where its turn is no event.
    pub fn of(asked: &Asked) -> Option<Self> {
        Some(Self {
            version: VERSION,
            key: asked.key,
            turn: asked.turn.as_str().try_into().ok()?,
            thread: asked.thread.as_ref().map(ToString::to_string),
            agent: asked.agent.clone(),
            title: match full::beginning(asked) {
                None => asked.title.clone(),
                Some(beginning) => Guide::InFullAbove(&beginning).text(asked.locale),
            },
            options: asked.options.iter().map(option_note).collect(),
            locale: asked.locale.code().to_owned(),
            verdict: None,
        })
    }

    /// The note in an event's content.
    pub fn read(content: &Value) -> Option<Self> {
        let note = Self::deserialize(content.get(ASKS_KEY)?).ok()?;
        (note.version == VERSION).then_some(note)
    }

    /// The note of the edit that tells the verdict.
    #[must_use]
    pub fn decided(&self, verdict: Verdict) -> Self {
        Self {
            verdict: Some(word(verdict)),
            ..self.clone()
        }
    }

    /// For a row.
    pub(in crate::matrix) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a note is plain JSON")
    }

    /// From a row.
    pub fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// The thread of the turn.
    pub fn thread(&self) -> Option<&str> {
        self.thread.as_deref()
    }

    /// What people call the agent.
    pub fn agent(&self) -> &str {
        &self.agent
    }

    /// What is asked.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The ways to answer.
    pub fn options(&self) -> Vec<Offer> {
        self.options.iter().map(offer).collect()
    }

    /// The language it was asked in.
    pub fn locale(&self) -> Locale {
        Locale::from_code(&self.locale).unwrap_or_default()
    }
}

/// The question that an event of a timeline shows. Only the bot's own events count.
pub fn shown_by(bot: &UserId, item: &TimelineItem) -> Option<Shown> {
    if item.sender != bot {
        return None;
    }
    let note = Note::read(&item.content)?;
    let relation = item.content.get("m.relates_to");
    let edited: Option<OwnedEventId> = relation
        .filter(|relation| relation.get("rel_type").and_then(Value::as_str) == Some("m.replace"))
        .and_then(|relation| relation.get("event_id")?.as_str()?.try_into().ok());
    Some(Shown {
        note,
        is_message: edited.is_none(),
        event_id: edited.unwrap_or_else(|| item.event_id.clone()),
    })
}

/// A verdict as a word, for rows and notes.
pub fn word(verdict: Verdict) -> String {
    match verdict {
        Verdict::Chosen(index) => format!("chosen {index}"),
        Verdict::Refused => "refused".to_owned(),
        Verdict::TimedOut => "timed out".to_owned(),
        Verdict::Withdrawn => "withdrawn".to_owned(),
    }
}

/// The verdict that the word stands for.
pub fn verdict(word: &str) -> Option<Verdict> {
    match word {
        "refused" => Some(Verdict::Refused),
        "timed out" => Some(Verdict::TimedOut),
        "withdrawn" => Some(Verdict::Withdrawn),
        _ => word
            .strip_prefix("chosen ")?
            .parse()
            .ok()
            .map(Verdict::Chosen),
    }
}

fn option_note(offer: &Offer) -> OptionNote {
    OptionNote {
        label: offer.label.clone(),
        meaning: match offer.meaning {
            PermissionMeaning::Allow => MeaningNote::Allow,
            PermissionMeaning::AllowAlways => MeaningNote::AllowAlways,
            PermissionMeaning::Reject => MeaningNote::Reject,
            PermissionMeaning::RejectAlways => MeaningNote::RejectAlways,
        },
    }
}

fn offer(note: &OptionNote) -> Offer {
    Offer {
        label: note.label.clone(),
        meaning: match note.meaning {
            MeaningNote::Allow => PermissionMeaning::Allow,
            MeaningNote::AllowAlways => PermissionMeaning::AllowAlways,
            MeaningNote::Reject => PermissionMeaning::Reject,
            MeaningNote::RejectAlways => PermissionMeaning::RejectAlways,
        },
    }
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::{owned_event_id, owned_user_id, user_id};
    use serde_json::json;

    use super::*;
    use crate::core::ids::{EventKey, RoomKey};

    fn note() -> Note {
        Note::of(&Asked {
            key: Uuid::from_u128(7),
            turn: EventKey::new("$turn"),
            room: RoomKey::new("!r:hs"),
            thread: Some(EventKey::new("$root")),
            agent: "Assistant".to_owned(),
            title: "May I?".to_owned(),
            options: vec![Offer {
                label: "Yes".to_owned(),
                meaning: PermissionMeaning::AllowAlways,
            }],
            locale: Locale::Ru,
        })
        .unwrap()
    }

    fn item(id: OwnedEventId, sender: &UserId, content: Value) -> TimelineItem {
        TimelineItem {
            event_id: id,
            sender: sender.to_owned(),
            event_type: "m.room.message".to_owned(),
            state_key: None,
            origin_server_ts: 0,
            content,
            was_joined: false,
        }
    }

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let note = note();
        let content = json!({ASKS_KEY: note});
        assert_eq!(Note::read(&content).as_ref(), Some(&note));
        assert_eq!(Note::from_json(&note.to_json()).as_ref(), Some(&note));
        assert_eq!(note.locale(), Locale::Ru);
        assert_eq!(note.options()[0].meaning, PermissionMeaning::AllowAlways);
        assert_eq!(Note::read(&json!({ASKS_KEY: {"version": 2}})), None);
        assert_eq!(Note::read(&json!({})), None);
    }

    #[test]
    fn every_verdict_has_a_word_and_other_words_are_none() {
        for known in [
            Verdict::Chosen(3),
            Verdict::Refused,
            Verdict::TimedOut,
            Verdict::Withdrawn,
        ] {
            assert_eq!(verdict(&word(known)), Some(known));
        }
        for unknown in ["", "chosen", "chosen x", "chosen -1", "open"] {
            assert_eq!(verdict(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn a_question_is_found_by_its_message_or_by_the_edit_that_decided_it() {
        let (bot, alice) = (user_id!("@bot:hs"), owned_user_id!("@alice:hs"));
        let asked = json!({ASKS_KEY: note()});
        let edit = json!({ASKS_KEY: note().decided(Verdict::Chosen(0)),
                          "m.relates_to": {"rel_type": "m.replace", "event_id": "$asked"}});
        let page = [
            item(owned_event_id!("$asked"), bot, asked.clone()),
            item(owned_event_id!("$edit"), bot, edit),
            item(owned_event_id!("$forged"), &alice, asked),
        ];
        let found: Vec<Shown> = page.iter().filter_map(|item| shown_by(bot, item)).collect();
        let ids: Vec<&str> = found.iter().map(|shown| shown.event_id.as_str()).collect();
        assert_eq!(ids, ["$asked", "$asked"]);
        assert!(found[0].is_message && !found[1].is_message);
        assert_eq!(found[0].note.verdict, None);
        assert_eq!(found[1].note.verdict.as_deref(), Some("chosen 0"));
    }
}
