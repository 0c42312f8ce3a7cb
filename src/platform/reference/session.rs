//! What the agent remembers of one conversation.

use std::{collections::BTreeSet, path::PathBuf};

use serde::{Deserialize, Serialize};

/// Turns that are remembered. Older ones are forgotten, and counted.
const REMEMBERED_TURNS: usize = 500;

/// What is kept of one text, in bytes.
const KEPT_TEXT: usize = 16 << 10;

/// Permissions for good that are remembered.
const REMEMBERED_PERMISSIONS: usize = 100;

/// The longest title, in letters.
const TITLE: usize = 60;

/// One question and what was answered, as far as the answer got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Exchange {
    pub(super) asked: String,
    pub(super) answered: String,
}

/// What the agent remembers of one conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) id: String,
    /// The folder the client gave.
    pub(super) cwd: PathBuf,
    /// When it last changed, in milliseconds since the epoch.
    pub(super) updated_ms: u64,
    /// How many turns are not remembered any more.
    pub(super) forgotten: u64,
    pub(super) turns: Vec<Exchange>,
    /// What was allowed for good.
    pub(super) allowed: BTreeSet<String>,
}

impl Session {
    pub(super) fn new(id: String, cwd: PathBuf) -> Self {
        Self {
            id,
            cwd,
            updated_ms: 0,
            forgotten: 0,
            turns: Vec::new(),
            allowed: BTreeSet::new(),
        }
    }

    /// The number of the message that comes next, from 1 on.
    pub(super) fn next_number(&self) -> u64 {
        self.forgotten + self.turns.len() as u64 + 1
    }

    /// The first words of what is remembered.
    pub(super) fn title(&self) -> Option<String> {
        let first = self.turns.first()?.asked.lines().next()?;
        Some(first.chars().take(TITLE).collect()).filter(|title: &String| !title.is_empty())
    }

    pub(super) fn remember(&mut self, asked: &str, answered: &str) {
        self.turns.push(Exchange {
            asked: kept(asked),
            answered: kept(answered),
        });
        let surplus = self.turns.len().saturating_sub(REMEMBERED_TURNS);
        self.turns.drain(..surplus);
        self.forgotten += surplus as u64;
    }

    pub(super) fn allow(&mut self, what: &str) {
        if self.allowed.len() < REMEMBERED_PERMISSIONS {
            self.allowed.insert(what.to_owned());
        }
    }
}

fn kept(text: &str) -> String {
    let mut end = text.len().min(KEPT_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded_and_what_is_forgotten_counted() {
        let mut session = Session::new("id".to_owned(), "/w".into());
        assert_eq!((session.next_number(), session.title()), (1, None));
        for number in 1..=REMEMBERED_TURNS + 3 {
            session.remember(&format!("question {number}"), &"ж".repeat(KEPT_TEXT));
        }
        assert_eq!(session.turns.len(), REMEMBERED_TURNS);
        assert_eq!(session.forgotten, 3);
        assert_eq!(session.title().as_deref(), Some("question 4"));
        assert_eq!(session.next_number(), REMEMBERED_TURNS as u64 + 4);
        assert!(
            session
                .turns
                .iter()
                .all(|turn| turn.answered.len() <= KEPT_TEXT)
        );
        for number in 0..=REMEMBERED_PERMISSIONS {
            session.allow(&number.to_string());
        }
        assert_eq!(session.allowed.len(), REMEMBERED_PERMISSIONS);
    }
}
