//! The journal's other end: pending events, room by room, each in its turn.
//!
//! One worker a room, and rooms do not wait for each other. The sync loop only wakes workers. An event is finished with
//! when its answer is on the server and the bot's cursor has moved past it; until then it stays in the journal.

mod arrivals;
mod attempt;
mod backlog;
mod decisions;
mod express;
mod finish;
mod lane;
mod overflow;
mod place;
mod refusal;
mod settle;
mod turn;
mod unfinished;
mod unreadable;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use matrix_sdk::ruma::{OwnedRoomId, RoomId, UserId};
use tokio::sync::Semaphore;

use self::{
    lane::{Lane, control},
    unfinished::Unfinished,
};
use crate::{
    boundary::{Boundary, reached},
    clock::Clock,
    core::{
        chat::{Chat, ChatStatus, ChatStore, Locale},
        dispatch::{Dispatcher, Place},
        ids::{EventKey, RoomKey, UserKey},
        message::Incoming,
    },
    lifecycle::Tasks,
    matrix::{
        client::{MatrixClient, MatrixError},
        drafts::{DraftTarget, Drafter},
        event::{self, Said},
        intake::redacted_by,
        outbox::Outbox,
        questions::Questions,
        reception::Allows,
        reconciler::Reconciler,
        router::Route,
        settling::Settling,
        store::{Entry, Store, StoreError},
    },
    ops::Metrics,
};

/// Events a worker takes from the journal at once: the next one may be edited or redacted while this one is answered.
const PAGE: u32 = 1;
/// The pause after a failure of our own, before the event is handled again.
const OWN_FAILURE_PAUSE: Duration = Duration::from_secs(2);

/// What an inbox works with.
pub struct Parts {
    /// Patient: a failure it reports is final.
    pub client: Arc<dyn MatrixClient>,
    /// The journal and the rows.
    pub store: Store,
    /// Answers.
    pub dispatcher: Arc<Dispatcher>,
    /// Shows answers while they grow.
    pub drafter: Drafter,
    /// Sends answers.
    pub outbox: Outbox,
    /// Permission questions.
    pub questions: Questions,
    /// For rooms without rows.
    pub reconciler: Reconciler,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where workers run.
    pub tasks: Tasks,
    /// What is counted.
    pub metrics: Metrics,
    /// Older questions are not sent to an agent.
    pub backlog_max_age: Duration,
    /// So many messages of one person may wait in a room.
    pub queue_limit: u32,
    /// Who may use the bot. Owners of chats may lose that right.
    pub allows: Allows,
}

/// The workers.
#[derive(Clone)]
pub struct Inbox {
    parts: Arc<Parts>,
    working: Arc<Mutex<BTreeMap<OwnedRoomId, Arc<Lane>>>>,
    foreign: Arc<Mutex<BTreeSet<OwnedRoomId>>>,
    overflowing: Arc<Mutex<BTreeSet<OwnedRoomId>>>,
    /// One suspected event is handled at a time.
    suspects: Arc<Semaphore>,
    /// Set once a panic was blamed on the event that was handled.
    panics_are_blamed: Arc<AtomicBool>,
    settling: Settling,
    settled: Arc<Mutex<BTreeSet<OwnedRoomId>>>,
}

impl Inbox {
    /// Nobody works yet: [`Inbox::wake`] begins.
    pub fn new(parts: Parts) -> Self {
        Self {
            parts: Arc::new(parts),
            working: Arc::default(),
            foreign: Arc::default(),
            overflowing: Arc::default(),
            suspects: Arc::new(Semaphore::new(1)),
            panics_are_blamed: Arc::default(),
            settling: Settling::begin(),
            settled: Arc::default(),
        }
    }

    /// So many messages of one person may wait in a room.
    pub fn queue_limit(&self) -> u32 {
        self.parts.queue_limit
    }

    /// Gives every room with pending events a worker. Called after each commit; returns at once.
    pub async fn wake(&self) -> Result<(), StoreError> {
        for room in self.parts.store.rooms_with_work().await? {
            if self.parts.tasks.is_draining() {
                break;
            }
            if self.claim(&room) {
                let this = self.clone();
                self.parts
                    .tasks
                    .spawn(format!("chat worker of {room}"), async move {
                        this.work(room).await;
                    });
            } else {
                self.lane(&room).ring();
            }
        }
        self.wake_overflow().await?;
        let pending = self.parts.store.pending_count().await?;
        self.parts.metrics.queue_depth(pending);
        let dead = self.parts.store.dead_letters().await?;
        self.parts.metrics.dead_letters(dead.answers, dead.events);
        Ok(())
    }

    /// Closes permission questions that nothing waits for any more, and begins to retry messages that could not be
    /// decrypted. Called once after a start; returns at once.
    pub fn tidy(&self) {
        let this = self.clone();
        self.parts
            .tasks
            .spawn("undecryptable messages", async move {
                this.retry_parked().await;
            });
        let questions = self.parts.questions.clone();
        self.parts.tasks.spawn("old questions", async move {
            if let Err(error) = questions.tidy().await {
                tracing::error!(%error, "old permission questions cannot be read");
            }
        });
    }

    fn claim(&self, room: &RoomId) -> bool {
        let mut working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !working.contains_key(room);
        working.entry(room.to_owned()).or_default();
        is_new
    }

    /// What passes ahead in this room while it is worked in.
    fn lane(&self, room: &RoomId) -> Arc<Lane> {
        let working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        working.get(room).map(Arc::clone).unwrap_or_default()
    }

    fn release(&self, room: &RoomId) {
        self.working
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(room);
    }

    async fn work(&self, room: OwnedRoomId) {
        self.settle(&room).await;
        loop {
            self.work_off(&room).await;
            self.release(&room);
            // An event committed between the last look and the release has woken nobody.
            let more = self
                .parts
                .store
                .pending(&room, 1)
                .await
                .is_ok_and(|pending| !pending.is_empty());
            if self.parts.tasks.is_draining() || !more || !self.claim(&room) {
                return;
            }
        }
    }

    async fn work_off(&self, room: &RoomId) {
        while !self.parts.tasks.is_draining() {
            let entries = match self.parts.store.pending(room, PAGE).await {
                Ok(entries) if entries.is_empty() => return,
                Ok(entries) => entries,
                Err(error) => {
                    tracing::error!(room.id = %room, %error, "the journal cannot be read");
                    self.parts.tasks.pause(OWN_FAILURE_PAUSE).await;
                    continue;
                }
            };
            for entry in &entries {
                if self.parts.tasks.is_draining() {
                    return;
                }
                match Box::pin(self.attempt_beside_lane(room, entry)).await {
                    Ok(()) => {}
                    Err(Unfinished::ShuttingDown) => return,
                    Err(error) => {
                        tracing::error!(event.id = %entry.item.event_id, room.id = %room,
                            error = &error as &dyn std::error::Error, "an event could not be handled");
                        self.parts.tasks.pause(OWN_FAILURE_PAUSE).await;
                        break;
                    }
                }
            }
        }
    }

    async fn handle(&self, room: &RoomId, entry: &Entry) -> Result<(), Unfinished> {
        let id = entry.item.event_id.as_str();
        if !self.parts.store.is_joined(room).await? {
            return self.abandon(room, entry).await;
        }
        self.look_up_name(room).await?;
        self.parts.outbox.recall(id, room).await?;
        if self.parts.outbox.is_frozen(id).await? {
            let is_whole = self.parts.outbox.deliver(id).await?;
            return self.conclude(room, entry, None, is_whole).await;
        }
        match self.place(room).await? {
            Route::Chat(chat) => self.in_chat(room, entry, chat).await,
            Route::Entry(owner) => self.in_entry_room(room, entry, owner).await,
            // No read marker either: nothing of ours is shown in a room that is none of ours.
            Route::Silent | Route::Unknown => {
                Ok(self.parts.store.finish(&entry.item.event_id).await?)
            }
        }
    }

    async fn in_chat(&self, room: &RoomId, entry: &Entry, chat: Chat) -> Result<(), Unfinished> {
        if chat.status == ChatStatus::Gone || entry.item.sender.as_str() != chat.owner.as_str() {
            return self.pass_over(entry).await;
        }
        if let Some(deleted) = redacted_by(&entry.item) {
            let deleted = EventKey::new(deleted.as_str());
            self.parts
                .dispatcher
                .deleted_in_client(&chat, &deleted)
                .await?;
            return self.pass_over(entry).await;
        }
        let said = event::read(room, &entry.item);
        // The name of a room is what the server says, whoever gave it.
        if !self.may_use(entry) && !matches!(said, Said::Named(_)) {
            return self.refuse(room, entry, &said).await;
        }
        if control(&entry.item, &said, |incoming| self.parsed(incoming)).is_some()
            && self.finish_ahead(room, entry).await?
        {
            return Ok(());
        }
        match said {
            Said::Words(incoming) if self.is_too_old(&incoming) => self.too_old(room, entry).await,
            Said::Words(incoming) => self.answer(room, entry, Place::Chat(chat), *incoming).await,
            Said::Unreadable => self.unreadable(room, entry).await,
            // To nothing that is open, or it would have passed ahead.
            // A name is in the rows already: they follow the room's state.
            Said::Named(_) | Said::Reaction { .. } | Said::Other => self.finish(room, entry).await,
        }
    }

    async fn in_entry_room(
        &self,
        room: &RoomId,
        entry: &Entry,
        owner: UserKey,
    ) -> Result<(), Unfinished> {
        if entry.item.sender.as_str() != owner.as_str() {
            return self.pass_over(entry).await;
        }
        match event::read(room, &entry.item) {
            Said::Words(incoming) if incoming.attachment.is_some() => {
                self.finish(room, entry).await
            }
            Said::Words(incoming) => {
                let alone = match self.parts.client.joined_members(room).await {
                    Ok(members) => members.len() <= 2,
                    Err(MatrixError::Refused { .. }) => false,
                    Err(error) => return Err(error.into()),
                };
                if self.may_use(entry) {
                    self.answer(room, entry, Place::Entry { owner, alone }, *incoming)
                        .await
                } else {
                    self.refuse_in_entry_room(room, entry, incoming, alone)
                        .await
                }
            }
            Said::Unreadable if self.may_use(entry) => self.unreadable(room, entry).await,
            Said::Unreadable | Said::Named(_) | Said::Reaction { .. } | Said::Other => {
                self.pass_over(entry).await
            }
        }
    }

    async fn answer(
        &self,
        room: &RoomId,
        entry: &Entry,
        place: Place,
        incoming: Incoming,
    ) -> Result<(), Unfinished> {
        let started = self.parts.clock.monotonic();
        let thread = incoming.thread.as_ref().map(ToString::to_string);
        let target = DraftTarget {
            question: incoming.event.to_string(),
            room: room.to_owned(),
            thread: thread.clone(),
        };
        self.parts.metrics.message_received();
        let replies = {
            let _turn = self.begin_turn(room, entry, &place, &incoming).await?;
            reached(Boundary::BeforeAgent);
            let (drafts, showing) = self.parts.drafter.begin(target);
            let asking = async move {
                // Dropping the sink at the end of the turn is what ends the drafts.
                self.parts
                    .dispatcher
                    .dispatch(place, incoming, &drafts)
                    .await
            };
            let (replies, ()) = tokio::select! {
                biased;
                () = self.parts.tasks.stop().cancelled() => return Err(Unfinished::ShuttingDown),
                both = async { tokio::join!(asking, showing) } => both,
            };
            replies?
        };
        reached(Boundary::AfterAgent);
        if !self.parts.store.is_joined(room).await? {
            return self.abandon(room, entry).await;
        }
        self.finish_with(room, entry, thread.as_deref(), &replies)
            .await?;
        if replies.iter().any(|reply| reply.is_failure) {
            self.parts.metrics.message_failed();
        } else if !replies.is_empty() {
            let latency = self.parts.clock.monotonic() - started;
            self.parts.metrics.message_answered(latency);
            tracing::info!(event.id = %entry.item.event_id, room.id = %room, latency_ms = latency.as_millis(), "answered");
        }
        Ok(())
    }

    /// A command may follow the name that the bot has in this room now.
    async fn look_up_name(&self, room: &RoomId) -> Result<(), Unfinished> {
        let bot = self.parts.client.user_id();
        let name = self.parts.store.display_name_in(room, bot).await?;
        let room = RoomKey::new(room.as_str());
        self.parts.dispatcher.is_called(&room, name);
        Ok(())
    }

    async fn locale(&self, user: &UserId) -> Locale {
        let owner = self
            .parts
            .store
            .owner(&UserKey::new(user.as_str()))
            .await
            .ok()
            .flatten();
        self.parts.dispatcher.locale_of(owner.as_ref())
    }
}
