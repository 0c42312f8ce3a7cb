//! `!clear`: a new context for this chat.

use super::{Call, CommandName, Wrong, parse::nothing};
use crate::{
    core::error::CoreError,
    text::{Done, Trouble},
};

/// `!clear`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clear;

impl Clear {
    pub(super) fn parse(words: &str) -> Result<Self, Wrong> {
        nothing(words, CommandName::Clear).map(|()| Self)
    }

    pub(super) async fn run(self, call: &Call<'_>) -> Result<String, CoreError> {
        let Some(chat) = call.chat() else {
            return Ok(call.trouble(&Trouble::OnlyInAChat(CommandName::Clear)));
        };
        let chat = call.manager.clear(chat, &call.incoming.event).await?;
        Ok(Done::Cleared(chat.context).text(call.locale))
    }
}

#[cfg(test)]
mod tests {
    use crate::core::{
        chat::Locale,
        ids::{EventKey, PlatformChatId},
        testing::{Fault, World, chat},
    };

    #[tokio::test]
    async fn the_context_is_changed_on_the_server_then_in_the_row_and_the_old_one_let_go() {
        let world = World::new();
        let text = world.say("!clear").await;
        let context = PlatformChatId::from_command(&EventKey::new("$event"));
        let short = context.short();
        let expected =
            format!("The agent has forgotten this chat and starts anew (context {short}).");
        assert_eq!(text, expected);
        let old = chat(1).context.short();
        let let_go = format!("agent disconnect {old}");
        assert_eq!(
            world.changes(),
            ["server marker C1", "row C1", let_go.as_str()]
        );
        assert_eq!(
            (world.row(1).context, world.row(1).generation),
            (context, 1)
        );
        assert_eq!(world.row(2), chat(2), "no other chat notices");
        assert!(world.agrees());
    }

    #[tokio::test]
    async fn carried_out_before_it_only_answers() {
        let world = World::new().speaking(Locale::Ru);
        let first = world.say("!clear").await;
        assert!(first.starts_with("Агент забыл этот чат"), "{first}");
        let changes = world.changes();
        assert_eq!(world.say("!clear").await, first);
        assert_eq!(world.changes(), changes);
        assert_eq!(world.row(1).generation, 1);
    }

    #[tokio::test]
    async fn an_agent_that_does_not_let_go_blocks_nothing() {
        let world = World::new();
        world.fail("agent disconnect", Fault::Refused);
        let text = world.say("!clear").await;
        assert!(text.starts_with("The agent has forgotten"), "{text}");
        assert_eq!(world.row(1).generation, 1);
    }

    #[tokio::test]
    async fn the_agent_answers_from_the_new_context() {
        let world = World::new();
        let before = world.say("hello").await;
        world.say("!clear").await;
        let after = world.say("hello").await;
        assert!(before.contains(&chat(1).context.short()), "{before}");
        assert!(after.contains(&world.row(1).context.short()), "{after}");
        assert_ne!(before, after);
    }

    #[tokio::test]
    async fn it_works_only_in_a_chat_that_answers() {
        let text = World::new().say_at_the_door("!clear").await;
        assert!(text.starts_with("`!clear` works inside a chat."), "{text}");
        let world = World::new().with_chat(&chat(1).archived());
        assert!(
            world
                .say("!clear")
                .await
                .starts_with("This chat is archived")
        );
        assert_eq!(world.row(1).generation, 0);
    }

    #[tokio::test]
    async fn it_takes_no_words() {
        let world = World::new();
        let text = world.say("!clear everything").await;
        assert_eq!(
            text,
            "Please write `!clear`: let the agent forget this chat and start anew."
        );
        assert_eq!(world.row(1), chat(1));
        let text = World::new().speaking(Locale::Ru).say("!clear всё").await;
        assert!(text.starts_with("Напишите, пожалуйста, `!clear`"), "{text}");
    }
}
