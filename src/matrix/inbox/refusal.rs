//! Owners of chats who may not use the bot any more: nothing of theirs is handled, and they are told so once a day.

use matrix_sdk::ruma::RoomId;

use super::{Inbox, unfinished::Unfinished};
use crate::{
    core::{
        command::Parsed,
        ids::EventKey,
        message::{Incoming, Reply},
    },
    matrix::{event::Said, store::Entry},
    text::Trouble,
};

impl Inbox {
    /// Whether the operator lets the sender use the bot.
    pub(super) fn may_use(&self, entry: &Entry) -> bool {
        (self.parts.allows)(&entry.item.sender)
    }

    /// Done with the event of an owner who may not use the bot, whatever it says. A message may be answered with the
    /// reason; no agent gets it and no command is carried out.
    pub(super) async fn refuse(
        &self,
        room: &RoomId,
        entry: &Entry,
        said: &Said,
    ) -> Result<(), Unfinished> {
        let (event, user) = (&entry.item.event_id, &entry.item.sender);
        // A turn of theirs that ran before a restart may have left a permission request open.
        let turn = EventKey::new(event.as_str());
        self.parts.questions.withdraw_all(&turn).await;
        let thread = match said {
            Said::Words(incoming) => incoming.thread.as_ref().map(EventKey::as_str),
            Said::Unreadable => None,
            Said::Named(_) | Said::Reaction { .. } | Said::Other => {
                return self.finish(room, entry).await;
            }
        };
        tracing::info!(event.id = %event, room.id = %room, user.id = %user, "sender is not allowed, message refused");
        let now = self.parts.clock.now();
        if !self.parts.store.may_refuse(user, event, now).await? {
            return self.finish(room, entry).await;
        }
        let text = Trouble::NotAllowed.text(self.locale(user).await);
        self.finish_with(room, entry, thread, &[Reply::notice(text)])
            .await
    }

    /// The same in an entry room, where only commands are meant for the bot if others are there.
    pub(super) async fn refuse_in_entry_room(
        &self,
        room: &RoomId,
        entry: &Entry,
        incoming: Box<Incoming>,
        alone: bool,
    ) -> Result<(), Unfinished> {
        let is_command = matches!(
            self.parsed(&incoming),
            Parsed::Command(_) | Parsed::Wrong(_)
        );
        if alone || is_command {
            self.refuse(room, entry, &Said::Words(incoming)).await
        } else {
            self.finish(room, entry).await
        }
    }
}
