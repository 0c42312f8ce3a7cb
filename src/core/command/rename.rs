//! `!rename NAME`: another name for this chat and its room.

use super::{Call, CommandName, Wrong, parse::chat_name};
use crate::{
    core::error::CoreError,
    text::{Done, Trouble},
};

/// `!rename`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The new name.
    pub name: String,
}

impl Rename {
    pub(super) fn parse(words: &str) -> Result<Self, Wrong> {
        chat_name(words, CommandName::Rename).map(|name| Self { name })
    }

    pub(super) async fn run(self, call: &Call<'_>) -> Result<String, CoreError> {
        let Some(chat) = call.chat() else {
            return Ok(call.trouble(&Trouble::OnlyInAChat(CommandName::Rename)));
        };
        let chat = call.manager.rename(chat, &self.name).await?;
        let (id, name) = (chat.id, &chat.name);
        Ok(Done::Renamed { id, name }.text(call.locale))
    }
}

#[cfg(test)]
mod tests {
    use crate::core::{
        chat::Locale,
        testing::{Fault, World, chat},
    };

    #[tokio::test]
    async fn the_room_is_named_first_and_the_row_second() {
        let world = World::new();
        let text = world.say("!rename  Trip to\n*Rome*").await;
        assert_eq!(text, "This chat is now called C1 · Trip to \\*Rome\\*.");
        assert_eq!(world.changes(), ["server name C1", "row C1"]);
        assert_eq!(world.row(1).name, "Trip to *Rome*");
        assert!(world.agrees());
        let russian = World::new().speaking(Locale::Ru).say("!rename Рим").await;
        assert_eq!(russian, "Теперь этот чат называется C1 · Рим.");
    }

    #[tokio::test]
    async fn a_refused_name_changes_no_row() {
        let world = World::new();
        world.fail("server name", Fault::Refused);
        let text = world.say("!rename Trip").await;
        assert!(
            text.starts_with("The homeserver did not allow that."),
            "{text}"
        );
        assert_eq!(world.row(1), chat(1));
    }

    #[tokio::test]
    async fn it_needs_a_name_that_shows_something_and_is_not_too_long() {
        let world = World::new();
        for text in ["!rename", "!rename  \n ", "!rename \u{0}\u{200b}"] {
            let answer = world.say(text).await;
            assert_eq!(
                answer,
                "Please write `!rename NAME`: give this chat another name."
            );
        }
        let answer = world.say(&format!("!rename {}", "x".repeat(101))).await;
        assert!(answer.starts_with("That name is too long."), "{answer}");
        assert_eq!(world.changes(), Vec::<String>::new());
        let russian = World::new().speaking(Locale::Ru).say("!rename").await;
        let usage = "Напишите, пожалуйста, `!rename НАЗВАНИЕ`: дать этому чату другое название.";
        assert_eq!(russian, usage);
    }

    #[tokio::test]
    async fn it_works_only_in_a_chat_that_answers() {
        let text = World::new().say_at_the_door("!rename Trip").await;
        assert!(
            text.starts_with("`!rename NAME` works inside a chat."),
            "{text}"
        );
        let world = World::new().with_chat(&chat(1).archived());
        let text = world.say("!rename Trip").await;
        assert!(text.starts_with("This chat is archived"), "{text}");
        assert_eq!(world.changes(), Vec::<String>::new());
    }
}
