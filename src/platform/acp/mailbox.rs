//! Between an agent that talks and a chat that listens: one turn's pieces and open questions, never more than fits.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use agent_client_protocol::v1::schema::{
    RequestPermissionOutcome, RequestPermissionRequest, SelectedPermissionOutcome, SessionUpdate,
};
use tokio::sync::Notify;

use super::{permission, trouble::Trouble, voice::Voice};
use crate::platform::{AnswerEvent, LONGEST_ANSWER, Media, PermissionMeaning, StopReason};

/// The longest text that waits for a listener that is held up, in bytes. More than the longest answer: what a chat takes
/// is never cut here.
const MOST_BYTES: usize = LONGEST_ANSWER + 64 * 1024;
/// Pieces that wait and are neither text nor a tool's status.
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
    /// Of the text that waits.
    bytes: usize,
    /// Of the pieces that wait, those that are neither text nor a tool's status.
    others: usize,
    /// Text was dropped. All that follows it is dropped too, so that nothing is missing in the middle.
    is_cut: bool,
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
                others: 0,
                is_cut: false,
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
        for event in inner.voice.hear(update) {
            inner.push(event);
            self.rung.notify_one();
        }
    }

    /// The agent said something of a kind that is not known here.
    pub(super) fn hear_unknown(&self) {
        self.put(AnswerEvent::NotShown(Media::Other));
    }

    /// Something the agent did not say itself.
    pub(super) fn put(&self, event: AnswerEvent) {
        self.inner().push(event);
        self.rung.notify_one();
    }

    /// The agent asks. No other question of this agent has the name.
    pub(super) fn ask(&self, name: String, request: &RequestPermissionRequest, reply: Reply) {
        let mut inner = self.inner();
        let is_welcome = !inner.is_stopped
            && inner.ending.is_none()
            && inner.questions.len() < MOST_QUESTIONS
            && inner.others < MOST_PIECES;
        let question = permission::question(name.clone(), request).filter(|_| is_welcome);
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
        let questions = inner.take_questions();
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
        let is_cut = inner.is_cut;
        inner.ending.get_or_insert(match ending {
            Ok(StopReason::EndTurn) if is_cut => Ok(StopReason::Limit),
            ending => ending,
        });
        let questions = inner.take_questions();
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
                    match &event {
                        AnswerEvent::Text(text) => inner.bytes -= text.len(),
                        AnswerEvent::ToolStatus(_) => {}
                        _ => inner.others -= 1,
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
    /// Keeps the piece for the listener, as far as it fits.
    fn push(&mut self, event: AnswerEvent) {
        match (event, self.pieces.back_mut()) {
            (AnswerEvent::Text(text), _) => self.push_text(text),
            (AnswerEvent::ToolStatus(now), Some(AnswerEvent::ToolStatus(before))) => *before = now,
            (status @ AnswerEvent::ToolStatus(_), _) => self.pieces.push_back(status),
            (event, _) if self.others < MOST_PIECES => {
                self.others += 1;
                self.pieces.push_back(event);
            }
            _ => {}
        }
    }

    /// Takes the open questions back. Those that the listener has not seen are not shown any more.
    fn take_questions(&mut self) -> BTreeMap<String, Question> {
        let waiting = self.pieces.len();
        self.pieces
            .retain(|piece| !matches!(piece, AnswerEvent::Permission(_)));
        self.others -= waiting - self.pieces.len();
        std::mem::take(&mut self.questions)
    }

    fn push_text(&mut self, mut text: String) {
        if self.is_cut {
            return;
        }
        let room = MOST_BYTES - self.bytes;
        if text.len() > room {
            text.truncate(text.floor_char_boundary(room));
            self.is_cut = true;
        }
        self.bytes += text.len();
        // A status that nobody has read is out of date when words follow it.
        if matches!(self.pieces.back(), Some(AnswerEvent::ToolStatus(_))) {
            self.pieces.pop_back();
        }
        match self.pieces.back_mut() {
            Some(AnswerEvent::Text(said)) => said.push_str(&text),
            _ => self.pieces.push_back(AnswerEvent::Text(text)),
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
