//! An answer that grows in front of the user: one message, edited at a pace that servers bear, and a typing notice.
//!
//! Drafts are best effort: each is sent once and never retried, and none is sent while the server limits rates, in
//! whatever room it said so. Only the final text, which is the outbox's, counts.

use std::{sync::Arc, time::Duration};

use matrix_sdk::ruma::{OwnedEventId, OwnedRoomId};
use serde_json::{Value, json};
use tokio::{sync::watch, time::Instant};

use crate::{
    boundary::{Boundary, reached},
    core::message::{DraftSink, Reply},
    lifecycle::Tasks,
    matrix::{
        client::{MatrixClient, MatrixError},
        content::{self, Tie},
        marker::DRAFT_KEY,
        outbox::{DRAFT_PART, new_message, size},
        pace::Pace,
        store::Store,
    },
    text::markdown,
};

/// An answer that is there sooner needs no draft.
const FIRST_DRAFT_AFTER: Duration = Duration::from_millis(120);
/// The first pause between two edits; each is a little longer than the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Edits of one message before the final one.
const MOST_EDITS: u32 = 29;
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
    growing: watch::Sender<Growing>,
    working: watch::Sender<bool>,
}

/// The receiving end of [`LiveDrafts`].
pub struct DraftUpdates {
    growing: watch::Receiver<Growing>,
    working: watch::Receiver<bool>,
}

/// An answer as far as a draft can show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Growing {
    /// No more of it than one message may hold.
    text: String,
    status: Option<String>,
}

impl Growing {
    /// Takes in what the answer has become; tells whether that changes anything.
    fn grow(&mut self, markdown: &str) -> bool {
        let ended = self.status.take().is_some();
        let markdown = size::that_counts(markdown);
        match markdown.strip_prefix(self.text.as_str()) {
            Some("") => return ended,
            Some(new) => self.text.push_str(new),
            None => markdown.clone_into(&mut self.text),
        }
        true
    }
}

impl LiveDrafts {
    /// The sending end for the turn, and the receiving end for the task that sends drafts.
    pub fn channel() -> (Self, DraftUpdates) {
        let growing = watch::Sender::new(Growing::default());
        let working = watch::Sender::new(false);
        let updates = DraftUpdates {
            growing: growing.subscribe(),
            working: working.subscribe(),
        };
        (Self { growing, working }, updates)
    }
}

impl DraftSink for LiveDrafts {
    fn working(&self) {
        self.working.send_replace(true);
    }

    fn draft(&self, markdown: &str) {
        self.growing
            .send_if_modified(|growing| growing.grow(markdown));
    }

    fn status(&self, text: &str) {
        self.growing.send_if_modified(|growing| {
            let is_new = growing.status.as_deref() != Some(text);
            growing.status = Some(text.to_owned());
            is_new
        });
    }
}

/// Sends drafts; its futures end when the [`LiveDrafts`] they belong to is dropped.
#[derive(Clone)]
pub struct Drafter {
    /// Not patient: a draft that cannot be sent now is not worth sending later.
    client: Arc<dyn MatrixClient>,
    store: Store,
    tasks: Tasks,
    pace: Pace,
}

impl Drafter {
    /// Sends through `client`, one attempt each, while `pace` allows it.
    pub fn new(client: Arc<dyn MatrixClient>, store: Store, tasks: Tasks, pace: Pace) -> Self {
        Self {
            client,
            store,
            tasks,
            pace,
        }
    }

    /// The sink, and the work that shows what is put into it. The work ends soon after the sink is dropped.
    pub fn begin(
        &self,
        target: DraftTarget,
    ) -> (LiveDrafts, impl Future<Output = ()> + Send + 'static) {
        let (drafts, updates) = LiveDrafts::channel();
        let this = self.clone();
        let work = async move {
            tokio::join!(
                this.show(&target, updates.growing),
                this.type_along(&target, updates.working)
            );
        };
        (drafts, work)
    }

    async fn show(&self, target: &DraftTarget, mut growing: watch::Receiver<Growing>) {
        if growing.changed().await.is_err()
            || ended_within(&mut growing, FIRST_DRAFT_AFTER).await
            || !self.may_go(&growing).await
        {
            return;
        }
        let mut shown = Shown::default();
        let content = shown.next(target, &growing.borrow_and_update().clone());
        let Some(message) = self.first(target, content).await else {
            return;
        };
        let (mut pause, mut edits) = (FIRST_PAUSE, 0);
        while edits < MOST_EDITS {
            if ended_within(&mut growing, pause).await
                || growing.changed().await.is_err()
                || !self.may_go(&growing).await
            {
                return;
            }
            let mut next = shown.clone();
            let content = next.next(target, &growing.borrow_and_update().clone());
            if next.visible == shown.visible {
                continue;
            }
            edits += 1;
            let edit = content::edit_of(&message, content);
            let id = uuid::Uuid::new_v4().to_string();
            match self.client.send_message(&target.room, &id, &edit).await {
                Ok(_) => {
                    reached(Boundary::BetweenEdits);
                    shown = next;
                    pause = (pause * 6 / 5).min(LONGEST_PAUSE);
                }
                Err(error) => pause = self.after(&error, pause),
            }
        }
    }

    /// Waits until the server's limits allow a draft; tells whether there is still one to send.
    async fn may_go(&self, growing: &watch::Receiver<Growing>) -> bool {
        let mut watched = growing.clone();
        let ended = async { while watched.changed().await.is_ok() {} };
        tokio::select! {
            biased;
            () = self.pace.drafts_may_go() => true,
            () = ended => false,
        }
    }

    /// The pause after a draft that could not be sent.
    fn after(&self, error: &MatrixError, pause: Duration) -> Duration {
        let MatrixError::RateLimited { retry_after } = error else {
            return (pause * 2).min(LONGEST_PAUSE);
        };
        let pause = retry_after
            .unwrap_or(pause * 2)
            .max(pause)
            .min(Duration::from_mins(1));
        self.pace.limited_for(pause);
        pause
    }

    /// The message that the edits belong to: frozen, so that a crash finds it again.
    async fn first(&self, target: &DraftTarget, content: Value) -> Option<OwnedEventId> {
        let known = self.store.frozen(&target.question).await.ok()?;
        // The answer of a former life has come to light meanwhile.
        if known.iter().any(|message| message.part != DRAFT_PART) {
            return None;
        }
        if let Some(event) = known.into_iter().find_map(|message| message.event_id) {
            return Some(event);
        }
        let followers = self.store.followers(&target.question).await.ok()?;
        let tie = Tie::new(target.thread.as_deref(), followers.people || followers.bot);
        let content = content::tied(content, &target.question, tie);
        let message = new_message(&target.question, DRAFT_PART, content);
        let (id, content) = (message.transaction_id.clone(), message.content.clone());
        self.store
            .freeze(&target.question, &target.room, vec![message])
            .await
            .ok()?;
        reached(Boundary::DraftFrozen);
        let sent = self.client.send_message(&target.room, &id, &content).await;
        let event = sent
            .inspect_err(|error| _ = self.after(error, FIRST_PAUSE))
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

/// What the user sees of the answer. The status comes and goes; the text never becomes shorter, unless the agent took
/// back what it had said.
#[derive(Clone, Default)]
struct Shown {
    visible: Growing,
    /// The answer of which the visible text is the beginning.
    source: String,
}

impl Shown {
    /// Takes in what the answer has become; the content of the message that shows it.
    fn next(&mut self, target: &DraftTarget, growing: &Growing) -> Value {
        let status = growing.status.as_deref();
        let beginning = size::beginning(&growing.text, &|text| draft_content(target, text, status));
        let is_retracted = !growing.text.starts_with(&self.source);
        if is_retracted || beginning.len() > self.visible.text.len() {
            self.visible.text = beginning;
        }
        self.source.clone_from(&growing.text);
        self.visible.status.clone_from(&growing.status);
        draft_content(target, &self.visible.text, status)
    }
}

fn draft_content(target: &DraftTarget, text: &str, status: Option<&str>) -> Value {
    let shown = match status {
        Some(status) => {
            let text = markdown::with_fences_closed(text);
            format!("{text}\n\n*{}*", markdown::escape(status))
        }
        None => text.to_owned(),
    };
    let mut content = content::answering(
        content::message(&Reply::answer(shown)),
        &target.question,
        Tie::new(target.thread.as_deref(), false),
    );
    content[DRAFT_KEY] = json!(true);
    content
}

#[cfg(test)]
mod tests;
