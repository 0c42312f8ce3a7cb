//! `!save [name]`: keeps this chat's context under a name.

use super::{Call, CommandName, Wrong, load::hindered, parse::chat_name};
use crate::{
    core::error::CoreError,
    text::{Done, Trouble},
};

/// `!save`, which finds a name, or `!save Trip`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Save {
    /// What it is to be called.
    pub name: Option<String>,
}

impl Save {
    pub(super) fn parse(words: &str) -> Result<Self, Wrong> {
        let name = match words {
            "" => None,
            words => Some(chat_name(words, CommandName::Save)?),
        };
        Ok(Self { name })
    }

    pub(super) async fn run(self, call: &Call<'_>) -> Result<String, CoreError> {
        let (Some(chat), Some(owner)) = (call.chat(), call.owner) else {
            return Ok(call.trouble(&Trouble::OnlyInAChat(CommandName::Save)));
        };
        let (cause, name) = (&call.incoming.event, self.name.as_deref());
        Ok(match call.manager.keep(owner, chat, cause, name).await? {
            Ok(save) => Done::Saved(&save.name).text(call.locale),
            Err(hindrance) => hindered(call, &hindrance),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        core::{
            chat::Locale,
            testing::{Fault, World, alice, chat},
        },
        platform::{Advice, mock::Script},
    };

    #[tokio::test]
    async fn the_context_is_kept_by_the_agent_first_and_on_the_server_second() {
        let world = World::new();
        let text = world.say_as("$save", "!save Trip to  Rome").await;
        assert_eq!(
            text,
            "Kept as Trip to Rome. `!load` with this name continues from here, in any of your chats."
        );
        assert_eq!(world.changes(), ["agent save", "server save Trip to Rome"]);
        let saves = world.fakes.saves.lock().unwrap().clone();
        assert_eq!(saves[0].owner, alice());
        assert_eq!(saves[0].until.as_str(), "$save");
        assert_ne!(saves[0].kept, chat(1).context);
        let again = world.say_as("$save", "!save Trip to Rome").await;
        assert_eq!(
            again, text,
            "carried out again after a crash, it is the same"
        );
        assert_eq!(world.fakes.saves.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn without_a_name_it_is_called_like_the_chat() {
        let world = World::new().speaking(Locale::Ru);
        let text = world.say_as("$one", "!save").await;
        assert!(text.starts_with("Сохранено под именем Chat 1."), "{text}");
        let text = world.say_as("$two", "!save").await;
        assert!(text.contains("Chat 1 (2)"), "{text}");
    }

    #[tokio::test]
    async fn a_name_that_is_taken_stays_what_it_is() {
        let world = World::new();
        world.say_as("$one", "!save Trip").await;
        let text = world.say_as("$two", "!save TRIP").await;
        assert_eq!(
            text,
            "You have kept something as Trip already. Please choose another name."
        );
        assert_eq!(world.fakes.saves.lock().unwrap()[0].until.as_str(), "$one");
    }

    #[tokio::test]
    async fn there_is_an_end_to_what_is_kept() {
        let world = World::new();
        for number in 0..50 {
            world.say_as(&format!("$s{number}"), "!save").await;
        }
        let text = world.say_as("$more", "!save").await;
        assert_eq!(
            text,
            "You have kept 50 contexts already, and that is all I can keep for you."
        );
        assert_eq!(world.fakes.saves.lock().unwrap().len(), 50);
    }

    #[tokio::test]
    async fn an_agent_that_fails_keeps_nothing() {
        let world = World::with_agent(Script::Fail(Advice::TryAgain));
        world.fail("agent save", Fault::Refused);
        let text = world.say("!save Trip").await;
        assert!(text.starts_with("The agent could not"), "{text}");
        assert!(world.fakes.saves.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn it_works_in_a_chat_that_answers_and_nowhere_else() {
        let world = World::new().with_chat(&chat(1).archived());
        assert!(
            world
                .say("!save")
                .await
                .starts_with("This chat is archived")
        );
        let text = world.say_at_the_door("!save x").await;
        assert!(
            text.starts_with("`!save [name]` works inside a chat."),
            "{text}"
        );
    }
}
