//! Messages that found their queue full: said at once, and once for a run of them, ahead of whatever waits.

use std::sync::PoisonError;

use matrix_sdk::ruma::{OwnedRoomId, RoomId};

use super::{Inbox, OWN_FAILURE_PAUSE, unfinished::Unfinished};
use crate::{
    core::{
        chat::{Chat, ChatStatus},
        message::Reply,
    },
    matrix::{
        outbox::Question,
        router::Route,
        store::{Entry, StoreError},
    },
    text::Failure,
};

impl Inbox {
    /// Takes up every room with refused messages that nobody works on.
    pub(super) async fn wake_overflow(&self) -> Result<(), StoreError> {
        for room in self.parts.store.rooms_with_refused().await? {
            let claimed = self
                .overflowing
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(room.clone());
            if claimed && !self.parts.tasks.is_draining() {
                let this = self.clone();
                self.parts
                    .tasks
                    .spawn(format!("full queue of {room}"), async move {
                        this.refuse_all(&room).await;
                    });
            }
        }
        Ok(())
    }

    async fn refuse_all(&self, room: &OwnedRoomId) {
        while !self.parts.tasks.is_draining() {
            match self.refuse_next(room).await {
                Ok(true) => {}
                Ok(false) | Err(Unfinished::ShuttingDown) => break,
                Err(error) => {
                    tracing::error!(room.id = %room, error = &error as &dyn std::error::Error, "a message could not be refused");
                    self.parts.tasks.pause(OWN_FAILURE_PAUSE).await;
                }
            }
        }
        self.overflowing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(room);
    }

    /// Tells whether there was one.
    async fn refuse_next(&self, room: &RoomId) -> Result<bool, Unfinished> {
        let Some((entry, begins_a_run)) = self.parts.store.refused(room).await? else {
            return Ok(false);
        };
        let event = &entry.item.event_id;
        tracing::warn!(event.id = %event, room.id = %room, "{event} finds the queue of {room} full");
        self.parts.metrics.message_refused();
        if begins_a_run && self.may_use(&entry) && self.is_from_the_owner(room, &entry).await? {
            let question = Question {
                id: event.as_str(),
                room,
                thread: None,
            };
            let text = Failure::QueueFull.text(self.locale(&entry.item.sender).await);
            self.parts.outbox.recall(question.id, room).await?;
            self.parts
                .outbox
                .answer(question, &[Reply::notice(text)])
                .await?;
        }
        // No read marker: what waits before this message is not finished with.
        self.parts.store.finish(event).await?;
        Ok(true)
    }

    async fn is_from_the_owner(&self, room: &RoomId, entry: &Entry) -> Result<bool, Unfinished> {
        Ok(match self.place(room).await? {
            Route::Chat(Chat { owner, status, .. }) => {
                status != ChatStatus::Gone && owner.as_str() == entry.item.sender.as_str()
            }
            Route::Entry(owner) => owner.as_str() == entry.item.sender.as_str(),
            Route::Silent | Route::Unknown => false,
        })
    }
}
