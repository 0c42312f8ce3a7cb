//! `!context [all]`: the chat, its agent, and how much the agent remembers of it.

use super::{Call, CommandName, Wrong};
use crate::{
    core::error::CoreError,
    text::{ContextIds, Guide, Trouble},
};

/// `!context`, or `!context all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Also what only an operator can use: the agent's id, the context's id and its generation.
    pub all: bool,
}

impl Context {
    pub(super) fn parse(words: &str) -> Result<Self, Wrong> {
        match words.to_lowercase().as_str() {
            "" => Ok(Self { all: false }),
            "all" => Ok(Self { all: true }),
            _ => Err(Wrong::Usage(CommandName::Context)),
        }
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
            size: size.as_ref(),
            ids: self.all.then_some(ContextIds {
                agent: &chat.agent,
                context: chat.context,
                generation: chat.generation,
            }),
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
    async fn it_shows_what_a_person_can_use() {
        let world = World::new();
        world.say("hello").await;
        world.say("hello").await;
        let lines = [
            "- chat: C1 · Chat 1",
            "- agent: Assistant",
            "- size: messages 2",
        ];
        assert_eq!(world.say("!context").await, lines.join("\n"));
        let russian = world.speaking(Locale::Ru).say("!context").await;
        assert!(
            russian.ends_with("- агент: Assistant\n- размер: сообщений 2"),
            "{russian}"
        );
    }

    #[tokio::test]
    async fn with_all_it_shows_the_ids_and_the_generation_too() {
        let world = World::new();
        let short = world.say("!context").await;
        let lines = [
            short,
            "- agent id: assistant".to_owned(),
            format!("- context: `{}`", chat(1).context),
            "- generation: 0".to_owned(),
        ];
        assert_eq!(world.say("!context ALL").await, lines.join("\n"));
        let russian = world.speaking(Locale::Ru).say("!context all").await;
        assert!(russian.ends_with("- поколение: 0"), "{russian}");
    }

    #[tokio::test]
    async fn after_a_clear_the_new_context_is_empty() {
        let world = World::new();
        world.say("hello").await;
        world.say("!clear").await;
        let text = world.say("!context all").await;
        assert!(
            text.contains(&format!("`{}`", world.row(1).context)),
            "{text}"
        );
        assert!(text.contains("- size: messages 0"), "{text}");
        assert!(text.ends_with("- generation: 1"), "{text}");
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
            text.starts_with("`!context [all]` works inside a chat."),
            "{text}"
        );
    }

    #[tokio::test]
    async fn it_takes_no_other_words() {
        let text = World::new().say("!context C2").await;
        assert_eq!(
            text,
            "Please write `!context [all]`: this chat, its agent, and how much the agent remembers."
        );
        let text = World::new().speaking(Locale::Ru).say("!context C2").await;
        assert!(
            text.starts_with("Напишите, пожалуйста, `!context [all]`"),
            "{text}"
        );
    }
}
