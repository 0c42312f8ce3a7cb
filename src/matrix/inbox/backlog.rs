//! Questions that waited too long: one notice for all of them instead of answers.

use std::time::{Duration, SystemTime};

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
        self.age(incoming.sent_at) > self.parts.backlog_max_age && !incoming.may_be_a_command()
    }

    /// How long ago that was.
    pub(super) fn age(&self, sent_at: SystemTime) -> Duration {
        let now = self.parts.clock.now();
        now.duration_since(sent_at).unwrap_or_default()
    }

    /// The first of a run of old messages stands for the others from the moment they are done, so that after a crash the
    /// same notice, or one that counts more, is sent. The run ends at a command or at a message that is not old.
    pub(super) async fn too_old(&self, room: &RoomId, entry: &Entry) -> Result<(), Unfinished> {
        let mut others: Vec<OwnedEventId> = Vec::new();
        let mut last = entry.seq;
        // A few at a time: a message may be large, and there may be many.
        'run: loop {
            let page = self.parts.store.pending_after(room, last, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for next in page {
                last = next.seq;
                if next.item.sender != entry.item.sender {
                    continue;
                }
                match event::read(room, &next.item) {
                    Said::Words(incoming) if self.is_too_old(&incoming) => {
                        let id = &next.item.event_id;
                        // One that was answered before a crash is delivered in its turn.
                        if !self.parts.outbox.is_frozen(id.as_str()).await? {
                            others.push(next.item.event_id);
                        }
                    }
                    Said::Words(_) => break 'run,
                    _ => {}
                }
            }
        }
        let event = &entry.item.event_id;
        let count = self.parts.store.stand_for(event, others).await?;
        let locale = self.locale(&entry.item.sender).await;
        let reply = Reply::notice(Failure::Backlog(count).text(locale));
        self.finish_with(room, entry, None, &[reply]).await
    }
}
