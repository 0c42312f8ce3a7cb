//! Questions that waited too long: one notice for all of them instead of answers.

use matrix_sdk::ruma::{OwnedEventId, RoomId};

use super::{Inbox, unfinished::Unfinished};
use crate::{
    core::message::{Incoming, Reply},
    matrix::{
        event::{self, Said},
        store::Entry,
    },
    text::Failure,
};

/// Messages that are looked at together.
const PAGE: u32 = 16;

impl Inbox {
    /// Whether a question waited too long. A command never does.
    pub(super) fn is_too_old(&self, incoming: &Incoming) -> bool {
        let age = self
            .parts
            .clock
            .now()
            .duration_since(incoming.sent_at)
            .unwrap_or_default();
        age > self.parts.backlog_max_age && !incoming.may_be_a_command()
    }

    /// The last of a run of old messages carries the notice; the others are passed over.
    pub(super) async fn too_old(&self, room: &RoomId, entry: &Entry) -> Result<(), Unfinished> {
        let mut passed_over: Vec<OwnedEventId> = Vec::new();
        let mut last = entry.clone();
        // A few at a time: a message may be large, and there may be many.
        'run: loop {
            let page = self.parts.store.pending_after(room, last.seq, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for next in page {
                if !self.is_old_talk(room, &next) {
                    break 'run;
                }
                passed_over.push(last.item.event_id);
                last = next;
            }
        }
        let count = u64::try_from(passed_over.len() + 1).unwrap_or(u64::MAX);
        let reply =
            Reply::notice(Failure::Backlog(count).text(self.locale(&last.item.sender).await));
        self.finish_with(room, &last, None, &[reply]).await?;
        for event in &passed_over {
            self.parts.store.finish(event).await?;
        }
        Ok(())
    }

    fn is_old_talk(&self, room: &RoomId, entry: &Entry) -> bool {
        match event::read(room, &entry.item) {
            Said::Words(incoming) => self.is_too_old(&incoming),
            _ => false,
        }
    }
}
