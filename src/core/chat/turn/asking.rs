//! The permission questions of one turn: put to the person one after the other, while the agent goes on talking.

use std::collections::{HashMap, VecDeque};

use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::Turn;
use crate::{
    core::{
        chat::{
            Locale,
            permission::{Asked, LONGEST_TITLE, MOST_OPTIONS, Offer, Verdict},
        },
        ids::derived_uuid,
    },
    platform::PermissionQuestion,
};

/// More questions than this in one turn are refused: nobody can be asked for ever.
const MOST_QUESTIONS: usize = 64;

/// The questions of a turn.
pub(super) struct Asking<'a> {
    turn: &'a Turn<'a>,
    locale: Locale,
    asked: HashMap<Uuid, u32>,
    count: usize,
    waiting: VecDeque<(PermissionQuestion, Asked)>,
    open: Option<BoxFuture<'a, (PermissionQuestion, Verdict)>>,
}

impl<'a> Asking<'a> {
    pub(super) fn new(turn: &'a Turn<'a>, locale: Locale) -> Self {
        Self {
            turn,
            locale,
            asked: HashMap::new(),
            count: 0,
            waiting: VecDeque::new(),
            open: None,
        }
    }

    /// Whether the person is being asked.
    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Puts the question to the person, after those before it. Gives it back where nobody can be asked.
    pub(super) fn put(&mut self, question: PermissionQuestion) -> Option<PermissionQuestion> {
        self.count += 1;
        let cannot_be_shown = question.options.is_empty() || is_too_long(&question);
        if self.count > MOST_QUESTIONS || cannot_be_shown {
            return Some(question);
        }
        let asked = self.asked(&question);
        self.waiting.push_back((question, asked));
        self.ask_next();
        None
    }

    /// The answer to the question that is open.
    pub(super) async fn decided(&mut self) -> (PermissionQuestion, Verdict) {
        let decided = match &mut self.open {
            Some(open) => open.await,
            None => std::future::pending().await,
        };
        self.open = None;
        self.ask_next();
        decided
    }

    fn ask_next(&mut self) {
        if self.open.is_some() {
            return;
        }
        if let Some((question, asked)) = self.waiting.pop_front() {
            let person = self.turn.person;
            self.open = Some(Box::pin(async move {
                let verdict = person.ask(&asked).await;
                (question, verdict)
            }));
        }
    }

    /// The question in the form in which it is shown. Its key counts how often these words were asked in this turn.
    fn asked(&mut self, question: &PermissionQuestion) -> Asked {
        let title = question.title.clone();
        let options: Vec<Offer> = question
            .options
            .iter()
            .take(MOST_OPTIONS)
            .map(Offer::of)
            .collect();
        let words = derived_uuid(&format!("asks:{title:?}:{options:?}"));
        let count = self.asked.entry(words).or_default();
        *count += 1;
        let incoming = self.turn.incoming;
        Asked {
            key: derived_uuid(&format!("asks:{}:{words}:{count}", incoming.event)),
            turn: incoming.event.clone(),
            room: self.turn.chat.room.clone(),
            thread: incoming.thread.clone(),
            agent: self.turn.agent.name.clone(),
            title,
            options,
            locale: self.locale,
        }
    }
}

/// Whether the question is longer than what is shown to a person.
pub(super) const fn is_too_long(question: &PermissionQuestion) -> bool {
    question.title.len() > LONGEST_TITLE
}
