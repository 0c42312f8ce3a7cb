//! `!chats`: all chats of the user.

use super::{Call, CommandName, Wrong, parse::nothing};
use crate::{
    core::error::CoreError,
    text::{ChatEntry, Guide},
};

/// `!chats`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chats;

impl Chats {
    pub(super) fn parse(words: &str) -> Result<Self, Wrong> {
        nothing(words, CommandName::Chats).map(|()| Self)
    }

    pub(super) async fn run(self, call: &Call<'_>) -> Result<String, CoreError> {
        let chats = call.manager.chats_of(call.user()).await?;
        if chats.is_empty() {
            return Ok(Guide::NoChatsYet.text(call.locale));
        }
        let entries: Vec<ChatEntry> = chats
            .iter()
            .map(|chat| ChatEntry {
                chat: call.link(chat),
                agent: call.agents().name_of(&chat.agent),
                status: chat.status,
            })
            .collect();
        Ok(Guide::Chats(&entries).text(call.locale))
    }
}

#[cfg(test)]
mod tests {
    use crate::core::{
        chat::{Chat, ChatStatus, Locale},
        ids::AgentId,
        testing::{World, chat},
    };

    #[tokio::test]
    async fn it_shows_number_name_agent_status_and_link_of_each_chat() {
        let world = World::new()
            .with_chat(
                &Chat {
                    name: "[x](y)".to_owned(),
                    ..chat(2)
                }
                .archived(),
            )
            .with_chat(&Chat {
                agent: AgentId::new("retired"),
                ..chat(3)
            });
        let lines = [
            "Your chats:",
            "",
            "- [C1 · Chat 1](https://matrix.to/#/!c1?via=hs) — Assistant, active",
            "- [C2 · \\[x\\](y)](https://matrix.to/#/!c2?via=hs) — Assistant, archived",
            "- [C3 · Chat 3](https://matrix.to/#/!c3?via=hs) — retired, active",
        ];
        assert_eq!(world.say("!chats").await, lines.join("\n"));
        let russian = world.speaking(Locale::Ru).say("!chats").await;
        assert!(russian.starts_with("Ваши чаты:"), "{russian}");
        assert!(russian.contains("Assistant, в архиве"), "{russian}");
    }

    #[tokio::test]
    async fn chats_that_are_gone_are_left_out() {
        let world = World::new().with_chat(&Chat {
            status: ChatStatus::Gone,
            ..chat(2)
        });
        let text = world.say("!chats").await;
        assert!(text.contains("C1") && !text.contains("C2"), "{text}");
    }

    #[tokio::test]
    async fn it_works_in_the_entry_room_and_in_an_archived_chat() {
        let text = World::new().say_at_the_door("!chats").await;
        assert!(text.contains("[C2 · Chat 2]"), "{text}");
        let world = World::new().with_chat(&chat(1).archived());
        assert!(world.say("!chats").await.contains("Assistant, archived"));
    }

    #[tokio::test]
    async fn a_user_without_chats_learns_how_to_get_one() {
        let text = World::new().empty().say_at_the_door("!chats").await;
        assert_eq!(
            text,
            "You have no chats yet. `!start` makes your first one."
        );
    }

    #[tokio::test]
    async fn it_takes_no_words() {
        let text = World::new().say("!chats all").await;
        assert_eq!(text, "Please write `!chats`: all your chats.");
        let text = World::new().speaking(Locale::Ru).say("!chats all").await;
        assert_eq!(text, "Напишите, пожалуйста, `!chats`: все ваши чаты.");
    }
}
