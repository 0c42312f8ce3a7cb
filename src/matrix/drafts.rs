//! An answer that grows in front of the user: one message, edited at a pace that servers bear, and a typing notice.
//!
//! Drafts are a courtesy. They are sent once and never again, and a server that limits rates gets none; only the final
//! text, which is the outbox's, counts.

use std::{sync::Arc, time::Duration};

use matrix_sdk::ruma::OwnedRoomId;
use serde_json::json;
use tokio::{sync::watch, time::Instant};

use crate::{
    boundary::{Boundary, reached},
    core::message::{DraftSink, Reply},
    lifecycle::Tasks,
    matrix::{
        client::{MatrixClient, MatrixError},
        content,
        marker::DRAFT_KEY,
        outbox::{DRAFT_PART, new_message},
        split::split,
        store::Store,
    },
};

/// An answer that is there sooner needs no draft.
const FIRST_DRAFT_AFTER: Duration = Duration::from_millis(120);
/// The first pause between two edits; each is a little longer than the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Edits of one message before the final one.
const MOST_EDITS: u32 = 29;
/// A draft shows no more than this much of an answer, in bytes.
const LONGEST_DRAFT: usize = 8_000;
/// A typing notice lasts half a minute; it is renewed before that.
const TYPING_RENEWED_EVERY: Duration = Duration::from_secs(20);

/// What the drafts belong to.
#[derive(Clone)]
pub struct DraftTarget {
    /// The question's event id.
    pub question: String,
    /// Its room.
    pub room: OwnedRoomId,
    /// Its thread.
    pub thread: Option<String>,
}

/// The sending end, for the one who answers.
pub struct LiveDrafts {
    text: watch::Sender<Option<String>>,
    working: watch::Sender<bool>,
}

impl DraftSink for LiveDrafts {
    fn working(&self) {
        self.working.send_replace(true);
    }

    fn draft(&self, markdown: &str) {
        self.text.send_replace(Some(markdown.to_owned()));
    }
}

/// Sends drafts; its futures end when the [`LiveDrafts`] they belong to is dropped.
#[derive(Clone)]
pub struct Drafter {
    /// Not patient: a draft that cannot be sent now is not worth sending later.
    client: Arc<dyn MatrixClient>,
    store: Store,
    tasks: Tasks,
}

impl Drafter {
    /// Sends through `client`, one attempt each.
    pub fn new(client: Arc<dyn MatrixClient>, store: Store, tasks: Tasks) -> Self {
        Self {
            client,
            store,
            tasks,
        }
    }

    /// The sink, and the work that shows what is put into it. The work ends soon after the sink is dropped.
    pub fn begin(
        &self,
        target: DraftTarget,
    ) -> (LiveDrafts, impl Future<Output = ()> + Send + 'static) {
        let (text, text_changes) = watch::channel(None);
        let (working, working_changes) = watch::channel(false);
        let this = self.clone();
        let work = async move {
            tokio::join!(
                this.show(&target, text_changes),
                this.type_along(&target, working_changes)
            );
        };
        (LiveDrafts { text, working }, work)
    }

    async fn show(&self, target: &DraftTarget, mut text: watch::Receiver<Option<String>>) {
        if text.changed().await.is_err() || ended_within(&mut text, FIRST_DRAFT_AFTER).await {
            return;
        }
        let markdown = text.borrow_and_update().clone().unwrap_or_default();
        let Some(message) = self.first(target, &markdown).await else {
            return;
        };
        let mut pause = FIRST_PAUSE;
        for _ in 0..MOST_EDITS {
            if ended_within(&mut text, pause).await || text.changed().await.is_err() {
                return;
            }
            let markdown = text.borrow_and_update().clone().unwrap_or_default();
            let edit = content::edit_of(&message, draft_content(target, &markdown));
            let id = uuid::Uuid::new_v4().to_string();
            match self.client.send_message(&target.room, &id, &edit).await {
                Ok(_) => {
                    reached(Boundary::BetweenEdits);
                    pause = (pause * 6 / 5).min(LONGEST_PAUSE);
                }
                Err(MatrixError::RateLimited { retry_after }) => {
                    pause = retry_after
                        .unwrap_or(pause * 2)
                        .max(pause)
                        .min(Duration::from_mins(1));
                }
                Err(_) => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
    }

    /// The message that the edits belong to: frozen, so that a crash finds it again.
    async fn first(
        &self,
        target: &DraftTarget,
        markdown: &str,
    ) -> Option<matrix_sdk::ruma::OwnedEventId> {
        let known = self.store.frozen(&target.question).await.ok()?;
        // The answer of a former life has come to light meanwhile.
        if known.iter().any(|message| message.part != DRAFT_PART) {
            return None;
        }
        if let Some(event) = known.into_iter().find_map(|message| message.event_id) {
            return Some(event);
        }
        let message = new_message(
            &target.question,
            DRAFT_PART,
            draft_content(target, markdown),
        );
        let (id, content) = (message.transaction_id.clone(), message.content.clone());
        self.store
            .freeze(&target.question, &target.room, vec![message])
            .await
            .ok()?;
        reached(Boundary::DraftFrozen);
        let event = self
            .client
            .send_message(&target.room, &id, &content)
            .await
            .ok()?;
        reached(Boundary::DraftSent);
        self.store
            .sent(&target.question, DRAFT_PART, &event)
            .await
            .ok()?;
        Some(event)
    }

    async fn type_along(&self, target: &DraftTarget, mut working: watch::Receiver<bool>) {
        if working.changed().await.is_err() || ended_within(&mut working, FIRST_DRAFT_AFTER).await {
            return;
        }
        loop {
            // Nobody misses a notice that could not be shown.
            let _ = self.client.set_typing(&target.room, true).await;
            if ended_within(&mut working, TYPING_RENEWED_EVERY).await {
                return self.end_typing(target);
            }
        }
    }

    /// Takes the notice back while the answer is sent: nobody waits for it.
    fn end_typing(&self, target: &DraftTarget) {
        let (client, room) = (Arc::clone(&self.client), target.room.clone());
        self.tasks.spawn("typing notice", async move {
            let _ = client.set_typing(&room, false).await;
        });
    }
}

/// Lets the time pass; tells whether the sender was dropped meanwhile.
async fn ended_within<T>(changes: &mut watch::Receiver<T>, time: Duration) -> bool {
    let until = Instant::now() + time;
    let mut watched = changes.clone();
    loop {
        match tokio::time::timeout_at(until, watched.changed()).await {
            Err(_) => return false,
            Ok(Err(_)) => return true,
            Ok(Ok(())) => {}
        }
    }
}

fn draft_content(target: &DraftTarget, markdown: &str) -> serde_json::Value {
    let shown = split(markdown, LONGEST_DRAFT)
        .into_iter()
        .next()
        .unwrap_or_default();
    let mut content = content::answering(
        content::message(&Reply::answer(shown)),
        &target.question,
        target.thread.as_deref(),
    );
    content[DRAFT_KEY] = json!(true);
    content
}

#[cfg(test)]
mod tests;
