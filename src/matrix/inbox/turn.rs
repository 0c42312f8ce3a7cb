//! The turn that a message begins, from the side of who may end it.

use matrix_sdk::ruma::RoomId;

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
        if self.is_stopped(room, entry).await? {
            turn.stop();
        }
        self.lane(room).bell.notify_one();
        Ok(Some(turn))
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
