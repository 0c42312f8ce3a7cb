//! Every word of the bot itself that a person reads, in every language.
//!
//! A text is a value ([`Guide`], [`Done`], [`Trouble`], [`Failure`]) that is put into words for a [`Locale`] as CommonMark. Each
//! language is one file with exhaustive matches: a text that lacks a language does not compile. Names that people chose
//! pass through [`markdown::escape`] and nothing else; causes of errors never come here.

mod en;
mod files;
pub mod markdown;
mod ru;

pub use self::files::{FileNote, NotSent};

use std::time::Duration;

use crate::{
    core::{
        chat::{
            ChatStatus, Locale, name,
            permission::{Offer, Verdict},
        },
        command::CommandName,
        ids::{AgentId, ChatId, PlatformChatId},
    },
    platform::{Advice, ContextInfo},
};

/// A chat that can be opened: `[C4 · Trip](link)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatLink {
    /// Its number.
    pub id: ChatId,
    /// As its owner typed it.
    pub name: String,
    /// Opens the room.
    pub link: String,
}

/// A line of the list of chats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatEntry {
    /// Which chat, and how to open it.
    pub chat: ChatLink,
    /// What people call its agent.
    pub agent: String,
    /// Whether it answers.
    pub status: ChatStatus,
}

/// A line of the list of agents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentEntry {
    /// What to type.
    pub id: AgentId,
    /// What people call it.
    pub name: String,
    /// A few words; may be empty.
    pub description: String,
    /// Whether it is the chosen one.
    pub chosen: bool,
}

/// A line of the list of kept contexts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveEntry {
    /// What its owner calls it.
    pub name: String,
    /// The chat it was made in.
    pub chat: ChatId,
    /// What people call the agent whose memory it is.
    pub agent: String,
}

/// Why somebody is shown where the chats are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointerReason {
    /// The Space and the first chat were just made.
    Fresh,
    /// They were there before.
    Existing,
    /// They were there before, and the person who had left them is invited again.
    Reinvited,
    /// The homeserver lets the bot invite the person only later.
    Delayed,
    /// Something was said in a room that is no chat.
    NotAChat,
    /// The person asked.
    Asked,
}

/// What a chat and its context are called inside the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextIds<'a> {
    /// The agent, as the registry names it.
    pub agent: &'a AgentId,
    /// What the agent remembers the chat by.
    pub context: PlatformChatId,
    /// How often it was rotated.
    pub generation: u32,
}

/// Texts that show what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guide<'a> {
    /// The first words in a user's first chat.
    Welcome,
    /// Where the Space and the chats are.
    Pointer {
        /// What leads to it.
        reason: PointerReason,
        /// Opens the Space.
        space: &'a str,
        /// The chats to show.
        chats: &'a [ChatLink],
        /// How many more there are.
        more: usize,
    },
    /// A user without a Space asked for chats.
    NoChatsYet,
    /// All commands.
    Help,
    /// One command.
    HelpOn(CommandName),
    /// All chats.
    Chats(&'a [ChatEntry]),
    /// The agents to choose from.
    Agents(&'a [AgentEntry]),
    /// What the agent remembers of a chat.
    Context {
        /// The chat.
        id: ChatId,
        /// Its name.
        name: &'a str,
        /// What people call its agent.
        agent: &'a str,
        /// What the agent tells; `None` where it could not be asked.
        size: Option<&'a ContextInfo>,
        /// Shown with `!context all`.
        ids: Option<ContextIds<'a>>,
    },
    /// What was kept.
    Saves(&'a [SaveEntry]),
    /// An agent asks before it goes on.
    Asks {
        /// What people call the agent.
        agent: &'a str,
        /// What it asks.
        title: &'a str,
        /// The ways to answer.
        options: &'a [Offer],
        /// How long it waits.
        limit: Duration,
    },
    /// A piece of what an agent asks for, where one message does not hold all of it.
    AsksFor {
        /// What people call the agent.
        agent: &'a str,
        /// Counted from 1.
        number: usize,
        /// The pieces there are.
        count: usize,
        /// As the agent words it.
        text: &'a str,
    },
    /// The beginning of what an agent asks for, after messages that hold all of it. No Markdown.
    InFullAbove(&'a str),
    /// What came of what an agent asked.
    Asked {
        /// What people call the agent.
        agent: &'a str,
        /// What it asked.
        title: &'a str,
        /// The ways there were to answer.
        options: &'a [Offer],
        /// What was decided.
        verdict: Verdict,
    },
    /// A user's settings.
    Settings {
        /// Of the bot's texts.
        language: Locale,
        /// Whether answers grow while they are written.
        streaming: bool,
        /// What people call the agent of new chats.
        agent: Option<&'a str>,
    },
}

/// Texts that say that a command was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done<'a> {
    /// `!new`.
    Created(&'a ChatLink),
    /// `!rename`.
    Renamed {
        /// The chat.
        id: ChatId,
        /// Its new name.
        name: &'a str,
    },
    /// `!archive`.
    Archived {
        /// The chat.
        id: ChatId,
        /// Its name.
        name: &'a str,
    },
    /// `!unarchive`.
    Unarchived(&'a ChatLink),
    /// `!clear`.
    Cleared(PlatformChatId),
    /// `!agent`.
    AgentSwitched(&'a str),
    /// `!agent` with the agent that the chat has.
    AgentAlready(&'a str),
    /// `!settings language`.
    LanguageSet,
    /// `!settings streaming`.
    StreamingSet(bool),
    /// `!settings agent`.
    DefaultAgentSet(&'a str),
    /// `!save`.
    Saved(&'a str),
    /// `!load`.
    Loaded {
        /// What is continued.
        name: &'a str,
        /// What people call the agent, where it is another one than before.
        agent: Option<&'a str>,
    },
    /// `!stop`.
    Stopped,
}

/// Texts that say why a command was not carried out, and what to type instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble<'a> {
    /// The command is known and its words are not right.
    Usage(CommandName),
    /// There is no such command.
    UnknownCommand {
        /// What was typed after the `!`.
        typed: &'a str,
        /// What was probably meant.
        nearest: Option<CommandName>,
    },
    /// A chat's name has more than [`name::MAX_CHARS`] characters.
    NameTooLong,
    /// The user has no such chat.
    NoSuchChat(ChatId),
    /// The command is about the chat it is typed in, and this is none.
    OnlyInAChat(CommandName),
    /// An archived chat does not answer.
    ArchivedChat(ChatId),
    /// A command of somebody else than the owner.
    NotOwner,
    /// The chat's agent is no longer there, or no longer for this user.
    AgentNotAvailable(&'a str),
    /// No agent that this user may use has this id or name.
    UnknownAgent(&'a str),
    /// There is no agent this user may use.
    NoAgents,
    /// There is something kept under this name.
    SaveTaken(&'a str),
    /// The user has kept as much as there may be.
    TooManySaves,
    /// There is nothing kept under this name.
    NoSuchSave(&'a str),
    /// This agent keeps no contexts.
    CannotKeep(&'a str),
    /// `!stop` where no agent answers.
    NothingRuns,
    /// `!yes` or `!no` where no agent asks.
    NothingAsked,
    /// Words that are meant for an agent's question and choose none of these options.
    ChooseAnOption(&'a [Offer]),
    /// The operator does not let this person use the bot, or does so no longer.
    NotAllowed,
}

/// Texts that stand where an answer should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The agent failed before its first word.
    Agent(Advice),
    /// The agent failed in the middle of its answer; what it said stands before this text.
    BrokeOff(Advice),
    /// The agent did not finish in time.
    TooLong(Duration),
    /// The agent finished without a word.
    Empty,
    /// A limit cut the answer.
    Cut,
    /// The agent would not answer.
    Refused,
    /// The answer was stopped.
    Stopped,
    /// The homeserver refused a change.
    Homeserver,
    /// Too many messages wait in this room.
    QueueFull,
    /// Handling this message failed inside the bot.
    Handling,
    /// The homeserver refused the answer.
    NotSent,
    /// So many messages are too old to be sent to the agent.
    Backlog(u64),
    /// The question could not be decrypted.
    NotDecrypted,
    /// Files cannot be looked at or changed.
    Workspace,
    /// The agent lost what was said before; its answer follows.
    BegunAnew,
}

impl Guide<'_> {
    /// In words.
    pub fn text(&self, locale: Locale) -> String {
        match locale {
            Locale::En => en::guide(self),
            Locale::Ru => ru::guide(self),
        }
    }
}

impl Done<'_> {
    /// In words.
    pub fn text(&self, locale: Locale) -> String {
        match locale {
            Locale::En => en::done(self),
            Locale::Ru => ru::done(self),
        }
    }
}

impl Trouble<'_> {
    /// In words.
    pub fn text(&self, locale: Locale) -> String {
        match locale {
            Locale::En => en::trouble(self),
            Locale::Ru => ru::trouble(self),
        }
    }
}

impl Failure {
    /// Whether the agent could not deal with the question. One that would not, or was stopped, could have.
    pub const fn is_of_the_agent(&self) -> bool {
        matches!(self, Self::Agent(_) | Self::BrokeOff(_) | Self::TooLong(_))
    }

    /// In words.
    pub fn text(self, locale: Locale) -> String {
        match locale {
            Locale::En => en::failure::failure(self),
            Locale::Ru => ru::failure::failure(self),
        }
    }
}

/// The name of a chat whose owner chose none. Plain text.
pub fn chat_name(locale: Locale, id: ChatId) -> String {
    match locale {
        Locale::En => format!("Chat {}", id.number()),
        Locale::Ru => format!("Чат {}", id.number()),
    }
}

/// The name of a user's Space. Plain text, the same in every language.
pub fn space_name(brand: &str, display_name: &str) -> String {
    match name::from_room(display_name) {
        Some(person) => format!("{brand} — {person}"),
        None => brand.to_owned(),
    }
}

#[cfg(test)]
mod tests;
