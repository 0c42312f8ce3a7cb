//! A file that comes in: its content is fetched and kept, and it waits for the next question.

use super::{Chat, Locale};
use crate::{
    core::{
        error::CoreError,
        files::{Arrival, Beginning, FetchError, FilePorts, FilesError},
        folder::chat_folder,
        message::{Attachment, Incoming},
    },
    platform::PromptFile,
    text::FileNote,
};

/// What became of a file; in words.
pub(crate) enum Received {
    /// It waits.
    Staged(String),
    /// It is not here, and why.
    Not(String),
}

/// Takes the file in. The same message may be handled again after a crash: its file is then kept already.
pub(crate) async fn receive(
    ports: &FilePorts,
    chat: &Chat,
    incoming: &Incoming,
    attachment: &Attachment,
    locale: Locale,
) -> Result<Received, CoreError> {
    let name = attachment.name.as_str();
    let why = match fetched(ports, chat, incoming, attachment).await {
        Ok(file) => return Ok(Received::Staged(FileNote::Staged(&file).text(locale))),
        Err(FetchError::ShuttingDown) => return Err(CoreError::ShuttingDown),
        Err(FetchError::Files(FilesError::TooLarge { limit })) => {
            FileNote::TooLarge { name, limit }
        }
        Err(FetchError::Files(FilesError::OverQuota { quota })) => {
            FileNote::OverQuota { name, quota }
        }
        Err(FetchError::Files(error)) => {
            tracing::error!(event.id = %incoming.event, room.id = %chat.room, error = &error as &dyn std::error::Error,
                "a file of {} cannot be kept", chat.id);
            FileNote::NotKept(name)
        }
        Err(FetchError::Gone(error)) => {
            tracing::warn!(event.id = %incoming.event, room.id = %chat.room, error, "a file of {} cannot be fetched",
                chat.id);
            FileNote::NotFetched(name)
        }
    };
    Ok(Received::Not(why.text(locale)))
}

async fn fetched(
    ports: &FilePorts,
    chat: &Chat,
    incoming: &Incoming,
    attachment: &Attachment,
) -> Result<PromptFile, FetchError> {
    match ports
        .files
        .begin(&arrival(chat, incoming, attachment))
        .await?
    {
        Beginning::Kept(file) => Ok(file),
        Beginning::Open(mut deposit) => {
            ports
                .source
                .fetch(&attachment.source, deposit.as_mut())
                .await?;
            Ok(deposit.keep().await?)
        }
    }
}

/// What is known of the file before its content is here.
pub(super) fn arrival(chat: &Chat, incoming: &Incoming, attachment: &Attachment) -> Arrival {
    Arrival {
        folder: chat_folder(&chat.owner, &chat.room),
        event: incoming.event.clone(),
        sent_at: incoming.sent_at,
        name: attachment.name.clone(),
        mime: attachment.mime.clone(),
        not_with: incoming.behind.clone(),
    }
}

#[cfg(test)]
mod tests {
    use crate::core::{
        chat::ChatStatus,
        dispatch::DispatchError,
        message::ReplyKind,
        testing::{World, chat},
    };

    #[tokio::test]
    async fn a_file_waits_and_goes_with_the_next_words() {
        let world = World::new();
        let kept = world.sends_file("$1", "notes.txt", "", "hello").await;
        assert_eq!(
            kept,
            "notes.txt (5 bytes) goes with your next message. `!files` shows what waits, `!drop` removes it."
        );
        let answer = world.say_as("$q", "read it").await;
        assert!(
            answer.contains("read it\n\nFiles: `surfaces/matrix/"),
            "{answer}"
        );
        assert!(answer.ends_with("-notes.txt`"), "{answer}");
        let next = world.say_as("$q2", "and now").await;
        assert!(!next.contains("Files"), "{next}");
    }

    #[tokio::test]
    async fn a_file_with_a_caption_goes_at_once_with_all_that_wait() {
        let world = World::new();
        world.sends_file("$1", "a.txt", "", "one").await;
        for _ in 0..2 {
            let answer = world
                .sends_file("$2", "b.txt", "!what is this", "two")
                .await;
            assert!(answer.contains("): !what is this\n\nFiles: "), "{answer}");
            assert!(
                answer.contains("-a.txt`, `") && answer.ends_with("-b.txt`"),
                "{answer}"
            );
        }
        assert_eq!(world.say("!files").await, "No files wait here.");
    }

    #[tokio::test]
    async fn a_question_that_is_asked_again_takes_the_same_files_along() {
        let world = World::new();
        world.sends_file("$1", "a.txt", "", "one").await;
        let first = world.say_as("$q", "look").await;
        assert_eq!(world.say_as("$q", "look").await, first);
        assert!(first.ends_with("-a.txt`"), "{first}");
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_had_is_told_in_one_line_and_its_caption_is_not_asked() {
        let world = World::new();
        for caption in ["", "what is this"] {
            let text = world.sends_file("$1", "a*b.txt", caption, "gone").await;
            assert_eq!(
                text,
                "I could not get a\\*b.txt from the homeserver. Please send it again."
            );
            let text = world
                .sends_file("$2", "a.txt", caption, &"x".repeat(5000))
                .await;
            assert_eq!(text, "a.txt is too large: a file may have at most 3.9 KiB.");
        }
        assert_eq!(world.say("!files").await, "No files wait here.");
    }

    #[tokio::test]
    async fn a_process_that_ends_leaves_the_message_to_the_next() {
        let world = World::new();
        let result = world.file_message("$1", "a.txt", "", "ending").await;
        assert!(matches!(result, Err(DispatchError::ShuttingDown)));
    }

    #[tokio::test]
    async fn an_archived_chat_takes_no_files() {
        let world = World::new().with_chat(&chat(1).archived());
        assert_eq!(world.row(1).status, ChatStatus::Archived);
        let text = world.sends_file("$1", "a.txt", "", "x").await;
        assert!(text.starts_with("This chat is archived"), "{text}");
    }

    #[tokio::test]
    async fn a_file_is_acknowledged_by_the_bot_and_not_by_the_agent() {
        let world = World::new();
        let replies = world.file_message("$1", "a.txt", "", "x").await.unwrap();
        assert_eq!(replies[0].kind, ReplyKind::Notice);
        let replies = world
            .file_message("$2", "b.txt", "look", "x")
            .await
            .unwrap();
        assert_eq!(replies[0].kind, ReplyKind::Answer);
    }
}
