//! One attempt to handle an event, counted before it begins: an event that ends the process does so a few times and not
//! for ever.

use matrix_sdk::ruma::{EventId, RoomId};
use tokio::sync::OwnedSemaphorePermit;

use super::{Inbox, unfinished::Unfinished};
use crate::{
    boundary::{Boundary, reached},
    core::message::Reply,
    matrix::{outbox::Question, store::Entry},
    text::Failure,
};

/// How often an event is begun before it is given up, with a word to the user: its handling failed, or ended the process.
const MOST_ATTEMPTS: u32 = 3;
/// How often that word is tried: should it be what ends the process, the event is given up without it.
const WORD_ATTEMPTS: u32 = 2;
/// Whoever was begun so often when the process ended may be the reason.
const SUSPECT_AFTER: u32 = 2;

/// How an event came to be handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// In its turn.
    InTurn,
    /// Ahead of the turn that runs.
    Ahead,
}

impl Inbox {
    /// Handles the event as `handling` says, or gives it up.
    pub(super) async fn attempt(
        &self,
        room: &RoomId,
        entry: &Entry,
        way: Way,
        handling: impl Future<Output = Result<(), Unfinished>>,
    ) -> Result<(), Unfinished> {
        let event = &entry.item.event_id;
        let _alone = self.alone_if_suspect(event).await?;
        let attempt = self.parts.store.begin_attempt(event).await?;
        if attempt > MOST_ATTEMPTS {
            let may_speak = attempt <= MOST_ATTEMPTS + WORD_ATTEMPTS;
            self.give_up(room, entry, may_speak).await?;
            return match way {
                Way::InTurn => self.finish(room, entry).await,
                Way::Ahead => Ok(self.parts.store.finish(event).await?),
            };
        }
        reached(Boundary::AttemptBegun);
        tracing::debug!(event.id = %event, room.id = %room, attempt, "taken up");
        let result = handling.await;
        if matches!(&result, Err(error) if error.is_nobodys_fault()) {
            self.parts.store.forgive_attempt(event).await?;
        }
        result
    }

    /// Of the events that were being handled each time the process ended, one is to blame: one after the other, so that
    /// the others are not given up with it.
    async fn alone_if_suspect(
        &self,
        event: &EventId,
    ) -> Result<Option<OwnedSemaphorePermit>, Unfinished> {
        let attempts = self.parts.store.attempts(event).await?;
        if attempts != SUSPECT_AFTER {
            return Ok(None);
        }
        tokio::select! {
            biased;
            () = self.parts.tasks.draining().cancelled() => Err(Unfinished::ShuttingDown),
            alone = self.suspects.clone().acquire_owned() => {
                alone.map(Some).map_err(|_| Unfinished::ShuttingDown)
            }
        }
    }

    async fn give_up(
        &self,
        room: &RoomId,
        entry: &Entry,
        may_speak: bool,
    ) -> Result<(), Unfinished> {
        let event = &entry.item.event_id;
        let outbox = &self.parts.outbox;
        if outbox.is_on_the_server(event.as_str(), room).await? {
            // Whatever ended the process came after it: nothing more need be said.
            return Ok(());
        }
        tracing::error!(event.id = %event, room.id = %room, "{event} is given up: handling it failed too often");
        self.parts.metrics.message_failed();
        self.parts.metrics.message_buried();
        let reason = "handling it failed, or ended the process, too often";
        self.parts.store.bury(event, room, reason).await?;
        if may_speak {
            let text = Failure::Handling.text(self.locale(&entry.item.sender).await);
            let question = Question {
                id: event.as_str(),
                room,
                thread: None,
            };
            let reply = Reply::notice(text);
            if self.parts.outbox.is_frozen(question.id).await? {
                self.parts.outbox.last_word(question, &reply).await?;
            } else {
                self.parts.outbox.answer(question, &[reply]).await?;
            }
        }
        Ok(())
    }
}
