//! Counts handling attempts, so that an event that ends the process is not retried for ever.

use std::{panic::AssertUnwindSafe, sync::atomic::Ordering};

use futures_util::FutureExt;
use matrix_sdk::ruma::{EventId, RoomId};
use tokio::sync::OwnedSemaphorePermit;

use super::{Inbox, unfinished::Unfinished};
use crate::{
    boundary::{Boundary, reached},
    core::message::Reply,
    matrix::{
        outbox::Question,
        store::{End, Entry, Record, Way},
    },
    text::Failure,
};

impl Inbox {
    /// Handles the event as `handling` says, or dead-letters it where earlier attempts have shown that it cannot be
    /// handled.
    pub(super) async fn attempt(
        &self,
        room: &RoomId,
        entry: &Entry,
        way: Way,
        handling: impl Future<Output = Result<(), Unfinished>>,
    ) -> Result<(), Unfinished> {
        let event = &entry.item.event_id;
        let _alone = self.alone_if_suspected(event, way).await?;
        let record = self.parts.store.begin_attempt(event, way).await?;
        if record.is_too_much() {
            self.dead_letter(room, entry, record).await?;
            return match way {
                Way::InTurn => self.finish(room, entry).await,
                Way::Ahead => Ok(self.parts.store.finish(event).await?),
            };
        }
        tracing::debug!(event.id = %event, room.id = %room, "taken up");
        let attempt = async {
            reached(Boundary::AttemptBegun);
            handling.await
        };
        // Nothing of the attempt is used after a panic, so nothing can be seen half done.
        match AssertUnwindSafe(attempt).catch_unwind().await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                self.parts
                    .store
                    .end_attempt(event, self.end(&error))
                    .await?;
                Err(error)
            }
            Err(panic) => {
                self.panics_are_blamed.store(true, Ordering::Relaxed);
                if let Err(error) = self.parts.store.end_attempt(event, End::Failed).await {
                    tracing::error!(event.id = %event, %error, "a panic cannot be recorded");
                }
                std::panic::resume_unwind(panic)
            }
        }
    }

    /// What an error says about the event.
    fn end(&self, error: &Unfinished) -> End {
        if !error.is_nobodys_fault() {
            return End::Failed;
        }
        // A panic of a task that an attempt had begun, or of one that has nothing to do with events: who can tell.
        let is_unexplained =
            self.parts.tasks.has_panicked() && !self.panics_are_blamed.load(Ordering::Relaxed);
        if is_unexplained {
            End::OwnDeath
        } else {
            End::Innocent
        }
    }

    /// Of the events that were in progress each time the process died, one may be the reason: they are handled one at a
    /// time, so that the others are not dead-lettered with it. An event that passes ahead belongs to the turn that runs,
    /// and does not wait for its end.
    async fn alone_if_suspected(
        &self,
        event: &EventId,
        way: Way,
    ) -> Result<Option<OwnedSemaphorePermit>, Unfinished> {
        if way == Way::Ahead || !self.parts.store.is_suspected(event).await? {
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

    async fn dead_letter(
        &self,
        room: &RoomId,
        entry: &Entry,
        record: Record,
    ) -> Result<(), Unfinished> {
        let event = &entry.item.event_id;
        let outbox = &self.parts.outbox;
        if outbox.is_on_the_server(event.as_str(), room).await? {
            // Whatever ended the process came after it: nothing more need be said.
            return Ok(());
        }
        tracing::error!(event.id = %event, room.id = %room, failures = record.failures, deaths = record.deaths_alone,
            "message dead-lettered: handling it failed too often");
        self.parts.metrics.message_failed();
        self.parts.metrics.message_buried();
        let reason = "handling it failed, or ended the process, too often";
        self.parts.store.bury(event, room, reason).await?;
        if record.allows_a_notice() {
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
