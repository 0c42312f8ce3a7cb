//! The deliberate wipe on the server: the bot leaves and forgets the rooms it made, and no others. Never part of a start.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use matrix_sdk::ruma::OwnedRoomId;
use tokio_util::sync::CancellationToken;

use crate::matrix::{
    client::{MatrixClient, MatrixError},
    patient::PatientClient,
    sdk_client::SdkClient,
    session::{self, Login, Session, Trace},
};

/// Questions to the server at the same time.
const AT_ONCE: usize = 8;

/// A room the bot is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomToLeave {
    /// Its id.
    pub id: OwnedRoomId,
    /// `m.room.name`, for people.
    pub name: String,
}

/// What would be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResetPlan {
    /// Rooms the bot made.
    pub own: Vec<RoomToLeave>,
    /// Rooms others made.
    pub others: Vec<RoomToLeave>,
}

/// The server's side of a reset.
pub struct ServerReset {
    client: PatientClient,
    session: Session,
    trace: Trace,
}

impl ServerReset {
    /// Logs in without touching any store.
    pub async fn open(login: &Login) -> anyhow::Result<Self> {
        let stop = CancellationToken::new();
        let (session, trace) = session::open_without_store(login, &stop).await?;
        let plain: Arc<dyn MatrixClient> = Arc::new(SdkClient::new(session.client.clone())?);
        Ok(Self {
            client: PatientClient::new(plain, stop, Arc::new(|_| {})),
            session,
            trace,
        })
    }

    /// Which rooms the bot is in, and which of them it made.
    pub async fn plan(&self) -> Result<ResetPlan, MatrixError> {
        let joined = self.client.joined_rooms().await?;
        let rooms: Vec<(RoomToLeave, bool)> = stream::iter(joined)
            .map(|room| self.look_at(room))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut plan = ResetPlan::default();
        for (room, own) in rooms {
            if own {
                plan.own.push(room);
            } else {
                plan.others.push(room);
            }
        }
        Ok(plan)
    }

    /// Leaves and forgets; returns the rooms the server would not let go, and why.
    pub async fn leave_and_forget(
        &self,
        rooms: &[RoomToLeave],
    ) -> Result<Vec<(OwnedRoomId, MatrixError)>, MatrixError> {
        let mut refused = Vec::new();
        for room in rooms {
            let result = match self.client.leave(&room.id).await {
                Ok(()) => self.client.forget(&room.id).await,
                Err(error) => Err(error),
            };
            match result {
                Ok(()) => {}
                Err(error @ MatrixError::Refused { .. }) => refused.push((room.id.clone(), error)),
                Err(error) => return Err(error),
            }
        }
        Ok(refused)
    }

    /// Ends the session, if it was opened for this.
    pub async fn close(self) {
        if self.trace == Trace::Device {
            session::log_out(&self.session).await;
        }
    }

    async fn look_at(&self, id: OwnedRoomId) -> Result<(RoomToLeave, bool), MatrixError> {
        let state = match self.client.room_state(&id).await {
            Ok(state) => state,
            // Nobody can say who made it: left alone.
            Err(MatrixError::Refused { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        let of_type = |event_type: &str| {
            state
                .iter()
                .find(|event| event.event_type == event_type && event.state_key.is_empty())
        };
        let own =
            of_type("m.room.create").is_some_and(|create| create.sender == self.client.user_id());
        let name = of_type("m.room.name")
            .and_then(|event| event.content.get("name")?.as_str())
            .unwrap_or_default();
        Ok((
            RoomToLeave {
                name: name.to_owned(),
                id,
            },
            own,
        ))
    }
}
