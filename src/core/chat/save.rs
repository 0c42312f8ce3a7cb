//! Contexts that were kept under a name, to be continued later in any chat of the same owner.

use crate::core::{
    chat::{Chat, name},
    ids::{AgentId, ChatId, EventKey, PlatformChatId, RoomKey, UserKey, derived_uuid},
};

/// A user may keep so many contexts.
pub const MOST_SAVES: usize = 50;

/// A kept context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Save {
    /// Whose it is. Nobody else sees it.
    pub owner: UserKey,
    /// What the owner calls it.
    pub name: String,
    /// Whose memory it is.
    pub agent: AgentId,
    /// What the agent remembers it by.
    pub kept: PlatformChatId,
    /// The chat it was made in.
    pub chat: ChatId,
    /// That chat's room.
    pub room: RoomKey,
    /// The command that made it: what is kept goes up to there.
    pub until: EventKey,
    /// What the agent wants to be told when it is continued.
    pub note: Option<String>,
}

impl Save {
    /// What stands for the name where only plain words may stand. Names that differ only in case are one name.
    pub fn key(owner: &UserKey, name: &str) -> String {
        derived_uuid(&format!("save:{owner}:{}", name.to_lowercase()))
            .simple()
            .to_string()
    }

    /// Whether it goes by this name.
    pub fn is_called(&self, name: &str) -> bool {
        self.name.to_lowercase() == name.to_lowercase()
    }
}

/// A name for a context whose owner chose none: the chat's, with a number where that is taken.
pub fn free_name(chat: &Chat, saves: &[Save]) -> String {
    let base: String = if chat.name.is_empty() {
        chat.id.to_string()
    } else {
        chat.name.chars().take(name::MAX_CHARS - 5).collect()
    };
    // One more than there are: one of them is free.
    (1..=saves.len() + 1)
        .map(|number| match number {
            1 => base.clone(),
            _ => format!("{base} ({number})"),
        })
        .find(|name| !saves.iter().any(|save| save.is_called(name)))
        .unwrap_or(base)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::testing::{alice, chat};

    fn save(name: &str) -> Save {
        Save {
            owner: alice(),
            name: name.to_owned(),
            agent: AgentId::new("assistant"),
            kept: PlatformChatId::from_save(&EventKey::new("$save")),
            chat: ChatId::new(1),
            room: RoomKey::new("!c1"),
            until: EventKey::new("$save"),
            note: None,
        }
    }

    #[test]
    fn a_context_without_a_name_is_called_like_its_chat() {
        assert_eq!(free_name(&chat(1), &[]), "Chat 1");
        let taken = [save("chat 1"), save("Chat 1 (2)")];
        assert_eq!(free_name(&chat(1), &taken), "Chat 1 (3)");
        let unnamed = Chat {
            name: String::new(),
            ..chat(4)
        };
        assert_eq!(free_name(&unnamed, &[]), "C4");
    }

    #[test]
    fn a_key_is_plain_and_its_owners_own() {
        let bob = UserKey::new("@bob:hs");
        let key = Save::key(&alice(), "Trip to Rome / ../@room");
        assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(key, Save::key(&alice(), "TRIP to Rome / ../@room"));
        assert_ne!(key, Save::key(&bob, "Trip to Rome / ../@room"));
    }
}
