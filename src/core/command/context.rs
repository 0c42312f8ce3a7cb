//! `!context`: what the agent remembers of this chat.

use super::{Call, CommandName, Wrong, parse::nothing};
use crate::{
    core::error::CoreError,
    text::{Guide, Trouble},
};

/// `!context`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context;

impl Context {
    pub(super) fn parse(words: &str) -> Result<Self, Wrong> {
        nothing(words, CommandName::Context).map(|()| Self)
    }

    pub(super) async fn run(self, call: &Call<'_>) -> Result<String, CoreError> {
        let Some(chat) = call.chat() else {
            return Ok(call.trouble(&Trouble::OnlyInAChat(CommandName::Context)));
        };
        let chat = call.manager.current(chat).await?;
        let size = call.manager.context_info(&chat).await;
        Ok(Guide::Context {
            id: chat.id,
            name: &chat.name,
            agent: &call.agents().name_of(&chat.agent),
            context: chat.context,
            generation: chat.generation,
            size: size.as_ref(),
        }
        .text(call.locale))
    }
}

#[cfg(test)]
mod tests {
    use crate::core::{
        chat::Locale,
        testing::{Fault, World, chat},
    };

    #[tokio::test]
    async fn it_shows_chat_agent_context_generation_and_size() {
        let world = World::new();
        world.say("hello").await;
        world.say("hello").await;
        let lines = [
            "- chat: C1 · Chat 1".to_owned(),
            "- agent: Assistant".to_owned(),
            format!("- context: `{}`", chat(1).context),
            "- generation: 0".to_owned(),
            "- size: messages 2".to_owned(),
        ];
        assert_eq!(world.say("!context").await, lines.join("\n"));
        let russian = world.speaking(Locale::Ru).say("!context").await;
        assert!(
            russian.ends_with("- поколение: 0\n- размер: сообщений 2"),
            "{russian}"
        );
    }

    #[tokio::test]
    async fn after_a_clear_the_new_context_is_empty() {
        let world = World::new();
        world.say("hello").await;
        world.say("!clear").await;
        let text = world.say("!context").await;
        assert!(
            text.contains(&format!("`{}`", world.row(1).context)),
            "{text}"
        );
        assert!(
            text.ends_with("- generation: 1\n- size: messages 0"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn an_agent_that_does_not_answer_leaves_only_the_size_open() {
        let world = World::new();
        world.fail("agent info", Fault::Refused);
        let text = world.say("!context").await;
        assert!(
            text.ends_with("- size: the agent does not answer just now"),
            "{text}"
        );
        assert!(!text.contains("secret"), "{text}");
    }

    #[tokio::test]
    async fn it_works_in_an_archived_chat_and_not_in_the_entry_room() {
        let world = World::new().with_chat(&chat(1).archived());
        assert!(world.say("!context").await.starts_with("- chat: C1"));
        let text = world.say_at_the_door("!context").await;
        assert!(
            text.starts_with("`!context` works inside a chat."),
            "{text}"
        );
    }

    #[tokio::test]
    async fn it_takes_no_words() {
        let text = World::new().say("!context C2").await;
        assert_eq!(
            text,
            "Please write `!context`: what the agent remembers of this chat."
        );
        let text = World::new().speaking(Locale::Ru).say("!context C2").await;
        assert!(
            text.starts_with("Напишите, пожалуйста, `!context`"),
            "{text}"
        );
    }
}
