//! `!load [name]`: the kept contexts, or this chat continued from one.

use super::{Call, CommandName, Wrong, parse::chat_name};
use crate::{
    core::{chat::manager::Hindrance, error::CoreError},
    text::{Done, Failure, Guide, SaveEntry, Trouble},
};

/// `!load`, which lists, or `!load Trip`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// What is to be continued.
    pub name: Option<String>,
}

impl Load {
    pub(super) fn parse(words: &str) -> Result<Self, Wrong> {
        let name = match words {
            "" => None,
            words => Some(chat_name(words, CommandName::Load)?),
        };
        Ok(Self { name })
    }

    pub(super) async fn run(self, call: &Call<'_>) -> Result<String, CoreError> {
        let Some(owner) = call.owner else {
            return Ok(Guide::NoChatsYet.text(call.locale));
        };
        let Some(name) = self.name else {
            let saves = call.manager.saves(owner).await?;
            let entries: Vec<SaveEntry> = saves
                .into_iter()
                .map(|save| SaveEntry {
                    agent: call.agents().name_of(&save.agent),
                    name: save.name,
                    chat: save.chat,
                })
                .collect();
            return Ok(Guide::Saves(&entries).text(call.locale));
        };
        let Some(chat) = call.chat() else {
            return Ok(call.trouble(&Trouble::OnlyInAChat(CommandName::Load)));
        };
        let (cause, before) = (&call.incoming.event, &chat.agent);
        let loaded = call.manager.go_on_from(owner, chat, cause, &name).await?;
        Ok(match loaded {
            Ok((save, chat)) => {
                let agent = call.agents().name_of(&chat.agent);
                Done::Loaded {
                    name: &save.name,
                    agent: (chat.agent != *before).then_some(&*agent),
                }
                .text(call.locale)
            }
            Err(hindrance) => hindered(call, &hindrance),
        })
    }
}

/// Says what is in the way.
pub(super) fn hindered(call: &Call<'_>, hindrance: &Hindrance) -> String {
    match hindrance {
        Hindrance::NameTaken(name) => call.trouble(&Trouble::SaveTaken(name)),
        Hindrance::TooMany => call.trouble(&Trouble::TooManySaves),
        Hindrance::NoSuch(name) => call.trouble(&Trouble::NoSuchSave(name)),
        Hindrance::NoAgent(agent) => call.trouble(&Trouble::AgentNotAvailable(agent)),
        Hindrance::CannotKeep(agent) => call.trouble(&Trouble::CannotKeep(agent)),
        Hindrance::Agent(advice) => Failure::Agent(*advice).text(call.locale),
    }
}

#[cfg(test)]
mod tests {
    use crate::core::{
        chat::{Chat, Locale},
        ids::{AgentId, EventKey, PlatformChatId},
        testing::{Fault, World, chat},
    };

    #[tokio::test]
    async fn a_chat_goes_on_from_what_was_kept_in_another_one() {
        let world = World::new();
        world.say("hello").await;
        world.say("hello").await;
        world.say_as("$save", "!save Trip").await;
        let text = world.say_in(2, "!load trip").await;
        assert_eq!(text, "This chat goes on from what was kept as Trip.");
        let context = PlatformChatId::from_command(&EventKey::new("$event"));
        let expected = Chat {
            context,
            generation: 1,
            ..chat(2)
        };
        assert_eq!(world.row(2), expected);
        assert_eq!(world.row(1), chat(1), "no other room notices");
        assert!(world.agrees());
        let disconnect = format!("agent disconnect {}", chat(2).context.short());
        assert_eq!(
            world.changes()[4..],
            ["agent load", "server marker C2", "row C2", &disconnect]
        );
        let size = world.say_in(2, "!context").await;
        assert!(size.ends_with("messages 2"), "{size}");
    }

    #[tokio::test]
    async fn carried_out_again_after_a_crash_it_ends_in_the_same_context() {
        let world = World::new();
        world.say_as("$save", "!save Trip").await;
        let text = world.say("!load Trip").await;
        let row = world.row(1);
        assert_eq!(world.say("!load Trip").await, text);
        assert_eq!(world.row(1), row);
    }

    #[tokio::test]
    async fn a_context_of_another_agent_brings_that_agent_with_it() {
        let world = World::new();
        world.say_as("$agent", "!agent gpt").await;
        world.say_as("$save", "!save Trip").await;
        let text = world.say_in(2, "!load Trip").await;
        let expected = "This chat goes on from what was kept as Trip, and Model answers in it.";
        assert_eq!(text, expected);
        assert_eq!(world.row(2).agent, AgentId::new("gpt"));
    }

    #[tokio::test]
    async fn what_cannot_be_continued_leaves_the_chat_as_it_was() {
        let world = World::new();
        world.say_as("$save", "!save Trip").await;
        let text = world.say("!load Paris").await;
        assert_eq!(
            text,
            "You have kept nothing as Paris. `!load` shows what you have kept."
        );
        world.fail("agent load", Fault::Refused);
        let text = world.say("!load Trip").await;
        assert!(text.starts_with("The agent could not"), "{text}");
        world.fakes.saves.lock().unwrap()[0].agent = AgentId::new("secret");
        let text = world.say("!load Trip").await;
        assert!(
            text.starts_with("The agent Secret is not available."),
            "{text}"
        );
        assert_eq!(world.row(1), chat(1));
        assert!(world.agrees());
    }

    #[tokio::test]
    async fn alone_it_lists_what_was_kept() {
        let world = World::new();
        assert_eq!(
            world.say("!load").await,
            "You have kept nothing yet. `!save [name]` keeps what the agent remembers of a chat."
        );
        world.say_as("$one", "!save Trip").await;
        world.say_as("$two", "!save Rome").await;
        let lines = [
            "What you have kept; `!load [name]` goes on from it:",
            "",
            "- Rome — C1, Assistant",
            "- Trip — C1, Assistant",
        ];
        assert_eq!(world.say("!load").await, lines.join("\n"));
        assert_eq!(world.say_at_the_door("!load").await, lines.join("\n"));
        let text = world.say_at_the_door("!load Trip").await;
        assert!(
            text.starts_with("`!load [name]` works inside a chat."),
            "{text}"
        );
        let russian = world.speaking(Locale::Ru).say("!load").await;
        assert!(russian.starts_with("Что вы сохранили"), "{russian}");
    }
}
