//! Events whose keys have not come yet.

use std::time::Duration;

use matrix_sdk::ruma::RoomId;

use super::{Inbox, unfinished::Unfinished};
use crate::{core::message::Reply, matrix::store::Entry, text::Failure};

/// How long an event whose key has not come may hold up its room.
const KEYS_COME_WITHIN: Duration = Duration::from_mins(1);
/// How often such an event is tried again.
const KEYS_TRIED_EVERY: Duration = Duration::from_secs(2);

impl Inbox {
    /// Its key may still come; the room waits for it a while, so that the order stays.
    pub(super) async fn unreadable(&self, room: &RoomId, entry: &Entry) -> Result<(), Unfinished> {
        let started = self.parts.clock.monotonic();
        loop {
            if let Some(item) = self.parts.client.decrypt(room, &entry.item).await? {
                self.parts
                    .store
                    .decrypted(&entry.item.event_id, &item)
                    .await?;
                return Box::pin(self.handle(
                    room,
                    &Entry {
                        seq: entry.seq,
                        item,
                    },
                ))
                .await;
            }
            if self.parts.clock.monotonic() - started > KEYS_COME_WITHIN {
                let reply = Reply::notice(
                    Failure::NotDecrypted.text(self.locale(&entry.item.sender).await),
                );
                return self.finish_with(room, entry, None, &[reply]).await;
            }
            if self.parts.tasks.is_draining() {
                return Err(Unfinished::ShuttingDown);
            }
            self.parts.tasks.pause(KEYS_TRIED_EVERY).await;
        }
    }
}
