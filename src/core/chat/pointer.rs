//! Shows somebody where their chats are.

use super::{Chat, ChatRooms, ChatStatus, Locale, Owner};
use crate::text::{ChatLink, Guide, PointerReason};

/// So many chats are shown; `!chats` has them all.
const SHOWN: usize = 10;

/// Links to the Space and to the newest of the chats that answer.
pub(super) fn pointer(
    rooms: &dyn ChatRooms,
    reason: PointerReason,
    owner: &Owner,
    chats: &[Chat],
    locale: Locale,
) -> String {
    let active: Vec<ChatLink> = chats
        .iter()
        .filter(|chat| chat.status == ChatStatus::Active)
        .map(|chat| chat_link(rooms, chat))
        .collect();
    let more = active.len().saturating_sub(SHOWN);
    Guide::Pointer {
        reason,
        space: &rooms.link(&owner.space),
        chats: &active[more..],
        more,
    }
    .text(locale)
}

pub(super) fn chat_link(rooms: &dyn ChatRooms, chat: &Chat) -> ChatLink {
    ChatLink {
        id: chat.id,
        name: chat.name.clone(),
        link: rooms.link(&chat.room),
    }
}
