//! `!unarchive Cn`: a chat back into the Space.

use super::{Call, CommandName, Wrong};
use crate::{
    core::{chat::ChatStatus, error::CoreError, ids::ChatId},
    text::{Done, Trouble},
};

/// `!unarchive`. The number may be left out in the archived chat's own room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unarchive {
    /// Which chat.
    pub chat: Option<ChatId>,
}

impl Unarchive {
    pub(super) fn parse(words: &str) -> Result<Self, Wrong> {
        if words.is_empty() {
            return Ok(Self { chat: None });
        }
        let chat = words
            .parse()
            .map_err(|_| Wrong::Usage(CommandName::Unarchive))?;
        Ok(Self { chat: Some(chat) })
    }

    pub(super) async fn run(self, call: &Call<'_>) -> Result<String, CoreError> {
        let chat = match self.chat {
            Some(id) => match call.numbered(id).await? {
                Some(chat) => chat,
                None => return Ok(call.trouble(&Trouble::NoSuchChat(id))),
            },
            None => match call.chat() {
                Some(chat) if chat.status == ChatStatus::Archived => chat.clone(),
                _ => return Ok(call.trouble(&Trouble::Usage(CommandName::Unarchive))),
            },
        };
        let chat = call.manager.unarchive(&chat).await?;
        Ok(Done::Unarchived(&call.link(&chat)).text(call.locale))
    }
}

#[cfg(test)]
mod tests {
    use crate::core::{
        chat::Locale,
        testing::{World, chat},
    };

    #[tokio::test]
    async fn the_chat_is_back_in_the_space_before_its_row_says_so() {
        let world = World::new().with_chat(&chat(2).archived());
        let text = world.say("!unarchive C2").await;
        let link = "[C2 · Chat 2](https://matrix.to/#/!c2?via=hs)";
        assert_eq!(
            text,
            format!("{link} is back in your Space and answers again.")
        );
        assert_eq!(
            world.changes(),
            ["server marker C2", "server linked C2 true", "row C2"]
        );
        assert_eq!(world.row(2), chat(2));
        assert!(world.agrees());
    }

    #[tokio::test]
    async fn it_works_in_the_archived_chat_itself_with_or_without_its_number() {
        for text in ["!unarchive C1", "!unarchive"] {
            let world = World::new()
                .with_chat(&chat(1).archived())
                .speaking(Locale::Ru);
            let answer = world.say(text).await;
            assert!(
                answer.ends_with("снова в вашем пространстве и отвечает."),
                "{answer}"
            );
            assert_eq!(world.row(1), chat(1));
        }
    }

    #[tokio::test]
    async fn a_chat_that_answers_already_is_left_as_it_is() {
        let world = World::new();
        let text = world.say("!unarchive C2").await;
        assert!(text.contains("answers again"), "{text}");
        assert_eq!(world.row(2), chat(2));
    }

    #[tokio::test]
    async fn it_works_in_the_entry_room() {
        let world = World::new().with_chat(&chat(2).archived());
        world.say_at_the_door("!unarchive C2").await;
        assert_eq!(world.row(2), chat(2));
    }

    #[tokio::test]
    async fn a_chat_that_is_not_there_is_not_brought_back() {
        let text = World::new().say("!unarchive C9").await;
        assert_eq!(text, "You have no chat C9. `!chats` shows those you have.");
    }

    #[tokio::test]
    async fn it_needs_the_number_of_a_chat() {
        let usage = "Please write `!unarchive Cn`: bring the archived chat with that number back.";
        for text in ["!unarchive", "!unarchive 1", "!unarchive all of them"] {
            assert_eq!(World::new().say(text).await, usage);
        }
        assert_eq!(World::new().say_at_the_door("!unarchive").await, usage);
        let text = World::new().speaking(Locale::Ru).say("!unarchive").await;
        assert!(
            text.starts_with("Напишите, пожалуйста, `!unarchive Cn`"),
            "{text}"
        );
    }
}
