//! The express lane of a busy room: while an agent answers, `!stop`, `!help` and answers to its questions are handled at
//! once, ahead of the messages that wait.
//!
//! The lane runs beside one turn, in the same task, and both end before the next message begins: an event is never
//! handled twice at the same time. What passes ahead is finished with in the journal and in the room, but does not move
//! the bot's cursor: that stays in front of the message whose turn runs, and follows when the turn is over.

use std::sync::atomic::{AtomicBool, Ordering};

use matrix_sdk::ruma::{EventId, OwnedEventId, RoomId};
use tokio_util::sync::CancellationToken;

use super::{
    Inbox, OWN_FAILURE_PAUSE,
    lane::{Control, Lane, control},
    unfinished::Unfinished,
};
use crate::{
    core::{
        chat::Chat,
        command::Parsed,
        dispatch::Place,
        ids::EventKey,
        message::{DraftSink, Incoming, Reply},
    },
    matrix::{
        client::MatrixError,
        event::{self, Said},
        outbox::Question,
        questions::answer::Meaning,
        router::Route,
        store::{Entry, Way},
    },
    text::Done,
};

/// Events looked at in one query.
const PAGE: u32 = 32;

/// The turn that a lane runs beside.
pub(super) struct Beside<'a> {
    pub(super) room: &'a RoomId,
    pub(super) entry: &'a Entry,
    /// Cancelled when the turn's answer is on the server, or its handling has failed.
    pub(super) over: &'a CancellationToken,
    /// Whether it is on the server.
    answered: &'a AtomicBool,
}

impl Inbox {
    /// Handles the event, and beside it what may pass ahead of those that wait.
    pub(super) async fn attempt_beside_lane(
        &self,
        room: &RoomId,
        entry: &Entry,
    ) -> Result<(), Unfinished> {
        let (over, lane) = (CancellationToken::new(), self.lane(room));
        let answered = AtomicBool::new(false);
        let attempt = async {
            let result = self
                .attempt(room, entry, Way::InTurn, Box::pin(self.handle(room, entry)))
                .await;
            answered.store(result.is_ok(), Ordering::Relaxed);
            over.cancel();
            result
        };
        let beside = Beside {
            room,
            entry,
            over: &over,
            answered: &answered,
        };
        let (result, (), ()) = tokio::join!(
            attempt,
            self.express(&beside, &lane),
            self.take_in_files(&beside, &lane)
        );
        if result.is_ok() && lane.is_ahead_of(entry.seq).await {
            self.catch_up(room, &entry.item.event_id).await?;
        }
        result
    }

    /// Ends with the turn.
    async fn express(&self, beside: &Beside<'_>, lane: &Lane) {
        let question = EventKey::new(beside.entry.item.event_id.as_str());
        let running = self.parts.dispatcher.running();
        let mut asked = self.parts.questions.changes();
        loop {
            asked.borrow_and_update();
            if running.is_running(&question) {
                match Box::pin(self.pass(beside, lane)).await {
                    Ok(()) => {}
                    Err(Unfinished::ShuttingDown) => return,
                    Err(error) => {
                        tracing::error!(room.id = %beside.room, error = &error as &dyn std::error::Error,
                            "an event that passes ahead could not be handled");
                        self.parts.tasks.pause(OWN_FAILURE_PAUSE).await;
                        lane.bell.notify_one();
                    }
                }
            }
            tokio::select! {
                biased;
                () = beside.over.cancelled() => return,
                () = self.parts.tasks.draining().cancelled() => return,
                () = lane.bell.notified() => {}
                _ = asked.changed() => {}
            }
        }
    }

    /// Handles what may pass ahead now.
    async fn pass(&self, beside: &Beside<'_>, lane: &Lane) -> Result<(), Unfinished> {
        for event in self
            .controls_behind(beside.room, beside.entry.seq, lane)
            .await?
        {
            if beside.over.is_cancelled() || self.parts.tasks.is_draining() {
                break;
            }
            let Some(entry) = self.parts.store.pending_entry(&event).await? else {
                lane.seen
                    .lock()
                    .await
                    .controls
                    .retain(|_, known| *known != event);
                continue;
            };
            let Some((chat, control)) = self.control_of(beside.room, &entry).await? else {
                continue;
            };
            if self.take_ahead(beside, &entry, chat, control).await? {
                lane.seen.lock().await.ahead.insert(entry.seq);
            }
        }
        Ok(())
    }

    /// Events behind this place in the room's order that may pass ahead. Each event is looked at once.
    pub(super) async fn controls_behind(
        &self,
        room: &RoomId,
        seq: i64,
        lane: &Lane,
    ) -> Result<Vec<OwnedEventId>, Unfinished> {
        let mut seen = lane.seen.lock().await;
        loop {
            let after = seen.up_to.max(seq);
            let page = self.parts.store.pending_after(room, after, PAGE).await?;
            for entry in &page {
                let said = event::read(room, &entry.item);
                if control(&entry.item, &said, |incoming| self.parsed(incoming)).is_some() {
                    seen.controls.insert(entry.seq, entry.item.event_id.clone());
                }
                seen.up_to = entry.seq;
            }
            if page.len() < PAGE as usize {
                break;
            }
        }
        seen.controls.retain(|place, _| *place > seq);
        Ok(seen.controls.values().cloned().collect())
    }

    /// What the event asks for, if its sender may: the chat's owner alone.
    pub(super) async fn control_of(
        &self,
        room: &RoomId,
        entry: &Entry,
    ) -> Result<Option<(Chat, Control)>, Unfinished> {
        let Route::Chat(chat) = self.place(room).await? else {
            return Ok(None);
        };
        if entry.item.sender.as_str() != chat.owner.as_str() || !self.may_use(entry) {
            return Ok(None);
        }
        let said = event::read(room, &entry.item);
        let control = control(&entry.item, &said, |incoming| self.parsed(incoming));
        Ok(control.map(|control| (chat, control)))
    }

    pub(super) fn parsed(&self, incoming: &Incoming) -> Parsed {
        self.parts.dispatcher.parsed(incoming)
    }

    /// Handles one event ahead of the others; tells whether it was one that passes now.
    async fn take_ahead(
        &self,
        beside: &Beside<'_>,
        entry: &Entry,
        chat: Chat,
        control: Control,
    ) -> Result<bool, Unfinished> {
        let (room, id) = (beside.room, &entry.item.event_id);
        self.parts.outbox.recall(id.as_str(), room).await?;
        let meaning = match &control {
            Control::Stop | Control::Help => Meaning::Plain,
            // Its content may be long in coming, and a `!stop` must not wait for it.
            Control::File => return Ok(false),
            Control::Answer(given) => {
                let turn = &beside.entry.item.event_id;
                let meaning = self.meaning(room, turn, entry, given).await?;
                if meaning == Meaning::Plain && !self.parts.outbox.is_frozen(id.as_str()).await? {
                    // It answers nothing, now or later: it waits for its turn.
                    return Ok(false);
                }
                meaning
            }
        };
        let handling = async {
            if self.parts.outbox.is_frozen(id.as_str()).await? {
                self.parts.outbox.deliver(id.as_str()).await?;
            } else {
                match control {
                    Control::Stop => self.stop(beside, entry).await?,
                    Control::Help => self.help(room, entry, chat).await?,
                    Control::Answer(_) => self.respond(room, entry, meaning).await?,
                    Control::File => {}
                }
            }
            Ok(self.parts.store.finish(id).await?)
        };
        self.attempt(room, entry, Way::Ahead, handling).await?;
        Ok(true)
    }

    /// Stops the turn, waits until what it said is on the server, and says so. In this order a crash finds either the
    /// command or its mark, and no agent is asked again.
    async fn stop(&self, beside: &Beside<'_>, entry: &Entry) -> Result<(), Unfinished> {
        let (turn, command) = (&beside.entry.item.event_id, &entry.item.event_id);
        self.parts.store.stop_turn(command, turn).await?;
        if self.parts.store.stopped_by(command).await?.as_deref() == Some(&**turn) {
            self.parts
                .dispatcher
                .running()
                .stop(&EventKey::new(turn.as_str()));
            tokio::select! {
                biased;
                () = beside.over.cancelled() => {}
                () = self.parts.tasks.stop().cancelled() => return Err(Unfinished::ShuttingDown),
            }
            if !beside.answered.load(Ordering::Relaxed) {
                // What the turn said is yet to be sent: the command is its mark until then.
                return Err(Unfinished::ShuttingDown);
            }
        }
        self.say_stopped(beside.room, entry).await
    }

    async fn say_stopped(&self, room: &RoomId, entry: &Entry) -> Result<(), Unfinished> {
        let locale = self.locale(&entry.item.sender).await;
        self.answer_aside(room, entry, &[Reply::notice(Done::Stopped.text(locale))])
            .await
    }

    async fn help(&self, room: &RoomId, entry: &Entry, chat: Chat) -> Result<(), Unfinished> {
        let Said::Words(incoming) = event::read(room, &entry.item) else {
            return Ok(());
        };
        let place = Place::Chat(chat);
        let replies = self
            .parts
            .dispatcher
            .dispatch(place, *incoming, &NoDrafts)
            .await?;
        self.answer_aside(room, entry, &replies).await
    }

    pub(super) async fn answer_aside(
        &self,
        room: &RoomId,
        entry: &Entry,
        replies: &[Reply],
    ) -> Result<(), Unfinished> {
        let thread = match event::read(room, &entry.item) {
            Said::Words(incoming) => incoming.thread,
            _ => None,
        };
        let question = Question {
            id: entry.item.event_id.as_str(),
            room,
            thread: thread.as_ref().map(EventKey::as_str),
        };
        self.parts.outbox.answer(question, replies).await?;
        Ok(())
    }

    /// The turn is over: the cursor moves past what went ahead of it, up to the next event that waits.
    async fn catch_up(&self, room: &RoomId, turn: &EventId) -> Result<(), Unfinished> {
        let Some(last) = self.parts.store.finished_up_to(room, turn).await? else {
            return Ok(());
        };
        if last == turn {
            return Ok(());
        }
        match self.parts.client.set_read_marker(room, &last).await {
            Ok(()) => Ok(self.parts.store.set_cursor(room, &last).await?),
            Err(MatrixError::Refused { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// An event that passed ahead and was cut off by a crash, and whose turn was over by then; tells whether it was.
    pub(super) async fn finish_ahead(
        &self,
        room: &RoomId,
        entry: &Entry,
    ) -> Result<bool, Unfinished> {
        let id = &entry.item.event_id;
        if self.parts.store.stopped_by(id).await?.is_some() {
            self.say_stopped(room, entry).await?;
        } else if let Some(question) = self.parts.store.decided_by(id).await? {
            self.tell_decision(room, id, &question).await?;
        } else {
            return Ok(false);
        }
        self.finish(room, entry).await?;
        Ok(true)
    }
}

/// Nothing that passes ahead grows.
pub(super) struct NoDrafts;

impl DraftSink for NoDrafts {
    fn working(&self) {}

    fn draft(&self, _markdown: &str) {}

    fn status(&self, _text: &str) {}
}
