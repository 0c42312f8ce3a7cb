//! `!settings [key value]`: the user's settings.

use super::{Call, CommandName, Wrong, agent::unknown};
use crate::{
    core::{
        chat::{Locale, Owner},
        error::CoreError,
    },
    text::{Done, Guide},
};

/// `!settings`, or one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settings {
    /// All of them.
    Show,
    /// `language en|ru`: of the bot's own texts.
    Language(Locale),
    /// `streaming on|off`: whether answers grow while they are written.
    Streaming(bool),
    /// `agent ID`: for new chats.
    Agent(String),
}

impl Settings {
    pub(super) fn parse(words: &str) -> Result<Self, Wrong> {
        if words.is_empty() {
            return Ok(Self::Show);
        }
        let (key, value) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
        let value = value.trim();
        let parsed = match key.to_lowercase().as_str() {
            "language" => Locale::from_code(&value.to_lowercase()).map(Self::Language),
            "streaming" => match value.to_lowercase().as_str() {
                "on" => Some(Self::Streaming(true)),
                "off" => Some(Self::Streaming(false)),
                _ => None,
            },
            "agent" => (!value.is_empty()).then(|| Self::Agent(value.to_owned())),
            _ => None,
        };
        parsed.ok_or(Wrong::Usage(CommandName::Settings))
    }

    pub(super) async fn run(self, call: &Call<'_>) -> Result<String, CoreError> {
        let Some(owner) = call.owner else {
            return Ok(Guide::NoChatsYet.text(call.locale));
        };
        match self {
            Self::Show => Ok(show(call, owner)),
            Self::Language(locale) => {
                call.manager
                    .change_owner(owner, |owner| owner.locale = Some(locale))
                    .await?;
                Ok(Done::LanguageSet.text(locale))
            }
            Self::Streaming(on) => {
                call.manager
                    .change_owner(owner, |owner| owner.streaming = Some(on))
                    .await?;
                Ok(Done::StreamingSet(on).text(call.locale))
            }
            Self::Agent(wanted) => {
                let Some(agent) = call.agents().wanted(call.user(), &wanted) else {
                    return Ok(unknown(call, &wanted));
                };
                call.manager
                    .change_owner(owner, |owner| owner.default_agent = Some(agent.id.clone()))
                    .await?;
                Ok(Done::DefaultAgentSet(&agent.name).text(call.locale))
            }
        }
    }
}

fn show(call: &Call<'_>, owner: &Owner) -> String {
    let agent = call
        .agents()
        .for_new_chat(call.user(), owner.default_agent.as_ref());
    Guide::Settings {
        language: call.locale,
        streaming: owner.streams(),
        agent: agent.as_ref().map(|agent| agent.name.as_str()),
    }
    .text(call.locale)
}

#[cfg(test)]
mod tests {
    use crate::core::{
        chat::{Locale, Owner},
        ids::AgentId,
        testing::{Fault, World, chat, owner},
    };

    const USAGE: &str = "`!settings [language en|ru] [streaming on|off] [agent ID]`";

    #[tokio::test]
    async fn alone_it_shows_them_all() {
        let lines = [
            &format!("Your settings; {USAGE} changes one:"),
            "",
            "- language: English (`en`)",
            "- streaming: on",
            "- agent for new chats: Assistant",
        ];
        assert_eq!(World::new().say("!settings").await, lines.join("\n"));
        let russian = World::new().speaking(Locale::Ru).say("!settings").await;
        assert!(russian.contains("- язык: русский (`ru`)"), "{russian}");
    }

    #[tokio::test]
    async fn the_server_learns_of_a_change_before_the_row() {
        let world = World::new();
        world.say("!settings streaming off").await;
        assert_eq!(world.changes(), ["server owner marker", "row owner"]);
        assert!(world.agrees());
    }

    #[tokio::test]
    async fn another_language_is_spoken_at_once() {
        let world = World::new();
        let text = world.say("!settings Language RU").await;
        assert_eq!(text, "Теперь я говорю с вами по-русски.");
        assert_eq!(
            world.owner_row(),
            Owner {
                locale: Some(Locale::Ru),
                ..owner()
            }
        );
        let text = world.say("!settings language en").await;
        assert_eq!(text, "I speak English with you from now on.");
    }

    #[tokio::test]
    async fn answers_come_in_one_piece_while_streaming_is_off() {
        let world = World::new();
        let text = world.say("!settings streaming off").await;
        assert_eq!(
            text,
            "Answers now come in one piece when they are finished."
        );
        world.say("hello").await;
        assert!(world.drafts.0.lock().unwrap().is_empty());
        let text = world.say("!settings streaming ON").await;
        assert_eq!(text, "Answers now grow while they are written.");
        world.say("hello").await;
        assert!(!world.drafts.0.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn the_agent_of_new_chats_is_one_the_user_may_use() {
        let world = World::new();
        let text = world.say("!settings agent gpt").await;
        assert_eq!(
            text,
            "Model answers in your new chats. Those you have keep their agents."
        );
        assert_eq!(world.owner_row().default_agent, Some(AgentId::new("gpt")));
        assert_eq!(world.row(1), chat(1));
        assert!(
            world
                .say("!settings")
                .await
                .contains("agent for new chats: Model")
        );
        let text = world.say("!settings agent secret").await;
        assert_eq!(
            text,
            "You cannot use an agent secret. `!agent` lists yours."
        );
    }

    #[tokio::test]
    async fn one_setting_changed_leaves_the_others() {
        let world = World::new();
        for text in [
            "!settings agent gpt",
            "!settings streaming off",
            "!settings language ru",
        ] {
            world.say(text).await;
        }
        let expected = Owner {
            locale: Some(Locale::Ru),
            default_agent: Some(AgentId::new("gpt")),
            streaming: Some(false),
            ..owner()
        };
        assert_eq!(world.owner_row(), expected);
        assert!(world.agrees());
    }

    #[tokio::test]
    async fn a_change_that_is_refused_changes_no_row() {
        let world = World::new();
        world.fail("server owner marker", Fault::Refused);
        let text = world.say("!settings language ru").await;
        assert!(
            text.starts_with("The homeserver did not allow that."),
            "{text}"
        );
        assert_eq!(world.owner_row(), owner());
    }

    #[tokio::test]
    async fn they_belong_to_a_space() {
        let text = World::new().empty().say_at_the_door("!settings").await;
        assert!(text.starts_with("You have no chats yet."), "{text}");
        let text = World::new().say_at_the_door("!settings language ru").await;
        assert_eq!(text, "Теперь я говорю с вами по-русски.");
    }

    #[tokio::test]
    async fn unknown_keys_and_values_are_answered_with_what_there_is() {
        for (locale, begin) in [
            (Locale::En, "Please write"),
            (Locale::Ru, "Напишите, пожалуйста,"),
        ] {
            let world = World::new().speaking(locale);
            for words in [
                "colour blue",
                "language",
                "language de",
                "streaming 1",
                "agent",
            ] {
                let text = world.say(&format!("!settings {words}")).await;
                assert!(text.starts_with(&format!("{begin} {USAGE}")), "{text}");
            }
            assert_eq!(world.changes(), Vec::<String>::new());
        }
    }
}
