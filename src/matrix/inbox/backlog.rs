//! Questions that waited too long: one notice for all of them instead of answers.

use matrix_sdk::ruma::RoomId;

use super::{Inbox, unfinished::Unfinished};
use crate::{
    core::message::{Incoming, Reply},
    matrix::{
        event::{self, Said},
        store::Entry,
    },
    text::Failure,
};

impl Inbox {
    pub(super) fn is_too_old(&self, incoming: &Incoming) -> bool {
        let age = self
            .parts
            .clock
            .now()
            .duration_since(incoming.sent_at)
            .unwrap_or_default();
        age > self.parts.backlog_max_age
    }

    /// The last of a run of old messages carries the notice; the others are passed over.
    pub(super) async fn too_old(&self, room: &RoomId, entry: &Entry) -> Result<(), Unfinished> {
        let waiting = self.parts.store.pending(room, 10_000).await?;
        let old: Vec<&Entry> = waiting
            .iter()
            .take_while(|waiting| match event::read(room, &waiting.item) {
                Said::Words(incoming) => {
                    self.is_too_old(&incoming) && !incoming.text.trim_start().starts_with('!')
                }
                _ => false,
            })
            .collect();
        let Some((last, passed_over)) = old.split_last() else {
            return self.finish(room, entry).await;
        };
        let count = u64::try_from(old.len()).unwrap_or(u64::MAX);
        let reply =
            Reply::notice(Failure::Backlog(count).text(self.locale(&last.item.sender).await));
        self.finish_with(room, last, None, &[reply]).await?;
        for entry in passed_over {
            self.parts.store.finish(&entry.item.event_id).await?;
        }
        Ok(())
    }
}
