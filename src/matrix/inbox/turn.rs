//! The turn that a message begins, from the side of who may end it.

use matrix_sdk::ruma::{OwnedRoomId, RoomId};

use super::{Inbox, lane::Control, unfinished::Unfinished};
use crate::{
    core::{chat::running::RunningTurn, command::Parsed, dispatch::Place, message::Incoming},
    matrix::store::Entry,
};

impl Inbox {
    /// A message for an agent begins a turn, which a `!stop` can end. One that is stopped already asks nobody.
    pub(super) async fn begin_turn(
        &self,
        room: &RoomId,
        entry: &Entry,
        place: &Place,
        incoming: &Incoming,
    ) -> Result<Option<RunningTurn>, Unfinished> {
        let is_talk =
            matches!(place, Place::Chat(_)) && matches!(self.parsed(incoming), Parsed::NotACommand);
        if !is_talk {
            return Ok(None);
        }
        let turn = self.parts.dispatcher.running().begin(&incoming.event);
        let lane = self.lane(room);
        lane.set_turn(&incoming.event);
        // In this order: a departure that is committed after the look finds the turn.
        if self.is_stopped(room, entry).await? || !self.parts.store.is_joined(room).await? {
            turn.stop();
        }
        lane.ring();
        Ok(Some(turn))
    }

    /// Stops the turns of rooms that the bot is not in any more: nobody can read what their agents say.
    pub fn stop_turns_in(&self, rooms: &[OwnedRoomId]) {
        for room in rooms {
            if let Some(turn) = self.lane(room).turn()
                && self.parts.dispatcher.running().stop(&turn)
            {
                tracing::info!(room.id = %room, event.id = %turn, "the bot left the room, turn stopped");
            }
        }
    }

    /// Whether the turn of this message is not to begin: it was stopped before a crash, or a `!stop` waits behind it.
    async fn is_stopped(&self, room: &RoomId, entry: &Entry) -> Result<bool, Unfinished> {
        let turn = &entry.item.event_id;
        if self.parts.store.is_stopped(turn).await? {
            return Ok(true);
        }
        let lane = self.lane(room);
        for event in self.controls_behind(room, entry.seq, &lane).await? {
            let Some(waiting) = self.parts.store.pending_entry(&event).await? else {
                continue;
            };
            let control = self.control_of(room, &waiting).await?;
            if matches!(control, Some((_, Control::Stop)))
                && self.parts.store.stopped_by(&event).await?.is_none()
            {
                self.parts.store.stop_turn(&event, turn).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }
}
