//! Invitations: from arrival to the pointer in the entry room, each step recorded, so that every one ends exactly once.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use matrix_sdk::ruma::{OwnedRoomId, OwnedUserId, UserId};
use serde_json::json;

use crate::{
    boundary::{Boundary, reached},
    core::{
        chat::{ChatRooms, ChatRoomsError},
        dispatch::Dispatcher,
        ids::UserKey,
        message::Reply,
    },
    lifecycle::Tasks,
    matrix::{
        client::{MatrixClient, MatrixError},
        marker::{ENTRY_NOTE, VERSION},
        outbox::{Outbox, OutboxError, Saying},
        provisioning::Provisioner,
        settling::Settling,
        store::{Invite, InviteStep, OwedInvite, Store, StoreError},
    },
};

/// A join right after the invitation can fail for reasons that pass: federation, a room still being made.
const JOIN_ATTEMPTS: u32 = 5;
/// The first pause between two attempts; it doubles.
const JOIN_PAUSE: Duration = Duration::from_millis(500);
/// The pause before an invitation that failed inside the bot is taken up again.
const RETRY_PAUSE: Duration = Duration::from_secs(10);

/// Who may use the bot.
pub type Allows = Arc<dyn Fn(&UserId) -> bool + Send + Sync>;

/// What a reception works with.
pub struct Parts {
    /// Patient: a failure it reports is final.
    pub client: Arc<dyn MatrixClient>,
    /// Where invitations are recorded.
    pub store: Store,
    /// Makes Spaces and chats.
    pub provisioner: Provisioner,
    /// Says the pointer.
    pub outbox: Outbox,
    /// Words of the pointer.
    pub dispatcher: Arc<Dispatcher>,
    /// Where the work runs.
    pub tasks: Tasks,
    /// Who may use the bot.
    pub allows: Allows,
}

/// Takes up invitations.
#[derive(Clone)]
pub struct Reception {
    parts: Arc<Parts>,
    working: Arc<Mutex<BTreeSet<OwnedRoomId>>>,
    inviting: Arc<Mutex<BTreeSet<(OwnedRoomId, OwnedUserId)>>>,
    settling: Settling,
}

/// Why an invitation is not finished with.
#[derive(Debug, thiserror::Error)]
enum Unfinished {
    #[error("shutting down")]
    ShuttingDown,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Rooms(ChatRoomsError),
    #[error(transparent)]
    Matrix(MatrixError),
}

impl Reception {
    /// Nobody is received yet: [`Reception::wake`] begins.
    pub fn new(parts: Parts) -> Self {
        Self {
            parts: Arc::new(parts),
            working: Arc::default(),
            inviting: Arc::default(),
            settling: Settling::begin(),
        }
    }

    /// Takes up every invitation that nobody works on, in both directions. Called after each commit; returns at once.
    pub async fn wake(&self) -> Result<(), StoreError> {
        for owed in self.parts.store.owed_invites().await? {
            let key = (owed.room.clone(), owed.user.clone());
            let claimed = self
                .inviting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(key);
            if claimed {
                let this = self.clone();
                self.parts
                    .tasks
                    .spawn(format!("invitation of {}", owed.user), async move {
                        this.invite_later(owed).await;
                    });
            }
        }
        for invite in self.parts.store.invites().await? {
            if self.claim(&invite.room) {
                let this = self.clone();
                self.parts
                    .tasks
                    .spawn(format!("invitation to {}", invite.room), async move {
                        this.work(invite).await;
                    });
            }
        }
        Ok(())
    }

    /// Waits until the homeserver lets the bot invite the user. A restart in between changes nothing.
    async fn invite_later(&self, owed: OwedInvite) {
        let Parts {
            provisioner, tasks, ..
        } = &*self.parts;
        tasks.pause(provisioner.delay_of(&owed)).await;
        if !tasks.is_draining() {
            match provisioner.invite_owed(&owed).await {
                Ok(()) | Err(ChatRoomsError::ShuttingDown) => {}
                Err(error) => {
                    tracing::error!(room.id = %owed.room, user.id = %owed.user,
                        error = &error as &dyn std::error::Error, "a user could not be invited");
                    tasks.pause(RETRY_PAUSE).await;
                }
            }
        }
        // What is still owed is taken up again by the next wake.
        self.inviting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&(owed.room, owed.user));
    }

    fn claim(&self, room: &OwnedRoomId) -> bool {
        let mut working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        working.insert(room.clone())
    }

    async fn work(&self, mut invite: Invite) {
        loop {
            self.receive_at_last(&invite).await;
            self.working
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&invite.room);
            if self.parts.tasks.is_draining() {
                return;
            }
            // A new invitation to the room that was committed meanwhile has woken nobody.
            match self.parts.store.invite_to(&invite.room).await {
                Ok(Some(next)) if self.claim(&next.room) => invite = next,
                Ok(_) => return,
                Err(error) => {
                    tracing::error!(room.id = %invite.room, %error, "the invitations cannot be read");
                    return;
                }
            }
        }
    }

    /// Tries until it succeeds, the invitation is not the room's any more, or the process is ending.
    async fn receive_at_last(&self, invite: &Invite) {
        while !self.parts.tasks.is_draining() {
            match self.receive(invite).await {
                Ok(()) | Err(Unfinished::ShuttingDown) => return,
                Err(error) => {
                    tracing::error!(room.id = %invite.room, user.id = %invite.inviter,
                        error = &error as &dyn std::error::Error, "an invitation could not be finished");
                    self.parts.tasks.pause(RETRY_PAUSE).await;
                }
            }
            let current = self.parts.store.invite_to(&invite.room).await;
            let is_current = |current: Option<Invite>| {
                current.is_some_and(|current| current.nonce == invite.nonce)
            };
            if current.is_ok_and(|current| !is_current(current)) {
                return;
            }
        }
    }

    async fn receive(&self, invite: &Invite) -> Result<(), Unfinished> {
        let Parts { client, store, .. } = &*self.parts;
        if !(self.parts.allows)(&invite.inviter) || invite.inviter == client.user_id() {
            tracing::info!(user.id = %invite.inviter, room.id = %invite.room, "an invitation of {} is refused", invite.inviter);
            if invite.step == InviteStep::Received {
                let refused = client.leave(&invite.room).await;
                passed(refused)?;
            }
            return Ok(store.invite_finished(invite).await?);
        }
        if invite.step == InviteStep::Received {
            if !self.join(invite).await? {
                return Ok(store.invite_finished(invite).await?);
            }
            reached(Boundary::InviteJoined);
            // One of the bot's own rooms, to which an operator brings it back: reconcile knows what it is.
            let row = store.room_row(invite.room.as_str()).await?;
            if row.is_some_and(|row| row.room_type != "entry") {
                return Ok(store.invite_finished(invite).await?);
            }
            let note = json!({"version": VERSION, "user": invite.inviter});
            passed(
                client
                    .put_room_account_data(&invite.room, ENTRY_NOTE, &note)
                    .await,
            )?;
            if !store.invite_accepted(invite).await? {
                return Ok(());
            }
        } else {
            // Begun in a former life, whose last words may not have arrived yet.
            self.settling.over(&self.parts.tasks).await;
            if self.parts.tasks.is_draining() {
                return Err(Unfinished::ShuttingDown);
            }
        }
        let user = UserKey::new(invite.inviter.as_str());
        let onboarded = self.parts.provisioner.onboard(&user).await?;
        self.point(invite, &self.parts.dispatcher.pointer(&onboarded))
            .await?;
        Ok(store.invite_finished(invite).await?)
    }

    /// Tells whether we are in the room now.
    async fn join(&self, invite: &Invite) -> Result<bool, Unfinished> {
        let mut pause = JOIN_PAUSE;
        for attempt in 1..=JOIN_ATTEMPTS {
            match self.parts.client.join(&invite.room).await {
                Ok(()) => return Ok(true),
                Err(MatrixError::Refused {
                    errcode, message, ..
                }) => {
                    tracing::warn!(room.id = %invite.room, attempt, errcode, message, "the room could not be joined");
                }
                Err(error) => return Err(error.into()),
            }
            // The invitation may have been taken back meanwhile; or the join went through and only its answer was lost.
            self.parts.tasks.pause(pause).await;
            if self.parts.tasks.is_draining() {
                return Err(Unfinished::ShuttingDown);
            }
            pause *= 2;
        }
        Ok(self
            .parts
            .client
            .joined_rooms()
            .await?
            .contains(&invite.room))
    }

    /// One message in the entry room, that leads to the chats. The cursor behind it says that this room is done.
    async fn point(&self, invite: &Invite, markdown: &str) -> Result<(), Unfinished> {
        let saying = Saying {
            kind: "pointer",
            occasion: &invite.nonce,
            room: &invite.room,
        };
        let Parts { client, outbox, .. } = &*self.parts;
        let said = outbox.say(saying, &Reply::notice(markdown)).await?;
        if let Some(event) = &said {
            reached(Boundary::PointerSent);
            passed(client.set_read_marker(&invite.room, event).await)?;
        }
        Ok(outbox.was_said(saying, said.as_ref()).await?)
    }
}

/// A refusal is nothing to stop for.
fn passed(result: Result<(), MatrixError>) -> Result<(), Unfinished> {
    match result {
        Ok(()) | Err(MatrixError::Refused { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl From<OutboxError> for Unfinished {
    fn from(error: OutboxError) -> Self {
        match error {
            OutboxError::Interrupted(error) => error.into(),
            OutboxError::Store(error) => Self::Store(error),
        }
    }
}

impl From<MatrixError> for Unfinished {
    fn from(error: MatrixError) -> Self {
        match error {
            MatrixError::ShuttingDown => Self::ShuttingDown,
            other => Self::Matrix(other),
        }
    }
}

impl From<ChatRoomsError> for Unfinished {
    fn from(error: ChatRoomsError) -> Self {
        match error {
            ChatRoomsError::ShuttingDown => Self::ShuttingDown,
            other => Self::Rooms(other),
        }
    }
}
