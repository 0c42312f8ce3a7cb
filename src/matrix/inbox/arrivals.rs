//! Files that come while an agent answers: each is taken in and acknowledged at once, and waits for the next question that
//! is sent after it. The questions before it, which still wait for their turn, do not get it.
//!
//! Like the express lane this runs beside one turn and ends with it. A file whose content is still on its way then is
//! left to the next turn, or to its own.

use matrix_sdk::ruma::RoomId;

use super::{
    Inbox, OWN_FAILURE_PAUSE,
    express::{Beside, NoDrafts},
    lane::{Control, Lane, control},
    unfinished::Unfinished,
};
use crate::{
    core::{dispatch::Place, ids::EventKey},
    matrix::{
        event::{self, Said},
        store::{End, Entry, Way},
    },
};

/// Events looked at in one query.
const PAGE: u32 = 32;

impl Inbox {
    /// Ends with the turn.
    pub(super) async fn take_in_files(&self, beside: &Beside<'_>, lane: &Lane) {
        let said = event::read(beside.room, &beside.entry.item);
        let kind = control(&beside.entry.item, &said, |incoming| self.parsed(incoming));
        if kind == Some(Control::File) {
            // A file in its own turn: the files behind it keep their order.
            return;
        }
        let question = EventKey::new(beside.entry.item.event_id.as_str());
        let running = self.parts.dispatcher.running();
        loop {
            if running.is_running(&question) {
                match self.take_in_next(beside, lane).await {
                    Ok(true) => continue,
                    Ok(false) => {}
                    Err(Unfinished::ShuttingDown) => return,
                    Err(error) => {
                        tracing::error!(room.id = %beside.room, error = &error as &dyn std::error::Error,
                            "a file could not be taken in ahead of its turn");
                        self.parts.tasks.pause(OWN_FAILURE_PAUSE).await;
                        lane.file_bell.notify_one();
                    }
                }
            }
            tokio::select! {
                biased;
                () = beside.over.cancelled() => return,
                () = self.parts.tasks.draining().cancelled() => return,
                () = lane.file_bell.notified() => {}
            }
        }
    }

    /// Takes in one file; tells whether there was one.
    async fn take_in_next(&self, beside: &Beside<'_>, lane: &Lane) -> Result<bool, Unfinished> {
        let room = beside.room;
        for event in self.controls_behind(room, beside.entry.seq, lane).await? {
            if beside.over.is_cancelled() || self.parts.tasks.is_draining() {
                break;
            }
            let Some(entry) = self.parts.store.pending_entry(&event).await? else {
                continue;
            };
            let Some((chat, Control::File)) = self.control_of(room, &entry).await? else {
                continue;
            };
            let Said::Words(mut file) = event::read(room, &entry.item) else {
                continue;
            };
            if self.is_too_old(&file) {
                continue;
            }
            file.behind = self.pending_before(room, beside.entry, &entry).await?;
            let taking_in = async {
                let id = event.as_str();
                self.parts.outbox.recall(id, room).await?;
                if self.parts.outbox.is_frozen(id).await? {
                    self.parts.outbox.deliver(id).await?;
                } else {
                    let place = Place::Chat(chat);
                    let replies = self
                        .parts
                        .dispatcher
                        .dispatch(place, *file, &NoDrafts)
                        .await?;
                    self.answer_aside(room, &entry, &replies).await?;
                }
                lane.seen.lock().await.ahead.insert(entry.seq);
                Ok(self.parts.store.finish(&event).await?)
            };
            tokio::select! {
                biased;
                // Dropped as a crash would drop it, and nobody's fault.
                () = beside.over.cancelled() => {
                    self.parts.store.end_attempt(&event, End::Innocent).await?;
                    return Ok(false);
                }
                taken = self.attempt(room, &entry, Way::Ahead, taking_in) => taken?,
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Events of the room that wait for an answer, from the one whose turn runs up to this one.
    async fn pending_before(
        &self,
        room: &RoomId,
        running: &Entry,
        entry: &Entry,
    ) -> Result<Vec<EventKey>, Unfinished> {
        let mut before = vec![EventKey::new(running.item.event_id.as_str())];
        let mut last = running.seq;
        loop {
            let page = self.parts.store.pending_after(room, last, PAGE).await?;
            for waiting in &page {
                if waiting.seq >= entry.seq {
                    return Ok(before);
                }
                before.push(EventKey::new(waiting.item.event_id.as_str()));
                last = waiting.seq;
            }
            if page.len() < PAGE as usize {
                return Ok(before);
            }
        }
    }
}
