//! Where a message belongs, as the rows say; a room without rows is looked into once.

use std::sync::PoisonError;

use matrix_sdk::ruma::RoomId;

use super::{Inbox, unfinished::Unfinished};
use crate::{
    core::{chat::ChatStore, ids::RoomKey},
    matrix::{
        client::MatrixError,
        reconcile::ReconcileError,
        router::{Route, route},
    },
};

impl Inbox {
    /// Where the message belongs. A joined room without rows is reconciled first.
    pub(super) async fn place(&self, room: &RoomId) -> Result<Route, Unfinished> {
        let found = self.look_up(room).await?;
        if found != Route::Unknown || self.is_foreign(room) {
            return Ok(found);
        }
        match self.parts.reconciler.single(room).await {
            // Refused: not in the room any more, or not allowed to look.
            Ok(_) | Err(ReconcileError::Matrix(MatrixError::Refused { .. })) => {}
            Err(ReconcileError::Matrix(MatrixError::ShuttingDown)) => {
                return Err(Unfinished::ShuttingDown);
            }
            Err(error) => return Err(Unfinished::Reconcile(error)),
        }
        let found = self.look_up(room).await?;
        if found == Route::Unknown {
            tracing::info!(room.id = %room, "{room} is none of ours: its messages are left alone");
            self.foreign
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(room.to_owned());
        }
        Ok(found)
    }

    async fn look_up(&self, room: &RoomId) -> Result<Route, Unfinished> {
        let chat = self
            .parts
            .store
            .chat_in(&RoomKey::new(room.as_str()))
            .await
            .map_err(|error| Unfinished::Dispatch(error.into()))?;
        let row = self.parts.store.room_row(room.as_str()).await?;
        Ok(route(row.as_ref(), chat))
    }

    fn is_foreign(&self, room: &RoomId) -> bool {
        self.foreign
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(room)
    }
}
