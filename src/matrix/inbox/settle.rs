//! The first look at a room with messages that an earlier device, or a memory that is lost, may have answered.
//!
//! The first sync shows which of them were answered before it. An answer that was on its way then arrives after: so it is
//! waited for, and the room looked at once more. What comes later still is taken in as the syncs bring it, up to the
//! moment at which an answer of our own is frozen.

use std::sync::PoisonError;

use matrix_sdk::ruma::RoomId;

use super::{Inbox, OWN_FAILURE_PAUSE, unfinished::Unfinished};
use crate::matrix::{history::LookBack, intake};

impl Inbox {
    /// To be called before the oldest message of the room is taken up.
    pub(super) async fn settle(&self, room: &RoomId) {
        while !self.parts.tasks.is_draining() {
            match self.look_for_late_answers(room).await {
                Ok(()) | Err(Unfinished::ShuttingDown) => return,
                Err(error) => {
                    tracing::error!(room.id = %room, error = &error as &dyn std::error::Error, "a room could not be looked at");
                    self.parts.tasks.pause(OWN_FAILURE_PAUSE).await;
                }
            }
        }
    }

    async fn look_for_late_answers(&self, room: &RoomId) -> Result<(), Unfinished> {
        if self.is_settled(room) {
            return Ok(());
        }
        let Some(oldest) = self.parts.store.oldest_inherited(room).await? else {
            return Ok(());
        };
        self.settling.over(&self.parts.tasks).await;
        if self.parts.tasks.is_draining() {
            return Ok(());
        }
        let mut history = LookBack::over(&*self.parts.client, room);
        while let Some(page) = history.page_where_present().await? {
            let learnt = intake::page_intake(self.parts.client.user_id(), &page);
            self.parts
                .store
                .learn_answers(room, learnt.answered, learnt.drafts)
                .await?;
            if page.iter().any(|item| item.event_id.as_str() == oldest) {
                break;
            }
        }
        self.settled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(room.to_owned());
        Ok(())
    }

    fn is_settled(&self, room: &RoomId) -> bool {
        self.settled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(room)
    }
}
