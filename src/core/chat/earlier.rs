//! What a question replies to, as the agent is told of it: a quote of bounded length, and the file, where it is one.

use async_trait::async_trait;

use super::{Chat, receive::arrival};
use crate::{
    core::{
        error::CoreError,
        files::ChatFiles,
        ids::{EventKey, RoomKey, UserKey},
        message::Incoming,
    },
    platform::PromptFile,
};

/// Longest quote, in bytes: enough to see what is meant; the agent knows its own words.
const LONGEST_QUOTE: usize = 4_000;
/// Longest name of a file in it, in characters.
const LONGEST_NAME: usize = 200;

/// An earlier message of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// What it says, in the form that its last edit gave it.
    pub message: Incoming,
    /// Whether the bot sent it.
    pub is_own: bool,
}

/// The process is ending: nobody is told what the message said.
#[derive(Debug, thiserror::Error)]
#[error("shutting down")]
pub struct Interrupted;

/// Where earlier messages are found.
#[async_trait]
pub trait EarlierMessages: Send + Sync {
    /// The message of this room; `None` where it is not there, or cannot be read. Waits for a server that is down.
    async fn find(&self, room: &RoomKey, event: &EventKey) -> Result<Option<Earlier>, Interrupted>;
}

/// What a question refers to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Referred {
    /// Stands before the question.
    pub(crate) quote: String,
    /// Goes with it.
    pub(crate) file: Option<PromptFile>,
}

/// What this message refers to by being a reply; `None` where it is none.
pub(crate) async fn referred(
    messages: &dyn EarlierMessages,
    files: &dyn ChatFiles,
    chat: &Chat,
    incoming: &Incoming,
) -> Result<Option<Referred>, CoreError> {
    let Some(reply_to) = &incoming.reply_to else {
        return Ok(None);
    };
    let found = messages.find(&chat.room, &reply_to.event).await;
    let found = found.map_err(|Interrupted| CoreError::ShuttingDown)?;
    Ok(Some(match (found, &reply_to.quote) {
        (Some(earlier), _) => Referred {
            quote: quoted(&earlier, &incoming.sender),
            file: file_of(files, chat, &earlier).await,
        },
        (None, Some(quote)) => Referred {
            quote: with_lines(
                &format!(
                    "In reply to {}",
                    message_of(&quote.sender, &incoming.sender)
                ),
                &quote.text,
            ),
            file: None,
        },
        (None, None) => Referred {
            quote: "[In reply to a message that cannot be shown here.]".to_owned(),
            file: None,
        },
    }))
}

fn quoted(earlier: &Earlier, asker: &UserKey) -> String {
    let message = &earlier.message;
    let whose = if earlier.is_own {
        "your earlier message".to_owned()
    } else {
        message_of(&message.sender, asker)
    };
    match &message.attachment {
        None => with_lines(&format!("In reply to {whose}"), &message.text),
        Some(file) => {
            let name: String = file
                .name
                .chars()
                .filter(|c| !c.is_control())
                .take(LONGEST_NAME)
                .collect();
            with_lines(
                &format!("In reply to the file {name} in {whose}"),
                &message.text,
            )
        }
    }
}

fn message_of(sender: &UserKey, asker: &UserKey) -> String {
    if sender == asker {
        "my earlier message".to_owned()
    } else {
        format!("an earlier message of {sender}")
    }
}

/// `[heading:]` and the text behind it as a quote; `[heading.]` where there is no text.
fn with_lines(heading: &str, text: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        return format!("[{heading}.]");
    }
    let cut = &text[..text.floor_char_boundary(LONGEST_QUOTE)];
    let lines: Vec<String> = cut.lines().map(|line| format!("> {line}")).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("[{heading}:]\n{}{more}", lines.join("\n"))
}

/// The file that the owner sent with that message, where it still lies in the workspace.
async fn file_of(files: &dyn ChatFiles, chat: &Chat, earlier: &Earlier) -> Option<PromptFile> {
    let message = &earlier.message;
    let attachment = message.attachment.as_ref()?;
    if message.sender != chat.owner {
        return None;
    }
    match files.kept(&arrival(chat, message, attachment)).await {
        Ok(file) => file,
        Err(error) => {
            tracing::warn!(room.id = %chat.room, error = &error as &dyn std::error::Error, "a file cannot be looked for");
            None
        }
    }
}
