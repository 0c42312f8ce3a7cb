//! `!archive [Cn]`: a chat out of the Space.

use super::{Call, CommandName, Wrong};
use crate::{
    core::{error::CoreError, ids::ChatId},
    text::{Done, Trouble},
};

/// `!archive`, of this chat or of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Archive {
    /// The other one.
    pub chat: Option<ChatId>,
}

impl Archive {
    pub(super) fn parse(words: &str) -> Result<Self, Wrong> {
        if words.is_empty() {
            return Ok(Self { chat: None });
        }
        let chat = words
            .parse()
            .map_err(|_| Wrong::Usage(CommandName::Archive))?;
        Ok(Self { chat: Some(chat) })
    }

    pub(super) async fn run(self, call: &Call<'_>) -> Result<String, CoreError> {
        let chat = match self.chat {
            Some(id) => match call.numbered(id).await? {
                Some(chat) => chat,
                None => return Ok(call.trouble(&Trouble::NoSuchChat(id))),
            },
            None => match call.chat() {
                Some(chat) => chat.clone(),
                None => return Ok(call.trouble(&Trouble::Usage(CommandName::Archive))),
            },
        };
        let chat = call.manager.archive(&chat).await?;
        let (id, name) = (chat.id, &chat.name);
        Ok(Done::Archived { id, name }.text(call.locale))
    }
}

#[cfg(test)]
mod tests {
    use crate::core::{
        chat::{Chat, ChatStatus, Locale},
        testing::{Fault, World, chat},
    };

    #[tokio::test]
    async fn this_chat_leaves_the_space_before_its_row_says_so() {
        let world = World::new();
        let text = world.say("!archive").await;
        let expected = "C1 · Chat 1 is archived: it is out of your Space and does not answer. \
            `!unarchive C1` brings it back.";
        assert_eq!(text, expected);
        assert_eq!(
            world.changes(),
            ["server marker C1", "server linked C1 false", "row C1"]
        );
        assert_eq!(world.row(1), chat(1).archived());
        assert!(world.agrees());
    }

    #[tokio::test]
    async fn another_chat_is_archived_by_its_number() {
        for text in ["!archive C2", "!archive c2", "!archive С2"] {
            let world = World::new().speaking(Locale::Ru);
            let answer = world.say(text).await;
            assert!(answer.starts_with("C2 · Chat 2 в архиве"), "{answer}");
            assert_eq!(world.row(2).status, ChatStatus::Archived);
            assert_eq!(world.row(1), chat(1));
        }
    }

    #[tokio::test]
    async fn it_is_carried_out_to_the_end_where_the_marker_was_written_before_a_crash() {
        let world = World::new();
        world.fail("server linked", Fault::Refused);
        world.say("!archive").await;
        // What a restart makes of the rows.
        let world = world.with_chat(&chat(1).archived());
        let text = world.say("!archive").await;
        assert!(text.starts_with("C1 · Chat 1 is archived"), "{text}");
        assert!(
            world
                .changes()
                .contains(&"server linked C1 false".to_owned())
        );
    }

    #[tokio::test]
    async fn a_chat_that_is_not_there_is_not_archived() {
        let world = World::new().with_chat(&Chat {
            status: ChatStatus::Gone,
            ..chat(2)
        });
        for id in ["C2", "C9"] {
            let text = world.say(&format!("!archive {id}")).await;
            assert_eq!(
                text,
                format!("You have no chat {id}. `!chats` shows those you have.")
            );
        }
        assert_eq!(world.changes(), Vec::<String>::new());
        let text = World::new().speaking(Locale::Ru).say("!archive C9").await;
        assert!(text.starts_with("Чата C9 у вас нет."), "{text}");
    }

    #[tokio::test]
    async fn in_the_entry_room_it_needs_a_number() {
        let world = World::new();
        let text = world.say_at_the_door("!archive").await;
        assert!(text.starts_with("Please write `!archive [Cn]`"), "{text}");
        let text = world.say_at_the_door("!archive C2").await;
        assert!(text.starts_with("C2 · Chat 2 is archived"), "{text}");
    }

    #[tokio::test]
    async fn words_that_are_no_number_of_a_chat_are_refused() {
        for (locale, begin) in [
            (Locale::En, "Please write"),
            (Locale::Ru, "Напишите, пожалуйста,"),
        ] {
            let world = World::new().speaking(locale);
            for text in [
                "!archive 1",
                "!archive Trip",
                "!archive C1 C2",
                "!archive C0",
            ] {
                let answer = world.say(text).await;
                assert!(
                    answer.starts_with(&format!("{begin} `!archive [Cn]`")),
                    "{answer}"
                );
            }
            assert_eq!(world.changes(), Vec::<String>::new());
        }
    }
}
