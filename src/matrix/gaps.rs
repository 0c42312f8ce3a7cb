//! Fetches the stretches of timelines that syncs left out, so that a burst or a long absence loses no message.
//!
//! A room's pending events wait until all its gaps are closed: the order of the room is kept.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use matrix_sdk::ruma::OwnedRoomId;
use tokio::sync::Semaphore;

use crate::{
    boundary::{Boundary, reached},
    lifecycle::Tasks,
    matrix::{
        batch::TimelineItem,
        client::{MatrixClient, MatrixError},
        inbox::Inbox,
        intake::{self, PageIntake},
        store::{Gap, Store, StoreError},
    },
};

/// Pages of one gap: with a hundred events each, more than anybody reads.
const MOST_PAGES: u32 = 200;
/// Rooms whose gaps are filled at the same time: a start after a long absence may find one in each.
const ROOMS_AT_ONCE: usize = 4;
/// The pause before a gap whose filling failed inside the bot is taken up again.
const RETRY_PAUSE: Duration = Duration::from_secs(10);

/// Fills gaps.
#[derive(Clone)]
pub struct GapFiller {
    client: Arc<dyn MatrixClient>,
    store: Store,
    tasks: Tasks,
    working: Arc<Mutex<BTreeSet<OwnedRoomId>>>,
    at_once: Arc<Semaphore>,
}

#[derive(Debug, thiserror::Error)]
enum Unfinished {
    #[error("shutting down")]
    ShuttingDown,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Matrix(MatrixError),
}

impl GapFiller {
    /// `client` must be patient: a failure it reports is final.
    pub fn new(client: Arc<dyn MatrixClient>, store: Store, tasks: Tasks) -> Self {
        Self {
            client,
            store,
            tasks,
            working: Arc::default(),
            at_once: Arc::new(Semaphore::new(ROOMS_AT_ONCE)),
        }
    }

    /// Takes up every gap that nobody works on, and wakes the inbox as they close. Returns at once.
    pub async fn wake(&self, inbox: Inbox) -> Result<(), StoreError> {
        for gap in self.store.gaps().await? {
            let claimed = self
                .working
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(gap.room.clone());
            if claimed {
                let (this, inbox) = (self.clone(), inbox.clone());
                self.tasks
                    .spawn(format!("gap of {}", gap.room), async move {
                        this.work(&gap.room).await;
                        if let Err(error) = inbox.wake().await {
                            tracing::error!(%error, "the journal cannot be read");
                        }
                    });
            }
        }
        Ok(())
    }

    async fn work(&self, room: &OwnedRoomId) {
        while !self.tasks.is_draining() {
            match self.fill(room).await {
                Ok(()) | Err(Unfinished::ShuttingDown) => break,
                Err(error) => {
                    tracing::error!(room.id = %room, error = &error as &dyn std::error::Error, "a gap could not be filled");
                    self.tasks.pause(RETRY_PAUSE).await;
                }
            }
        }
        self.working
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(room);
    }

    async fn fill(&self, room: &OwnedRoomId) -> Result<(), Unfinished> {
        let _permit = tokio::select! {
            biased;
            () = self.tasks.draining().cancelled() => return Err(Unfinished::ShuttingDown),
            permit = self.at_once.acquire() => permit.map_err(|_| Unfinished::ShuttingDown)?,
        };
        while let Some(gap) = self
            .store
            .gaps()
            .await?
            .into_iter()
            .find(|gap| gap.room == *room)
        {
            let (page, next) = match self
                .client
                .messages_before(room, Some(&gap.from_token))
                .await
            {
                Ok(page) => page,
                Err(MatrixError::ShuttingDown) => return Err(Unfinished::ShuttingDown),
                Err(error @ MatrixError::Refused { .. }) => {
                    tracing::warn!(room.id = %room, %error, "what was said in {room} meanwhile cannot be fetched");
                    self.store
                        .fill_gap(&gap, PageIntake::default(), None)
                        .await?;
                    continue;
                }
                Err(error) => return Err(Unfinished::Matrix(error)),
            };
            reached(Boundary::GapPageFetched);
            let (page, is_closed) = self.until_known(&gap, page).await?;
            let page = intake::page_intake(self.client.user_id(), &page);
            let given_up = gap.pages + 1 >= MOST_PAGES && next.is_some() && !is_closed;
            if given_up {
                tracing::warn!(room.id = %room, pages = gap.pages + 1, "older messages of {room} are given up");
            }
            let next = next.filter(|_| !is_closed && !given_up);
            self.store.fill_gap(&gap, page, next).await?;
            reached(Boundary::GapPageCommitted);
        }
        Ok(())
    }

    /// The page up to the event where the gap ends: the server's cursor, or what the journal knows already.
    async fn until_known(
        &self,
        gap: &Gap,
        page: Vec<TimelineItem>,
    ) -> Result<(Vec<TimelineItem>, bool), StoreError> {
        let ids = page.iter().map(|item| item.event_id.to_string()).collect();
        let known = self.store.known(ids).await?;
        let bot = self.client.user_id();
        let end = page.iter().zip(known).position(|(item, known)| {
            intake::is_arrival_of(bot, item)
                || match &gap.until {
                    Some(until) => item.event_id.as_str() == until,
                    None => known,
                }
        });
        Ok(match end {
            Some(end) => (page.into_iter().take(end).collect(), true),
            None => (page, false),
        })
    }
}
