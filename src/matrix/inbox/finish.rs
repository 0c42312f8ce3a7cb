//! The end of an event: its answer is on the server, the cursor moves past it, and the journal lets go of it.

use matrix_sdk::ruma::{EventId, RoomId};

use super::{Inbox, unfinished::Unfinished};
use crate::{
    boundary::{Boundary, reached},
    core::message::Reply,
    matrix::{client::MatrixError, outbox::Question, store::Entry},
    text::Failure,
};

impl Inbox {
    /// Answers the event with these replies, and is finished with it.
    pub(super) async fn finish_with(
        &self,
        room: &RoomId,
        entry: &Entry,
        thread: Option<&str>,
        replies: &[Reply],
    ) -> Result<(), Unfinished> {
        let question = Question {
            id: entry.item.event_id.as_str(),
            room,
            thread,
        };
        let is_whole = self.parts.outbox.answer(question, replies).await?;
        self.conclude(room, entry, thread, is_whole).await
    }

    /// What the server did not take of the answer is said once; then the event is finished with.
    pub(super) async fn conclude(
        &self,
        room: &RoomId,
        entry: &Entry,
        thread: Option<&str>,
        is_whole: bool,
    ) -> Result<(), Unfinished> {
        if !is_whole {
            self.parts.metrics.message_buried();
            let text = Failure::NotSent.text(self.locale(&entry.item.sender).await);
            let question = Question {
                id: entry.item.event_id.as_str(),
                room,
                thread,
            };
            self.parts
                .outbox
                .last_word(question, &Reply::notice(text))
                .await?;
        }
        self.finish(room, entry).await
    }

    /// The bot is not in the room any more: nothing can be sent or marked there, and nobody waits for it.
    pub(super) async fn abandon(&self, room: &RoomId, entry: &Entry) -> Result<(), Unfinished> {
        let event = &entry.item.event_id;
        self.parts.store.finish(event).await?;
        tracing::info!(event.id = %event, room.id = %room, "the bot left the room, message not answered");
        Ok(())
    }

    /// The answer is on the server: the cursor moves, then the journal lets go.
    pub(super) async fn finish(&self, room: &RoomId, entry: &Entry) -> Result<(), Unfinished> {
        let event = &entry.item.event_id;
        reached(Boundary::BeforeReadMarker);
        self.move_cursor(room, event).await?;
        self.parts.store.finish(event).await?;
        reached(Boundary::EventFinished);
        tracing::debug!(event.id = %event, room.id = %room, "finished with");
        Ok(())
    }

    /// Moves the cursor to the event, which is as good as done, and past what is done behind it.
    pub(super) async fn move_cursor(
        &self,
        room: &RoomId,
        event: &EventId,
    ) -> Result<(), Unfinished> {
        let Some(event) = self.parts.store.cursor_after(room, event).await? else {
            return Ok(());
        };
        match self.parts.client.set_read_marker(room, &event).await {
            Ok(()) => {
                reached(Boundary::AfterReadMarker);
                self.parts.store.set_cursor(room, &event).await?;
                reached(Boundary::CursorSet);
                Ok(())
            }
            // Left the room, or the event is gone: nothing can be marked, and nothing waits.
            Err(MatrixError::Refused { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The event is done, and costs no request: nobody expects that it was read. The cursor passes it with the next event
    /// that is answered.
    pub(super) async fn pass_over(&self, entry: &Entry) -> Result<(), Unfinished> {
        Ok(self.parts.store.finish(&entry.item.event_id).await?)
    }
}
