//! Replies on their way to the server: frozen in the database first, then sent until the server has them.
//!
//! A file is frozen as a plan and a copy in the workspace; once its content is on the server, the plan is replaced by the
//! message that shows it, and that is what is sent.
//!
//! The transaction id of each message is derived from its question, so that sending again from the same device is
//! harmless. Part 0 is a draft that grew in front of the user; with one there, the first final message is an edit of it.

mod elsewhere;
mod saying;
pub mod size;

use std::sync::Arc;

use matrix_sdk::ruma::{OwnedEventId, RoomId};
use serde_json::{Value, json};

use crate::{
    boundary::{Boundary, reached},
    core::message::Reply,
    matrix::{
        client::{MatrixClient, MatrixError},
        content::{self, Tie},
        marker::PART_KEY,
        media::{Media, UploadError},
        plan::{self, FilePlan},
        store::{NewMessage, OutMessage, Store, StoreError},
    },
};

pub use self::saying::Saying;

/// The part that a draft has.
pub const DRAFT_PART: u32 = 0;
/// The part of a word about the answer itself: that the server refused it, or that it was given up.
const LAST_WORD: u32 = 1_000_000;

/// Where the answer to a message goes.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The message: an event id.
    pub id: &'a str,
    /// Its room.
    pub room: &'a RoomId,
    /// Its thread.
    pub thread: Option<&'a str>,
}

/// The answer is not on the server yet.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The process is ending, or the session has ended: what is frozen is sent after the next start.
    #[error(transparent)]
    Interrupted(MatrixError),
    /// Rows could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sends.
#[derive(Clone)]
pub struct Outbox {
    client: Arc<dyn MatrixClient>,
    store: Store,
    media: Media,
}

impl Outbox {
    /// `client` must be patient: a refusal it reports is final.
    pub fn new(client: Arc<dyn MatrixClient>, store: Store, media: Media) -> Self {
        Self {
            client,
            store,
            media,
        }
    }

    /// Whether the whole answer is frozen, so that nobody need be asked again.
    pub async fn is_frozen(&self, question: &str) -> Result<bool, StoreError> {
        Ok(self
            .store
            .frozen(question)
            .await?
            .iter()
            .any(|message| message.part != DRAFT_PART))
    }

    /// Freezes the answer and sends it. Tells whether the server has all of it.
    pub async fn answer(
        &self,
        question: Question<'_>,
        replies: &[Reply],
    ) -> Result<bool, OutboxError> {
        let frozen = self.store.frozen(question.id).await?;
        let draft = frozen
            .into_iter()
            .find(|message| message.part == DRAFT_PART);
        let tie = self.tie(question, draft.as_ref()).await?;
        let draft = match &draft {
            Some(draft) => self.send(question.id, draft).await?,
            None => None,
        };
        let mut contents: Vec<_> = replies
            .iter()
            .flat_map(|reply| contents(reply, question.id, tie))
            .collect();
        for (part, content) in (DRAFT_PART + 1..).zip(&mut contents) {
            plan::mark(content, PART_KEY, json!(part));
        }
        if let (Some(draft), Some(first)) = (draft, contents.first_mut()) {
            *first = content::edit_of(&draft, first.take());
        }
        let messages = (DRAFT_PART + 1..)
            .zip(contents)
            .map(|(part, content)| new_message(question.id, part, content))
            .collect();
        self.store
            .freeze(question.id, question.room, messages)
            .await?;
        reached(Boundary::AnswerFrozen);
        self.deliver(question.id).await
    }

    /// How the messages of an answer that is frozen now are tied to the question. What was frozen before stays as it is.
    async fn tie<'a>(
        &self,
        question: Question<'a>,
        draft: Option<&OutMessage>,
    ) -> Result<Tie<'a>, StoreError> {
        let followers = self.store.followers(question.id).await?;
        let is_apart = followers.people
            || draft.map_or(followers.bot, |draft| content::is_reply(&draft.content));
        Ok(Tie::new(question.thread, is_apart))
    }

    /// Freezes one content as it is as the answer, and sends it.
    pub async fn answer_with(
        &self,
        question: Question<'_>,
        mut content: serde_json::Value,
    ) -> Result<bool, OutboxError> {
        let part = DRAFT_PART + 1;
        content[PART_KEY] = json!(part);
        let message = new_message(question.id, part, content);
        self.store
            .freeze(question.id, question.room, vec![message])
            .await?;
        self.deliver(question.id).await
    }

    /// Sends what is frozen and not on the server yet. Tells whether the server has all of the answer.
    pub async fn deliver(&self, question: &str) -> Result<bool, OutboxError> {
        let mut is_whole = true;
        for message in self.store.frozen(question).await? {
            let is_there = self.send(question, &message).await?.is_some();
            is_whole &= is_there || !is_answer(message.part);
        }
        Ok(is_whole)
    }

    /// One word about an answer that the server will not have in full, beside it. Said once; a refusal is the end of it.
    pub async fn last_word(
        &self,
        question: Question<'_>,
        reply: &Reply,
    ) -> Result<(), OutboxError> {
        // It is about the answer, which stands somewhere above it.
        let tie = Tie::new(question.thread, true);
        let mut content = content::answering(content::message(reply), question.id, tie);
        content[PART_KEY] = json!(LAST_WORD);
        let message = new_message(question.id, LAST_WORD, content);
        self.store
            .freeze(question.id, question.room, vec![message])
            .await?;
        self.deliver(question.id).await?;
        Ok(())
    }

    /// Brings the file to the server and freezes the message that shows it, or the one that stands in its place.
    async fn upload(
        &self,
        question: &str,
        message: &OutMessage,
        plan: &FilePlan,
    ) -> Result<Value, OutboxError> {
        let content = match self.media.upload(&message.room, &plan.file).await {
            Ok(content) => plan.shown_as(content),
            Err(UploadError::Interrupted(error)) => return Err(OutboxError::Interrupted(error)),
            Err(error @ UploadError::ForGood(_)) => {
                tracing::error!(event.id = question, room.id = %message.room, %error, "a file cannot be sent");
                plan.instead.clone()
            }
        };
        self.store
            .refreeze(question, message.part, &content)
            .await?;
        self.media.discard(&plan.file).await;
        Ok(content)
    }

    /// The event of the message; `None` where the server will never have it.
    async fn send(
        &self,
        question: &str,
        message: &OutMessage,
    ) -> Result<Option<OwnedEventId>, OutboxError> {
        if message.is_settled() {
            return Ok(message.event_id.clone());
        }
        let uploaded;
        let content = match FilePlan::of(&message.content) {
            Some(plan) => {
                uploaded = self.upload(question, message, &plan).await?;
                &uploaded
            }
            None => &message.content,
        };
        reached(Boundary::BeforeFinalSend);
        match self
            .client
            .send_message(&message.room, &message.transaction_id, content)
            .await
        {
            Ok(event) => {
                reached(Boundary::AfterFinalSend);
                self.store.sent(question, message.part, &event).await?;
                reached(Boundary::FinalMarked);
                tracing::debug!(event.id = %question, room.id = %message.room, answer.id = %event, part = message.part, "sent");
                Ok(Some(event))
            }
            Err(error @ (MatrixError::Refused { .. } | MatrixError::Local(_))) => {
                tracing::error!(event.id = %question, room.id = %message.room, %error, "a message cannot be sent");
                let counts = is_answer(message.part);
                self.store
                    .not_sendable(question, message.part, &error.to_string(), counts)
                    .await?;
                Ok(None)
            }
            Err(error) => Err(OutboxError::Interrupted(error)),
        }
    }
}

/// Whether the part is one of the answer itself.
const fn is_answer(part: u32) -> bool {
    part != DRAFT_PART && part != LAST_WORD
}

/// The messages that one reply becomes.
fn contents(reply: &Reply, question: &str, tie: Tie<'_>) -> Vec<Value> {
    let answering = |content| content::answering(content, question, tie);
    let shape = |markdown: &str| {
        answering(content::message(&Reply {
            kind: reply.kind,
            markdown: markdown.to_owned(),
            files: Vec::new(),
            is_failure: reply.is_failure,
        }))
    };
    let words = size::pieces(&reply.markdown, &shape);
    let words = words.iter().map(|markdown| shape(markdown));
    let files = reply.files.iter().map(|file| {
        FilePlan {
            file: file.file.clone(),
            instead: answering(content::notice(&file.instead)),
        }
        .to_content()
    });
    words.chain(files).collect()
}

/// One message of those that answer `question`, to be frozen.
pub fn new_message(question: &str, part: u32, content: Value) -> NewMessage {
    NewMessage {
        part,
        transaction_id: transaction_id(question, part),
        content,
    }
}

/// Names one message among those that answer one question.
fn transaction_id(question: &str, part: u32) -> String {
    format!(
        "{}-{part}",
        crate::core::ids::derived_uuid(&format!("answer:{question}")).simple()
    )
}
