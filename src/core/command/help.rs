//! `!help [command]`: what there is.

use super::{Call, CommandName, Wrong};
use crate::text::Guide;

/// `!help`, or `!help new` for one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Help {
    /// The one command that is asked about.
    pub about: Option<CommandName>,
}

impl Help {
    pub(super) fn parse(words: &str) -> Result<Self, Wrong> {
        if words.is_empty() {
            return Ok(Self { about: None });
        }
        let word = words.strip_prefix('!').unwrap_or(words);
        CommandName::from_word(word)
            .map(|name| Self { about: Some(name) })
            .ok_or(Wrong::Usage(CommandName::Help))
    }

    pub(super) fn run(self, call: &Call<'_>) -> String {
        match self.about {
            None => Guide::Help.text(call.locale),
            Some(name) => Guide::HelpOn(name).text(call.locale),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::core::{chat::Locale, testing::World};

    #[tokio::test]
    async fn it_lists_the_commands_in_the_users_language() {
        let english = World::new().say("!help").await;
        assert!(
            english.contains("`!new [name]` — open a new chat"),
            "{english}"
        );
        let russian = World::new().speaking(Locale::Ru).say("!help").await;
        assert!(
            russian.contains("`!new [название]` — открыть новый чат"),
            "{russian}"
        );
    }

    #[tokio::test]
    async fn it_explains_one_command() {
        let text = World::new().say("!help CLEAR").await;
        assert!(
            text.starts_with("`!clear` — let the agent forget"),
            "{text}"
        );
        let text = World::new().speaking(Locale::Ru).say("!help !clear").await;
        assert!(
            text.starts_with("`!clear` — попросить агента забыть"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn asked_about_what_is_no_command_it_says_how_to_ask() {
        let text = World::new().say("!help everything").await;
        assert_eq!(text, "Please write `!help [command]`: what there is.");
        let text = World::new().speaking(Locale::Ru).say("!help всё").await;
        assert_eq!(
            text,
            "Напишите, пожалуйста, `!help [команда]`: что здесь есть."
        );
    }

    #[tokio::test]
    async fn it_answers_in_the_entry_room_before_there_is_a_space() {
        let text = World::new().empty().say_at_the_door("!help").await;
        assert!(text.contains("`!start`"), "{text}");
    }
}
