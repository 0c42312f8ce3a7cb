//! `!files`: the files that wait for the next message.

use super::{Call, CommandName, Wrong, parse::nothing};
use crate::{
    core::{error::CoreError, folder::chat_folder},
    text::{FileNote, Trouble},
};

/// `!files`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Files;

impl Files {
    pub(super) fn parse(words: &str) -> Result<Self, Wrong> {
        nothing(words, CommandName::Files).map(|()| Self)
    }

    pub(super) async fn run(self, call: &Call<'_>) -> Result<String, CoreError> {
        let Some(chat) = call.chat() else {
            return Ok(call.trouble(&Trouble::OnlyInAChat(CommandName::Files)));
        };
        let folder = chat_folder(&chat.owner, &chat.room);
        let staged = call.files.staged(&folder).await?;
        Ok(FileNote::Waiting(&staged).text(call.locale))
    }
}

#[cfg(test)]
mod tests {
    use crate::core::{
        chat::Locale,
        testing::{World, chat},
    };

    #[tokio::test]
    async fn it_lists_what_waits_with_number_name_and_size() {
        let world = World::new();
        assert_eq!(world.say("!files").await, "No files wait here.");
        world.sends_file("$1", "my *notes*.txt", "", "hello").await;
        world
            .sends_file("$2", "plot.png", "", &"x".repeat(2048))
            .await;
        assert_eq!(
            world.say("!files").await,
            "These go with your next message; `!drop [n]` removes one or all of them:\n\n\
            1. my \\*notes\\*.txt (5 bytes)\n2. plot.png (2.0 KiB)"
        );
        let russian = world.speaking(Locale::Ru).say("!files").await;
        assert!(russian.ends_with("2. plot.png (2.0 КиБ)"), "{russian}");
    }

    #[tokio::test]
    async fn another_chat_has_files_of_its_own() {
        let world = World::new();
        world.sends_file("$1", "a", "", "x").await;
        assert_eq!(world.say_in(2, "!files").await, "No files wait here.");
    }

    #[tokio::test]
    async fn it_works_in_an_archived_chat_and_not_in_the_entry_room() {
        let world = World::new().with_chat(&chat(1).archived());
        assert_eq!(world.say("!files").await, "No files wait here.");
        let text = world.say_at_the_door("!files").await;
        assert!(text.starts_with("`!files` works inside a chat."), "{text}");
    }
}
