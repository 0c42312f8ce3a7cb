//! Which permission question a message of the owner answers. Pure.
//!
//! An answer is to one question only: the one whose message it names, as a reaction or a reply, or else the last one that
//! stands before it in the room. What was sent before a question was not meant for it, whatever it says.

use matrix_sdk::ruma::{EventId, OwnedEventId};

use crate::{
    core::chat::permission::{Choice, Verdict},
    matrix::store::QuestionRow,
};

/// What the owner says that may answer a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// A reaction to a message: its key stands for one of the options.
    Reaction {
        /// The message it belongs to.
        target: OwnedEventId,
        /// What it answers.
        choice: Choice,
    },
    /// A message that is an option, or that can only mean an open question.
    Words(Words),
}

/// A message that may answer a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// What it answers; `None` for words that can only be meant for a question and choose nothing.
    pub choice: Option<Choice>,
    /// Whether it is `!yes` or `!no`, which means nothing to an agent.
    pub is_command: bool,
    /// The message that it is a reply to.
    pub replies_to: Option<OwnedEventId>,
}

impl Given {
    /// The message that it names.
    pub fn target(&self) -> Option<&EventId> {
        match self {
            Self::Reaction { target, .. } => Some(target),
            Self::Words(words) => words.replies_to.as_deref(),
        }
    }
}

/// The questions that may be meant, each open or decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidates {
    /// The one whose message is named.
    pub named: Option<QuestionRow>,
    /// The last one of the running turn whose message stands before what was given.
    pub last: Option<QuestionRow>,
}

/// The decision of the owner on one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    question: OwnedEventId,
    verdict: Verdict,
    given_in: OwnedEventId,
}

impl Answer {
    /// The question's own message.
    pub fn question(&self) -> &EventId {
        &self.question
    }

    /// What was decided.
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The owner's message or reaction.
    pub fn given_in(&self) -> &EventId {
        &self.given_in
    }
}

/// What something the owner said comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// It answers a question.
    Answers(Answer),
    /// It decided this question before a crash.
    Decided(QuestionRow),
    /// It is about this question, which is open, and chooses none of its options.
    Unclear(QuestionRow),
    /// It is an answer where nothing is asked.
    NothingAsked,
    /// It is a message like any other, or a reaction that means nothing.
    Plain,
}

/// What the owner means by this event.
pub fn meaning(given: &Given, event: &EventId, candidates: Candidates) -> Meaning {
    let named = candidates.named.filter(is_open);
    match given {
        Given::Reaction { choice, .. } => named
            .and_then(|question| answer(&question, *choice, event))
            .map_or(Meaning::Plain, Meaning::Answers),
        Given::Words(words) => {
            let last = candidates.last.filter(is_open);
            let meant = match words.replies_to {
                Some(_) => named,
                None => last.clone(),
            };
            match (meant, last) {
                (Some(question), _) => words
                    .choice
                    .and_then(|choice| answer(&question, choice, event))
                    .map_or(Meaning::Unclear(question), Meaning::Answers),
                // A reply to something else, which no agent can be meant to read.
                (None, Some(question)) if words.is_command => Meaning::Unclear(question),
                (None, None) if words.is_command => Meaning::NothingAsked,
                (None, _) => Meaning::Plain,
            }
        }
    }
}

fn is_open(question: &QuestionRow) -> bool {
    question.verdict.is_none()
}

fn answer(question: &QuestionRow, choice: Choice, given_in: &EventId) -> Option<Answer> {
    Some(Answer {
        question: question.event_id.clone()?,
        verdict: choice.verdict(&question.note.options())?,
        given_in: given_in.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::{event_id, owned_event_id, owned_room_id};
    use uuid::Uuid;

    use super::*;
    use crate::{
        core::{
            chat::{
                Locale,
                permission::{Asked, Offer},
            },
            ids::{EventKey, RoomKey},
        },
        matrix::questions::note::Note,
        platform::PermissionMeaning,
    };

    /// With one option, which allows.
    fn question(event: OwnedEventId, verdict: Option<Verdict>) -> QuestionRow {
        let note = Note::of(&Asked {
            key: Uuid::from_u128(7),
            turn: EventKey::new("$turn"),
            room: RoomKey::new("!r:hs"),
            thread: None,
            agent: "Assistant".to_owned(),
            title: "May I?".to_owned(),
            options: vec![Offer {
                label: "Allow".to_owned(),
                meaning: PermissionMeaning::Allow,
            }],
            locale: Locale::En,
        })
        .unwrap();
        QuestionRow {
            key: note.key,
            room: owned_room_id!("!r:hs"),
            note,
            event_id: Some(event),
            verdict,
            decided_by: None,
        }
    }

    fn open(event: OwnedEventId) -> QuestionRow {
        question(event, None)
    }

    fn decided(event: OwnedEventId) -> QuestionRow {
        question(event, Some(Verdict::Refused))
    }

    /// What it comes to, in a word: the question that is answered, or that is unclear.
    fn word(
        given: &Given,
        named: impl Into<Option<QuestionRow>>,
        last: impl Into<Option<QuestionRow>>,
    ) -> String {
        let (named, last) = (named.into(), last.into());
        match meaning(given, event_id!("$given"), Candidates { named, last }) {
            Meaning::Answers(answer) => format!("answers {}", answer.question()),
            Meaning::Unclear(question) => format!("unclear {}", question.event_id.unwrap()),
            Meaning::NothingAsked => "nothing asked".to_owned(),
            Meaning::Plain => "plain".to_owned(),
            Meaning::Decided(_) => panic!("nothing was decided by it"),
        }
    }

    fn words(choice: Option<Choice>, is_command: bool, reply: Option<OwnedEventId>) -> Given {
        Given::Words(Words {
            choice,
            is_command,
            replies_to: reply,
        })
    }

    #[test]
    fn words_answer_the_last_question_before_them_while_it_is_open() {
        let (asked, yes) = (owned_event_id!("$asked"), Some(Choice::Yes));
        let command = words(yes, true, None);
        assert_eq!(word(&command, None, open(asked.clone())), "answers $asked");
        assert_eq!(
            word(&command, None, decided(asked.clone())),
            "nothing asked"
        );
        assert_eq!(word(&command, None, None), "nothing asked");
        let number = words(Some(Choice::Number(1)), false, None);
        assert_eq!(word(&number, None, open(asked.clone())), "answers $asked");
        assert_eq!(word(&number, None, decided(asked.clone())), "plain");
        assert_eq!(word(&number, None, None), "plain");
        for unclear in [None, Some(Choice::Number(2))] {
            let unclear = words(unclear, false, None);
            assert_eq!(word(&unclear, None, open(asked.clone())), "unclear $asked");
            assert_eq!(word(&unclear, None, None), "plain");
        }
    }

    #[test]
    fn a_reply_answers_the_question_it_names_and_no_other() {
        let (first, second) = (owned_event_id!("$first"), owned_event_id!("$second"));
        for is_command in [true, false] {
            let reply = words(Some(Choice::Yes), is_command, Some(first.clone()));
            let both = word(&reply, open(first.clone()), open(second.clone()));
            assert_eq!(both, "answers $first");
            let elsewhere = if is_command {
                "unclear $second"
            } else {
                "plain"
            };
            let late = word(&reply, decided(first.clone()), open(second.clone()));
            assert_eq!(late, elsewhere);
            assert_eq!(word(&reply, None, open(second.clone())), elsewhere);
        }
    }

    #[test]
    fn a_reaction_answers_only_the_question_it_is_to() {
        let (first, second) = (owned_event_id!("$first"), owned_event_id!("$second"));
        let reaction = |choice| Given::Reaction {
            target: first.clone(),
            choice,
        };
        let yes = reaction(Choice::Yes);
        let last = open(second);
        assert_eq!(
            word(&yes, open(first.clone()), last.clone()),
            "answers $first"
        );
        assert_eq!(word(&yes, decided(first.clone()), last.clone()), "plain");
        assert_eq!(word(&yes, None, last.clone()), "plain");
        let nine = reaction(Choice::Number(9));
        assert_eq!(word(&nine, open(first.clone()), last), "plain");
    }
}
