//! Permission questions as messages: asked once, answered by the chat's owner, and edited to say what was decided.
//!
//! The message's transaction id comes from the question's key, so that a turn that begins again after a crash finds its
//! question, and the answer it got meanwhile. The bot does not react to its own message to offer the options: that would
//! cost a request each, and servers limit rates.

pub mod answer;
mod full;
pub mod note;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use matrix_sdk::ruma::{EventId, OwnedRoomId};
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use self::note::Note;
use crate::{
    core::{
        chat::permission::{Asked, Person, Verdict},
        ids::EventKey,
        message::Reply,
    },
    matrix::{
        client::{MatrixClient, MatrixError},
        content,
        marker::ASKS_KEY,
        store::{QuestionRow, Store, StoreError},
    },
    text::Guide,
};

/// Asks people. Clones share everything.
#[derive(Clone)]
pub struct Questions {
    client: Arc<dyn MatrixClient>,
    store: Store,
    limit: Duration,
    /// Counts what was asked and decided.
    changes: Arc<watch::Sender<u64>>,
}

/// Why a question came to nothing.
#[derive(Debug, thiserror::Error)]
enum NotAsked {
    #[error(transparent)]
    Matrix(#[from] MatrixError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the question's turn or room has no Matrix id")]
    NoId,
}

impl Questions {
    /// `client` must be patient. A person has `limit` to answer.
    pub fn new(client: Arc<dyn MatrixClient>, store: Store, limit: Duration) -> Self {
        Self {
            client,
            store,
            limit,
            changes: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Changes whenever a question is asked or decided.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Messages of turns that are finished with say so. What a crash or a lost database left behind.
    pub async fn tidy(&self) -> Result<(), StoreError> {
        for question in self.store.stale_questions().await? {
            self.withdraw(&question).await;
        }
        Ok(())
    }

    /// Whoever waits for an answer looks again. Called when the message says what was decided, so that a turn whose
    /// question still looks open is never finished with.
    pub fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    async fn ask_and_wait(&self, asked: &Asked) -> Result<Verdict, NotAsked> {
        let mut changes = self.changes();
        let room = OwnedRoomId::try_from(asked.room.as_str()).map_err(|_| NotAsked::NoId)?;
        let note = Note::of(asked).ok_or(NotAsked::NoId)?;
        let mut question = self.store.ask(&room, &note).await?;
        if question.event_id.is_none() {
            self.show_in_full(&question, asked).await?;
        }
        self.show(&mut question).await?;
        let until = Instant::now() + self.limit;
        loop {
            changes.borrow_and_update();
            let question = self.store.question(note.key).await?;
            match question.map(|question| question.verdict) {
                Some(None) => {}
                Some(Some(verdict)) => return Ok(verdict),
                None => return Ok(Verdict::Withdrawn),
            }
            if timeout_at(until, changes.changed()).await.is_err() {
                return self.time_is_up(&note).await;
            }
        }
    }

    /// Sends the message, unless it is known to be there. Sending it twice gives the same event.
    async fn show(&self, question: &mut QuestionRow) -> Result<(), NotAsked> {
        if question.event_id.is_none() {
            let id = question.key.simple().to_string();
            let content = self.asks(&question.note);
            let event = self
                .client
                .send_message(&question.room, &id, &content)
                .await?;
            self.store.asked(question.key, &event).await?;
            self.changed();
            question.event_id = Some(event);
        }
        Ok(())
    }

    /// A question that is too long for the message that asks stands in full before it. Sent again, the pieces are the same
    /// events.
    async fn show_in_full(&self, question: &QuestionRow, asked: &Asked) -> Result<(), NotAsked> {
        let pieces = full::pieces(&asked.title);
        for (number, piece) in (1..).zip(&pieces) {
            let text = Guide::AsksFor {
                agent: &asked.agent,
                number,
                count: pieces.len(),
                text: piece,
            };
            let mut content = content::notice(&text.text(asked.locale));
            if let Some(root) = question.note.thread() {
                content["m.relates_to"] = content::in_thread(root, question.note.turn.as_str());
            }
            let id = format!("{}-part-{number}", question.key.simple());
            self.client
                .send_message(&question.room, &id, &content)
                .await?;
        }
        Ok(())
    }

    async fn time_is_up(&self, note: &Note) -> Result<Verdict, NotAsked> {
        let late = self.store.close(note.key, Verdict::TimedOut).await?;
        let Some(question) = late else {
            return Ok(Verdict::TimedOut);
        };
        let verdict = question.verdict.unwrap_or(Verdict::TimedOut);
        if verdict == Verdict::TimedOut {
            self.tell(&question, verdict).await?;
        }
        Ok(verdict)
    }

    /// The turn is over: none of its questions waits any more.
    pub async fn withdraw_all(&self, turn: &EventKey) {
        match self.store.untold_questions_of(turn.as_str()).await {
            Ok(questions) => {
                for question in questions
                    .iter()
                    .filter(|question| question.decided_by.is_none())
                {
                    self.withdraw(question).await;
                }
            }
            Err(error) => tracing::error!(event.id = %turn, %error, "questions cannot be read"),
        }
    }

    /// Nobody waits for the answer any more, or nobody said what was decided.
    async fn withdraw(&self, question: &QuestionRow) {
        let decided = self.store.close(question.key, Verdict::Withdrawn).await;
        self.changed();
        let told = match decided {
            Ok(Some(mut question)) => {
                let verdict = question.verdict.unwrap_or(Verdict::Withdrawn);
                // It may have been cut off while it was sent: then it is there, and nobody knows its id yet.
                match self.show(&mut question).await {
                    Ok(()) => self.tell(&question, verdict).await,
                    Err(error) => Err(error),
                }
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = told {
            tracing::warn!(room.id = %question.room, event.id = %question.note.turn,
                error = &error as &dyn std::error::Error, "a permission question could not be closed");
        }
    }

    /// Edits the message to say what was decided.
    async fn tell(&self, question: &QuestionRow, verdict: Verdict) -> Result<(), NotAsked> {
        if let Some(content) = self.told(question, verdict, None) {
            let id = format!("{}-told", question.key.simple());
            match self
                .client
                .send_message(&question.room, &id, &content)
                .await
            {
                // Refused for good: there is nobody to tell.
                Ok(_) | Err(MatrixError::Refused { .. } | MatrixError::Local(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.store.told(question.key).await?)
    }

    /// The content of the edit that says what was decided, which is also the answer to the message that decided it;
    /// `None` for a question that was never shown.
    pub fn told(
        &self,
        question: &QuestionRow,
        verdict: Verdict,
        answers: Option<&EventId>,
    ) -> Option<Value> {
        let note = &question.note;
        let text = Guide::Asked {
            agent: note.agent(),
            title: note.title(),
            options: &note.options(),
            verdict,
        };
        let mut content = content::notice(&text.text(note.locale()));
        content[ASKS_KEY] = json!(note.decided(verdict));
        if let Some(answer) = answers {
            content = content::answering(content, answer.as_str(), content::Tie::Behind);
        }
        Some(content::edit_of(question.event_id.as_deref()?, content))
    }

    /// The content of the message that asks.
    fn asks(&self, note: &Note) -> Value {
        let text = Guide::Asks {
            agent: note.agent(),
            title: note.title(),
            options: &note.options(),
            limit: self.limit,
        };
        // Not a notice: it is to be noticed.
        let mut content = content::message(&Reply::answer(text.text(note.locale())));
        if let Some(root) = note.thread() {
            content["m.relates_to"] = content::in_thread(root, note.turn.as_str());
        }
        content[ASKS_KEY] = json!(note);
        content
    }
}

#[async_trait]
impl Person for Questions {
    async fn ask(&self, asked: &Asked) -> Verdict {
        match self.ask_and_wait(asked).await {
            Ok(verdict) => verdict,
            // Whoever waits for this is about to be dropped, and asks again after the next start.
            Err(NotAsked::Matrix(MatrixError::ShuttingDown)) => std::future::pending().await,
            Err(error) => {
                tracing::error!(room.id = %asked.room, event.id = %asked.turn,
                    error = &error as &dyn std::error::Error, "a permission question could not be asked");
                Verdict::Refused
            }
        }
    }

    async fn let_go(&self, turn: &EventKey) {
        self.withdraw_all(turn).await;
    }
}
