//! `!new [name]`: a new room and chat.

use super::{Call, CommandName, Wrong, parse::chat_name};
use crate::{core::error::CoreError, text::Done};

/// `!new`, with a name of its own or the next `Chat N`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct New {
    /// What the chat is to be called.
    pub name: Option<String>,
}

impl New {
    pub(super) fn parse(words: &str) -> Result<Self, Wrong> {
        if words.is_empty() {
            return Ok(Self { name: None });
        }
        chat_name(words, CommandName::New).map(|name| Self { name: Some(name) })
    }

    pub(super) async fn run(self, call: &Call<'_>) -> Result<String, CoreError> {
        let onboarded;
        let owner = if let Some(owner) = call.owner {
            owner
        } else {
            onboarded = call.manager.onboard(call.user()).await?.owner;
            &onboarded
        };
        let cause = &call.incoming.event;
        let chat = call
            .manager
            .create(owner, cause, self.name.as_deref())
            .await?;
        Ok(Done::Created(&call.link(&chat)).text(call.locale))
    }
}

#[cfg(test)]
mod tests {
    use crate::core::{
        chat::Locale,
        testing::{World, chat},
    };

    #[tokio::test]
    async fn it_makes_a_chat_and_answers_with_a_link() {
        let world = World::new();
        let text = world.say("!new").await;
        let link = "[C3 · Chat 3](https://matrix.to/#/!c3?via=hs)";
        assert_eq!(
            text,
            format!("Your new chat is ready: {link}. You are invited to it.")
        );
        let russian = World::new().speaking(Locale::Ru).say("!new Поездка").await;
        assert!(
            russian.starts_with("Новый чат готов: [C3 · Поездка]("),
            "{russian}"
        );
    }

    #[tokio::test]
    async fn the_name_is_cleaned_and_shown_as_it_is() {
        let world = World::new();
        let text = world.say("!new  *Trip*\n to\u{0}Rome ").await;
        assert!(text.contains("[C3 · \\*Trip\\* to Rome]("), "{text}");
        assert_eq!(world.row(3).name, "*Trip* to Rome");
    }

    #[tokio::test]
    async fn the_same_message_makes_one_chat_however_often_it_is_handled() {
        let world = World::new();
        let first = world.say("!new Trip").await;
        assert_eq!(world.say("!new Trip").await, first);
        let chats = world.say("!chats").await;
        assert!(!chats.contains("C4"), "{chats}");
    }

    #[tokio::test]
    async fn from_the_entry_room_it_makes_the_space_first() {
        let world = World::new().empty();
        let text = world.say_at_the_door("!new Trip").await;
        assert!(text.contains("[C2 · Trip]"), "{text}");
        assert_eq!(world.changes(), ["server onboard", "server create"]);
    }

    #[tokio::test]
    async fn it_works_in_an_archived_chat() {
        let world = World::new().with_chat(&chat(1).archived());
        assert!(world.say("!new").await.contains("[C3 · Chat 3]"));
    }

    #[tokio::test]
    async fn a_name_that_is_too_long_or_shows_nothing_is_refused() {
        let world = World::new();
        let text = world.say(&format!("!new {}", "x".repeat(101))).await;
        assert_eq!(
            text,
            "That name is too long. Please choose one of at most 100 characters."
        );
        let text = world.say("!new \u{200b}").await;
        assert_eq!(text, "Please write `!new [name]`: open a new chat.");
        assert_eq!(world.changes(), Vec::<String>::new());
        let russian = World::new().speaking(Locale::Ru);
        let text = russian.say(&format!("!new {}", "я".repeat(101))).await;
        assert!(text.starts_with("Это название слишком длинное."), "{text}");
        let text = russian.say("!new \u{200b}").await;
        assert_eq!(
            text,
            "Напишите, пожалуйста, `!new [название]`: открыть новый чат."
        );
    }
}
