//! All that crosses the border of `core`: what comes in, what goes out.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::core::ids::{EventKey, RoomKey, UserKey};

/// One message of a person, as the journal hands it over: already known to be for us and not yet answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The message.
    pub event: EventKey,
    /// Where it was said.
    pub room: RoomKey,
    /// Who said it.
    pub sender: UserKey,
    /// The thread it belongs to, if any: answers stay in it.
    pub thread: Option<EventKey>,
    /// What was said, without quotes of earlier messages. Of what is neither words nor a file, what it says and what it
    /// is. Empty where nothing of it can be read.
    pub text: String,
    /// The person whose name stands in front of the text as a link, where a client wrote it so.
    pub mention: Option<Mention>,
    /// The message that it replies to.
    pub reply_to: Option<ReplyTo>,
    /// The file that came with it, if any; its caption is the text.
    pub attachment: Option<Attachment>,
    /// Of a file that is taken in ahead of its turn: the messages of the room that are not answered yet and were sent
    /// before it. It goes with none of them.
    pub behind: Vec<EventKey>,
    /// When the server received it.
    pub sent_at: SystemTime,
}

/// A person's name in front of a text, as a link to the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// Who is linked to.
    pub user: UserKey,
    /// How the link is shown, which is also how the plain text begins.
    pub label: String,
}

/// A message that another one replies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    /// The message.
    pub event: EventKey,
    /// What it said, where the sender's client put that into the reply.
    pub quote: Option<Quote>,
}

/// The quote of a message inside a reply to it: a claim of the sender's client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Who is quoted.
    pub sender: UserKey,
    /// The quoted words, without the marks of a quote.
    pub text: String,
}

/// A file that a person sent. Every field is a claim of the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// What it is called.
    pub name: String,
    /// Its media type.
    pub mime: Option<String>,
    /// In bytes.
    pub size: Option<u64>,
    /// Where its content is found; only `matrix` can read this.
    pub source: String,
}

impl Incoming {
    /// Whether it may be a command. The caption of a file never is.
    pub fn may_be_a_command(&self) -> bool {
        self.attachment.is_none() && self.text.trim_start().starts_with('!')
    }

    /// Whether there is nothing in it for anybody to read.
    pub fn is_unreadable(&self) -> bool {
        self.attachment.is_none() && self.text.trim().is_empty()
    }
}

/// One message that goes back to the room of the question, and the files that follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// How clients show it.
    pub kind: ReplyKind,
    /// CommonMark.
    pub markdown: String,
    /// Sent after the words, in this order.
    pub files: Vec<FileReply>,
    /// Whether it says that the question could not be dealt with; for the figures.
    pub is_failure: bool,
}

/// A file that goes back to the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReply {
    /// The file.
    pub file: OutgoingFile,
    /// What is said in its place, as CommonMark, should the server not take it.
    pub instead: String,
}

/// A file that goes back to the room, copied from the workspace so that nobody changes it on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingFile {
    /// The copy, relative to the workspace.
    pub snapshot: String,
    /// What people see.
    pub name: String,
    /// Its media type.
    pub mime: String,
    /// In bytes.
    pub size: u64,
}

/// Whether a person's agent speaks or the bot itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// An agent's words.
    Answer,
    /// The bot's own words: clients show them quietly, and other bots ignore them.
    Notice,
}

impl Reply {
    /// The bot's own words.
    pub fn notice(markdown: impl Into<String>) -> Self {
        Self {
            kind: ReplyKind::Notice,
            markdown: markdown.into(),
            files: Vec::new(),
            is_failure: false,
        }
    }

    /// The same reply to a question that could not be dealt with, if that is so.
    #[must_use]
    pub fn failed(mut self, is_failure: bool) -> Self {
        self.is_failure = is_failure;
        self
    }

    /// An agent's words.
    pub fn answer(markdown: impl Into<String>) -> Self {
        Self {
            kind: ReplyKind::Answer,
            markdown: markdown.into(),
            files: Vec::new(),
            is_failure: false,
        }
    }
}

/// Receives an answer while it grows. Drafts may be skipped; the returned replies are what counts.
pub trait DraftSink: Send + Sync {
    /// An agent was asked, and may take a while.
    fn working(&self);
    /// The whole answer so far, as CommonMark. Called for every piece that an agent says, and so not to cost more where
    /// the answer is longer.
    fn draft(&self, markdown: &str);
    /// What the agent does now, as plain text, until it says more.
    fn status(&self, text: &str);
}
