//! How a chat changes, one value to the next. Pure: nothing here is written anywhere.

use super::{Chat, ChatStatus, Owner};
use crate::core::ids::{AgentId, EventKey, PlatformChatId};

impl Chat {
    /// With the context that the command in `cause` asks for; `None` where that command was carried out before.
    #[must_use]
    pub fn rotated(&self, cause: &EventKey) -> Option<Self> {
        let context = PlatformChatId::from_command(cause);
        (self.context != context).then(|| Self {
            context,
            generation: self.generation.saturating_add(1),
            ..self.clone()
        })
    }

    /// Out of the Space.
    #[must_use]
    pub fn archived(&self) -> Self {
        self.with_status(ChatStatus::Archived)
    }

    /// Back in the Space.
    #[must_use]
    pub fn unarchived(&self) -> Self {
        self.with_status(ChatStatus::Active)
    }

    /// With another name.
    #[must_use]
    pub fn renamed(&self, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..self.clone()
        }
    }

    /// With another agent, which gets the same context and knows nothing of it yet.
    #[must_use]
    pub fn with_agent(&self, agent: &AgentId) -> Self {
        Self {
            agent: agent.clone(),
            ..self.clone()
        }
    }

    /// A chat whose room is gone stays gone, whatever is asked for.
    fn with_status(&self, status: ChatStatus) -> Self {
        let status = match self.status {
            ChatStatus::Gone => ChatStatus::Gone,
            ChatStatus::Active | ChatStatus::Archived => status,
        };
        Self {
            status,
            ..self.clone()
        }
    }
}

impl Owner {
    /// Whether answers grow while they are written.
    pub fn streams(&self) -> bool {
        self.streaming.unwrap_or(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::testing::chat;

    #[test]
    fn a_rotation_changes_the_context_and_counts_it_and_nothing_else() {
        let before = chat(1);
        let cause = EventKey::new("$clear");
        let after = before.rotated(&cause).unwrap();
        assert_eq!(after.context, PlatformChatId::from_command(&cause));
        assert_eq!(after.generation, 1);
        let undone = Chat {
            context: before.context,
            generation: 0,
            ..after
        };
        assert_eq!(undone, before);
    }

    #[test]
    fn the_same_command_rotates_once_and_the_next_one_again() {
        let once = chat(1).rotated(&EventKey::new("$a")).unwrap();
        assert_eq!(once.rotated(&EventKey::new("$a")), None);
        let twice = once.rotated(&EventKey::new("$b")).unwrap();
        assert_eq!(twice.generation, 2);
        assert_ne!(twice.context, once.context);
    }

    #[test]
    fn the_last_generation_there_is_stays_the_last() {
        let old = Chat {
            generation: u32::MAX,
            ..chat(1)
        };
        let next = old.rotated(&EventKey::new("$a")).unwrap();
        assert_eq!(next.generation, u32::MAX);
    }

    #[test]
    fn archiving_and_bringing_back_change_only_the_status() {
        let before = chat(1);
        let archived = before.archived();
        assert_eq!(
            archived,
            Chat {
                status: ChatStatus::Archived,
                ..before.clone()
            }
        );
        assert_eq!(archived.archived(), archived);
        assert_eq!(archived.unarchived(), before);
        assert_eq!(before.unarchived(), before);
    }

    #[test]
    fn a_chat_whose_room_is_gone_stays_gone() {
        let gone = Chat {
            status: ChatStatus::Gone,
            ..chat(1)
        };
        assert_eq!(gone.archived(), gone);
        assert_eq!(gone.unarchived(), gone);
    }

    #[test]
    fn a_new_name_and_a_new_agent_change_only_themselves() {
        let before = chat(1);
        assert_eq!(
            before.renamed("Trip"),
            Chat {
                name: "Trip".to_owned(),
                ..before.clone()
            }
        );
        let gpt = AgentId::new("gpt");
        let switched = before.with_agent(&gpt);
        assert_eq!(
            switched.context, before.context,
            "the context belongs to the chat"
        );
        assert_eq!(
            switched,
            Chat {
                agent: gpt,
                ..before
            }
        );
    }
}
