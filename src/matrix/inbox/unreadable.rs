//! Events that cannot be decrypted: a short hold for the first of a session, then one notice, and the room goes on.
//!
//! They are set aside in the journal ([`Store::park`]) and tried again from time to time; one whose key has come waits
//! again as the newest of its room.
//!
//! [`Store::park`]: crate::matrix::store::Store::park

use std::time::Duration;

use matrix_sdk::ruma::RoomId;
use serde_json::Value;

use super::{Inbox, unfinished::Unfinished};
use crate::{
    core::message::Reply,
    matrix::{
        batch::TimelineItem, client::MatrixError, content, event, outbox::Question, store::Entry,
    },
    text::Failure,
};

/// How long the first event of a session whose key has not come may hold up its room: keys mostly come with the event, or
/// a sync later.
const KEYS_COME_WITHIN: Duration = Duration::from_secs(10);
/// How often such an event is tried again meanwhile.
const KEYS_TRIED_EVERY: Duration = Duration::from_secs(1);
/// How often events that were set aside are tried again.
const PARKED_TRIED_EVERY: Duration = Duration::from_secs(30);
/// How many of them at most.
const PARKED_AT_ONCE: u32 = 100;

impl Inbox {
    /// Handles the event where its key comes in time, so that the order stays; else sets it aside.
    pub(super) async fn unreadable(&self, room: &RoomId, entry: &Entry) -> Result<(), Unfinished> {
        let (item, store) = (&entry.item, &self.parts.store);
        let session = session_of(item);
        let is_announced = store.is_announced(room, session, &item.event_id).await?;
        let hold = if is_announced {
            Duration::ZERO
        } else {
            KEYS_COME_WITHIN
        };
        if let Some(item) = self.decrypted_within(hold, room, item).await? {
            if !store.decrypted(room, &item).await? {
                return self.finish(room, entry).await;
            }
            let seq = entry.seq;
            return Box::pin(self.handle(room, &Entry { seq, item })).await;
        }
        self.set_aside(room, entry, session).await
    }

    /// An event of a shape that the SDK refuses to look at cannot be read either.
    async fn decrypt(
        &self,
        room: &RoomId,
        item: &TimelineItem,
    ) -> Result<Option<TimelineItem>, MatrixError> {
        match self.parts.client.decrypt(room, item).await {
            Err(MatrixError::Local(reason)) => {
                tracing::debug!(event.id = %item.event_id, room.id = %room, reason, "malformed encrypted event");
                Ok(None)
            }
            other => other,
        }
    }

    async fn decrypted_within(
        &self,
        hold: Duration,
        room: &RoomId,
        item: &TimelineItem,
    ) -> Result<Option<TimelineItem>, Unfinished> {
        let started = self.parts.clock.monotonic();
        loop {
            if let Some(item) = self.decrypt(room, item).await? {
                return Ok(Some(item));
            }
            if self.parts.clock.monotonic() - started >= hold {
                return Ok(None);
            }
            if self.parts.tasks.is_draining() {
                return Err(Unfinished::ShuttingDown);
            }
            self.parts.tasks.pause(KEYS_TRIED_EVERY).await;
        }
    }

    /// The first event of a session brings the notice about it. In this order a crash finds the event still waiting, and
    /// the notice frozen under a name of its own.
    async fn set_aside(
        &self,
        room: &RoomId,
        entry: &Entry,
        session: &str,
    ) -> Result<(), Unfinished> {
        let (event, store) = (&entry.item.event_id, &self.parts.store);
        let announced_by = store.announce_session(room, session, event).await?;
        let mut notice = None;
        if announced_by == event.as_str() {
            let text = Failure::NotDecrypted.text(self.locale(&entry.item.sender).await);
            let name = format!("undecryptable:{event}");
            let question = Question {
                id: &name,
                room,
                thread: None,
            };
            let content = content::message(&Reply::notice(text));
            self.parts.outbox.answer_with(question, content).await?;
            notice = Some(name);
        }
        self.move_cursor(room, event).await?;
        tracing::info!(event.id = %event, room.id = %room, session, "message set aside: it cannot be decrypted");
        Ok(store.park(room, event, session, notice).await?)
    }

    /// Tries events that were set aside, until the process ends.
    pub(super) async fn retry_parked(&self) {
        let tasks = &self.parts.tasks;
        while !tasks.is_draining() {
            match self.try_parked().await {
                Ok(false) => {}
                Ok(true) => {
                    if let Err(error) = self.wake().await {
                        tracing::error!(%error, "the journal cannot be read");
                    }
                }
                Err(Unfinished::ShuttingDown) => return,
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "events that were set aside cannot be tried"
                    );
                }
            }
            tasks.pause(PARKED_TRIED_EVERY).await;
        }
    }

    /// Tells whether one can be read now.
    async fn try_parked(&self) -> Result<bool, Unfinished> {
        let mut any = false;
        for parked in self.parts.store.parked(PARKED_AT_ONCE).await? {
            let age = self.age(event::sent_at(&parked.item));
            if age > self.parts.backlog_max_age {
                self.parts
                    .store
                    .abandon_parked(&parked.item.event_id)
                    .await?;
                continue;
            }
            if let Some(item) = self
                .parts
                .client
                .decrypt(&parked.room, &parked.item)
                .await?
            {
                tracing::info!(event.id = %item.event_id, room.id = %parked.room, "message can be decrypted now");
                self.parts.store.unpark(&parked.room, &item).await?;
                any = true;
            }
        }
        Ok(any)
    }
}

/// The megolm session of an encrypted event; empty where it names none.
fn session_of(item: &TimelineItem) -> &str {
    let session = item.content.get("session_id");
    session.and_then(Value::as_str).unwrap_or_default()
}
