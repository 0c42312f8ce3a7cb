//! Between an agent that talks and a chat that listens: one turn's pieces and open questions, never more than fits.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use agent_client_protocol::v1::schema::{
    RequestPermissionOutcome, RequestPermissionRequest, SelectedPermissionOutcome, SessionUpdate,
};
use tokio::sync::Notify;

use super::{
    trouble::Trouble,
    voice::{self, Voice},
};
use crate::platform::{AnswerEvent, PermissionMeaning, StopReason};

/// So much may wait for a listener that is held up. No answer may be half as long.
const MOST_BYTES: usize = 1024 * 1024;
/// So many pieces that are no text may wait.
const MOST_PIECES: usize = 512;
/// So many questions may be open at once.
const MOST_QUESTIONS: usize = 16;

/// Answers a permission request towards the agent.
pub(super) type Reply = Box<dyn FnOnce(RequestPermissionOutcome) + Send>;

/// How a turn ended.
pub(super) type Ending = Result<StopReason, Trouble>;

/// One turn.
pub(super) struct Mailbox {
    inner: Mutex<Inner>,
    rung: Notify,
}

struct Inner {
    voice: Voice,
    pieces: VecDeque<AnswerEvent>,
    bytes: usize,
    questions: BTreeMap<String, Question>,
    is_stopped: bool,
    ending: Option<Ending>,
}

struct Question {
    options: Vec<(String, PermissionMeaning)>,
    reply: Reply,
}

impl Mailbox {
    pub(super) fn new(voice: Voice) -> Self {
        Self {
            inner: Mutex::new(Inner {
                voice,
                pieces: VecDeque::new(),
                bytes: 0,
                questions: BTreeMap::new(),
                is_stopped: false,
                ending: None,
            }),
            rung: Notify::new(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The agent said something.
    pub(super) fn hear(&self, update: SessionUpdate) {
        let mut inner = self.inner();
        if let Some(event) = inner.voice.hear(update) {
            inner.push(event);
            self.rung.notify_one();
        }
    }

    /// Something the agent did not say itself.
    pub(super) fn put(&self, event: AnswerEvent) {
        self.inner().push(event);
        self.rung.notify_one();
    }

    /// The agent asks. No other question of this agent has the name.
    pub(super) fn ask(&self, name: String, request: &RequestPermissionRequest, reply: Reply) {
        let mut inner = self.inner();
        let is_welcome =
            !inner.is_stopped && inner.ending.is_none() && inner.questions.len() < MOST_QUESTIONS;
        let question = voice::question(name.clone(), request).filter(|_| is_welcome);
        let Some(question) = question else {
            drop(inner);
            return reply(RequestPermissionOutcome::Cancelled);
        };
        let options = question
            .options
            .iter()
            .map(|option| (option.id.clone(), option.meaning))
            .collect();
        inner.questions.insert(name, Question { options, reply });
        inner.push(AnswerEvent::Permission(question));
        self.rung.notify_one();
    }

    /// Answers an open question; `None` refuses.
    pub(super) fn answer(&self, name: &str, option: Option<&str>) -> Result<(), Trouble> {
        let mut inner = self.inner();
        let question = inner
            .questions
            .remove(name)
            .ok_or_else(|| Trouble::cannot("no such permission question is open"))?;
        let is_offered = |id: &str| question.options.iter().any(|(offered, _)| offered == id);
        let chosen = match option {
            Some(id) if !is_offered(id) => {
                inner.questions.insert(name.to_owned(), question);
                return Err(Trouble::cannot("the question has no such option"));
            }
            Some(id) => Some(id.to_owned()),
            None => refusal(&question.options),
        };
        drop(inner);
        (question.reply)(chosen.map_or(RequestPermissionOutcome::Cancelled, |id| {
            RequestPermissionOutcome::Selected(SelectedPermissionOutcome::new(id))
        }));
        Ok(())
    }

    /// The turn is to end: what is asked from now on, and what was asked, is cancelled, as the protocol demands.
    pub(super) fn stop(&self) {
        let mut inner = self.inner();
        inner.is_stopped = true;
        let questions = std::mem::take(&mut inner.questions);
        drop(inner);
        cancel(questions);
    }

    /// The turn has ended. The first end counts.
    pub(super) fn end(&self, ending: Ending) {
        let mut inner = self.inner();
        if inner.ending.is_none() && matches!(ending, Ok(StopReason::EndTurn | StopReason::Limit)) {
            for path in inner.voice.linked_files() {
                inner.push(AnswerEvent::File(path));
            }
        }
        inner.ending.get_or_insert(ending);
        let questions = std::mem::take(&mut inner.questions);
        drop(inner);
        cancel(questions);
        self.rung.notify_one();
    }

    /// The next piece, in order; the end comes last. For one listener.
    pub(super) async fn next(&self) -> Result<AnswerEvent, Trouble> {
        loop {
            {
                let mut inner = self.inner();
                if let Some(event) = inner.pieces.pop_front() {
                    if let AnswerEvent::Text(text) = &event {
                        inner.bytes -= text.len();
                    }
                    return Ok(event);
                }
                if let Some(ending) = &inner.ending {
                    return ending.clone().map(AnswerEvent::Done);
                }
            }
            self.rung.notified().await;
        }
    }
}

impl Inner {
    /// What no longer fits is dropped: such an answer is cut long before.
    fn push(&mut self, event: AnswerEvent) {
        let is_full = self.pieces.len() >= MOST_PIECES;
        match (event, self.pieces.back_mut()) {
            (AnswerEvent::Text(text), _) if self.bytes + text.len() > MOST_BYTES => {}
            (AnswerEvent::Text(text), Some(AnswerEvent::Text(said))) => {
                self.bytes += text.len();
                said.push_str(&text);
            }
            (AnswerEvent::ToolStatus(now), Some(AnswerEvent::ToolStatus(before))) => *before = now,
            (event, _) if !is_full => {
                if let AnswerEvent::Text(text) = &event {
                    self.bytes += text.len();
                }
                self.pieces.push_back(event);
            }
            _ => {}
        }
    }
}

fn cancel(questions: BTreeMap<String, Question>) {
    for question in questions.into_values() {
        (question.reply)(RequestPermissionOutcome::Cancelled);
    }
}

/// The option that says no, this once where that can be said.
fn refusal(options: &[(String, PermissionMeaning)]) -> Option<String> {
    [PermissionMeaning::Reject, PermissionMeaning::RejectAlways]
        .into_iter()
        .find_map(|meaning| options.iter().find(|(_, offered)| *offered == meaning))
        .map(|(id, _)| id.clone())
}

#[cfg(test)]
mod tests;
