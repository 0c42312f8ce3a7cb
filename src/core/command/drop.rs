//! `!drop [n]`: without a file that waits, or without all of them.

use super::{Call, CommandName, Wrong};
use crate::{
    core::{error::CoreError, files::Dropped, folder::chat_folder},
    text::{FileNote, Trouble},
};

/// `!drop`, of one file or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drop {
    /// Which one, counted from 1.
    pub number: Option<usize>,
}

impl Drop {
    pub(super) fn parse(words: &str) -> Result<Self, Wrong> {
        if words.is_empty() {
            return Ok(Self { number: None });
        }
        let number = words.parse().map_err(|_| Wrong::Usage(CommandName::Drop))?;
        Ok(Self {
            number: Some(number),
        })
    }

    pub(super) async fn run(self, call: &Call<'_>) -> Result<String, CoreError> {
        let Some(chat) = call.chat() else {
            return Ok(call.trouble(&Trouble::OnlyInAChat(CommandName::Drop)));
        };
        let folder = chat_folder(&chat.owner, &chat.room);
        let command = &call.incoming.event;
        let note = match call
            .files
            .drop_staged(&folder, command, self.number)
            .await?
        {
            Dropped::Files(files) => FileNote::Dropped(&files).text(call.locale),
            Dropped::NoSuchNumber(waiting) => FileNote::NoSuchNumber(waiting).text(call.locale),
        };
        Ok(note)
    }
}

#[cfg(test)]
mod tests {
    use crate::core::{
        dispatch::Place,
        testing::{World, alice, chat},
    };

    async fn with_three_files() -> World {
        let world = World::new();
        for (event, name) in [("$1", "a"), ("$2", "b"), ("$3", "c")] {
            world.sends_file(event, name, "", "x").await;
        }
        world
    }

    async fn command(world: &World, event: &str, text: &str) -> String {
        let place = Place::Chat(chat(1));
        let replies = world.dispatch(place, alice(), event, text).await.unwrap();
        replies[0].markdown.clone()
    }

    #[tokio::test]
    async fn one_is_dropped_by_its_number_however_often_the_command_is_carried_out() {
        let world = with_three_files().await;
        for _ in 0..2 {
            assert_eq!(command(&world, "$drop", "!drop 2").await, "Dropped: b.");
        }
        assert_eq!(command(&world, "$drop2", "!drop 2").await, "Dropped: c.");
        let files = world.say("!files").await;
        assert!(files.ends_with("\n\n1. a (1 byte)"), "{files}");
    }

    #[tokio::test]
    async fn all_are_dropped_where_no_number_is_said() {
        let world = with_three_files().await;
        for _ in 0..2 {
            assert_eq!(command(&world, "$drop", "!drop").await, "Dropped: a, b, c.");
        }
        assert_eq!(
            command(&world, "$drop2", "!drop").await,
            "No files wait here."
        );
    }

    #[tokio::test]
    async fn a_number_that_is_none_is_told_and_drops_nothing() {
        let world = with_three_files().await;
        for wrong in ["!drop 0", "!drop 4"] {
            let text = command(&world, "$drop", wrong).await;
            assert_eq!(
                text,
                "There is no such file: 3 wait here. `!files` shows them."
            );
        }
        for usage in [
            "!drop all",
            "!drop -1",
            "!drop 1 2",
            "!drop 99999999999999999999999",
        ] {
            let text = command(&world, "$drop", usage).await;
            assert!(text.starts_with("Please write `!drop [n]`"), "{text}");
        }
        let text = world.say_at_the_door("!drop").await;
        assert!(
            text.starts_with("`!drop [n]` works inside a chat."),
            "{text}"
        );
    }
}
