//! Permission questions: what an agent leaves to the person, and what the person's answer means.
//!
//! How a question is shown and where its answer comes from is the business of [`Person`]'s implementations.

use async_trait::async_trait;
use uuid::Uuid;

use super::Locale;
use crate::{
    core::ids::{EventKey, RoomKey},
    platform::{PermissionMeaning, PermissionOption},
};

/// More options than this are not shown: no person reads them.
pub const MOST_OPTIONS: usize = 10;
/// The longest question that is put to a person, in bytes. It is shown whole; a longer one is refused, because nobody may
/// be asked to allow what they cannot read.
pub const LONGEST_TITLE: usize = 48 * 1024;
/// Longest label that is shown, in characters.
const LONGEST_LABEL: usize = 80;

/// A question on its way to the chat's owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Names it: the same question of the same turn has the same key, also where the turn begins again after a crash.
    pub key: Uuid,
    /// The message whose answer waits for it.
    pub turn: EventKey,
    /// The chat's room.
    pub room: RoomKey,
    /// The thread of the turn.
    pub thread: Option<EventKey>,
    /// What people call the agent.
    pub agent: String,
    /// What is asked, whole: the first line names the tool, any further ones are what it would do.
    pub title: String,
    /// The options, in the agent's order.
    pub options: Vec<Offer>,
    /// The owner's language.
    pub locale: Locale,
}

/// One way to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What the person reads.
    pub label: String,
    /// What choosing it means.
    pub meaning: PermissionMeaning,
}

impl Offer {
    /// As the agent words it, but no longer than a person reads.
    pub fn of(option: &PermissionOption) -> Self {
        Self {
            label: shortened(&option.label, LONGEST_LABEL),
            meaning: option.meaning,
        }
    }
}

fn shortened(text: &str, most: usize) -> String {
    let mut short: String = text.chars().take(most).collect();
    if text.chars().nth(most).is_some() {
        short.push('…');
    }
    short
}

/// What came of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This option, counted from 0.
    Chosen(usize),
    /// No, where no option says so.
    Refused,
    /// Nobody answered in time, which means no.
    TimedOut,
    /// The turn ended first.
    Withdrawn,
}

/// An answer, as the person gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// 👍, ✅ or `!yes`.
    Yes,
    /// 👎, ❌ or `!no`.
    No,
    /// The option with this number, counted from 1.
    Number(usize),
}

impl Choice {
    /// Reads a reaction or a bare message: a thumb, a mark, or a number, as digits or as a keycap.
    pub fn read(text: &str) -> Option<Self> {
        let plain: String = text.trim().chars().filter(|c| !is_variation(*c)).collect();
        match plain.as_str() {
            "👍" | "✅" | "✔" | "☑" => return Some(Self::Yes),
            "👎" | "❌" | "✖" | "❎" => return Some(Self::No),
            "🔟" => return Some(Self::Number(10)),
            _ => {}
        }
        let digits = plain.strip_suffix(['.', ')']).unwrap_or(&plain);
        let number = digits.len() <= 2
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| number).map(Self::Number)
    }

    /// What it comes to among these options; `None` where they do not have it.
    pub fn verdict(self, options: &[Offer]) -> Option<Verdict> {
        use PermissionMeaning::{Allow, AllowAlways, Reject, RejectAlways};
        let first = |meanings: [PermissionMeaning; 2]| {
            meanings
                .into_iter()
                .find_map(|meaning| options.iter().position(|offer| offer.meaning == meaning))
                .map(Verdict::Chosen)
        };
        match self {
            Self::Yes => first([Allow, AllowAlways]),
            Self::No => Some(first([Reject, RejectAlways]).unwrap_or(Verdict::Refused)),
            Self::Number(number) => number
                .checked_sub(1)
                .filter(|index| *index < options.len())
                .map(Verdict::Chosen),
        }
    }
}

/// Whole messages that mean a question that is open, and answer it in no way that is beyond doubt.
const SHORT_REPLIES: &[&str] = &[
    "y",
    "yes",
    "yep",
    "yeah",
    "yup",
    "ya",
    "sure",
    "k",
    "ok",
    "okay",
    "fine",
    "allow",
    "accept",
    "approve",
    "n",
    "no",
    "nope",
    "nah",
    "never",
    "deny",
    "reject",
    "refuse",
    "decline",
    "+",
    "-",
    "+1",
    "-1",
    "д",
    "да",
    "ага",
    "угу",
    "ок",
    "окей",
    "можно",
    "разрешаю",
    "н",
    "не",
    "нет",
    "нельзя",
    "запрещаю",
];

/// Whether a whole message can only be meant for a question that is open, whatever it is taken to say: "yes", "ok", or a
/// number, also one that stands for no option.
pub fn is_short_reply(text: &str) -> bool {
    let plain = text.trim().trim_end_matches(['.', '!', '?', '…', ',', ')']);
    let plain = plain.trim_end().to_lowercase();
    let is_number = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit());
    is_number || SHORT_REPLIES.contains(&plain.as_str())
}

/// Skin tones, and the marks that choose between two looks of a sign.
const fn is_variation(letter: char) -> bool {
    matches!(
        letter,
        '\u{fe0e}' | '\u{fe0f}' | '\u{20e3}' | '\u{1f3fb}'..='\u{1f3ff}'
    )
}

/// The chat's owner, as far as agents may ask them.
#[async_trait]
pub trait Person: Send + Sync {
    /// Asks, and waits for the answer, for as long as the operator allows. Asking the same again goes on with the
    /// question that is there, or with the answer it got meanwhile. May be dropped at any point.
    async fn ask(&self, asked: &Asked) -> Verdict;
    /// The turn is over: none of its questions waits any more.
    async fn let_go(&self, turn: &EventKey);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbs_marks_numbers_and_keycaps_are_answers_and_other_texts_are_not() {
        for (text, expected) in [
            ("👍", Some(Choice::Yes)),
            ("👍🏽", Some(Choice::Yes)),
            ("✅", Some(Choice::Yes)),
            ("✔️", Some(Choice::Yes)),
            ("👎🏿", Some(Choice::No)),
            ("❌", Some(Choice::No)),
            ("1️⃣", Some(Choice::Number(1))),
            ("🔟", Some(Choice::Number(10))),
            (" 2 ", Some(Choice::Number(2))),
            ("2.", Some(Choice::Number(2))),
            ("12)", Some(Choice::Number(12))),
            ("0", None),
            ("02", None),
            ("100", None),
            ("+1", None),
            ("-1", None),
            ("1 2", None),
            ("٣", None),
            ("❤️", None),
            ("yes", None),
            ("👍👍", None),
            ("", None),
            (".", None),
        ] {
            assert_eq!(Choice::read(text), expected, "{text:?}");
        }
    }

    #[test]
    fn bare_words_and_numbers_are_short_replies_and_sentences_are_not() {
        for text in [
            "yes", "Yes!", " NO. ", "y", "ok", "Okay…", "да", "НЕТ", "+1", "7", "0", "100", "2.",
        ] {
            assert!(is_short_reply(text), "{text:?}");
        }
        for text in [
            "",
            "!",
            "...",
            "yes please",
            "no, wait",
            "2 apples",
            "hello",
            "1.5",
            "okapi",
            "👍",
        ] {
            assert!(!is_short_reply(text), "{text:?}");
        }
    }

    fn offers(meanings: &[PermissionMeaning]) -> Vec<Offer> {
        let offer = |meaning: &PermissionMeaning| Offer {
            label: String::new(),
            meaning: *meaning,
        };
        meanings.iter().map(offer).collect()
    }

    #[test]
    fn yes_and_no_choose_the_mildest_option_that_says_so() {
        use PermissionMeaning::{Allow, AllowAlways, Reject, RejectAlways};
        let all = offers(&[AllowAlways, Allow, RejectAlways, Reject]);
        assert_eq!(Choice::Yes.verdict(&all), Some(Verdict::Chosen(1)));
        assert_eq!(Choice::No.verdict(&all), Some(Verdict::Chosen(3)));
        let always = offers(&[AllowAlways]);
        assert_eq!(Choice::Yes.verdict(&always), Some(Verdict::Chosen(0)));
        assert_eq!(Choice::No.verdict(&always), Some(Verdict::Refused));
        assert_eq!(Choice::Yes.verdict(&offers(&[Reject])), None);
        assert_eq!(Choice::Number(2).verdict(&all), Some(Verdict::Chosen(1)));
        assert_eq!(Choice::Number(5).verdict(&all), None);
        assert_eq!(Choice::Number(0).verdict(&all), None);
    }

    #[test]
    fn a_label_is_cut_where_no_person_would_read_on() {
        let label = |label: &str| {
            Offer::of(&PermissionOption {
                id: String::new(),
                label: label.to_owned(),
                meaning: PermissionMeaning::Allow,
            })
            .label
        };
        assert_eq!(label("Yes"), "Yes");
        let long = label(&"я".repeat(10_000));
        assert_eq!(long.chars().count(), LONGEST_LABEL + 1);
        assert!(long.ends_with('…'));
    }
}
