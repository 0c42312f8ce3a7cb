//! Commands: one file each, with its words and what it does.
//!
//! A command is parsed without looking at anything but its text, then run against the chats. Whatever it changes, it
//! can be run again after a crash and then ends in the same state.

mod agent;
mod answer;
mod archive;
mod chats;
mod clear;
mod context;
mod drop;
mod files;
mod help;
mod load;
mod mention;
mod name;
mod new;
mod parse;
mod rename;
mod save;
mod settings;
mod start;
mod stop;
mod unarchive;

pub use self::{
    agent::Agent,
    answer::Answer,
    archive::Archive,
    chats::Chats,
    clear::Clear,
    context::Context,
    drop::Drop,
    files::Files,
    help::Help,
    load::Load,
    mention::BotNames,
    name::CommandName,
    new::New,
    parse::{Parsed, Wrong, parse},
    rename::Rename,
    save::Save,
    settings::Settings,
    start::Start,
    stop::Stop,
    unarchive::Unarchive,
};

use crate::{
    core::{
        chat::{Chat, ChatStatus, Locale, Owner, manager::ChatManager},
        dispatch::Place,
        error::CoreError,
        files::ChatFiles,
        ids::{ChatId, UserKey},
        message::Incoming,
    },
    platform::routed::Agents,
    text::{ChatLink, Trouble},
};

/// A command, ready to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `!help`.
    Help(Help),
    /// `!start`.
    Start(Start),
    /// `!new`.
    New(New),
    /// `!chats`.
    Chats(Chats),
    /// `!rename`.
    Rename(Rename),
    /// `!archive`.
    Archive(Archive),
    /// `!unarchive`.
    Unarchive(Unarchive),
    /// `!clear`.
    Clear(Clear),
    /// `!context`.
    Context(Context),
    /// `!agent`.
    Agent(Agent),
    /// `!files`.
    Files(Files),
    /// `!drop`.
    Drop(Drop),
    /// `!settings`.
    Settings(Settings),
    /// `!save`.
    Save(Save),
    /// `!load`.
    Load(Load),
    /// `!stop`.
    Stop(Stop),
    /// `!yes` and `!no`.
    Answer(Answer),
}

/// One use of a command: who, where, why, and what there is to work with.
pub(crate) struct Call<'a> {
    pub(crate) place: &'a Place,
    pub(crate) incoming: &'a Incoming,
    /// `None` for a user without a Space.
    pub(crate) owner: Option<&'a Owner>,
    pub(crate) locale: Locale,
    pub(crate) manager: &'a ChatManager,
    pub(crate) files: &'a dyn ChatFiles,
}

impl Call<'_> {
    /// The chat it is typed in.
    fn chat(&self) -> Option<&Chat> {
        match self.place {
            Place::Chat(chat) => Some(chat),
            Place::Entry { .. } => None,
        }
    }

    fn user(&self) -> &UserKey {
        &self.incoming.sender
    }

    fn agents(&self) -> &Agents {
        self.manager.agents()
    }

    fn link(&self, chat: &Chat) -> ChatLink {
        self.manager.link(chat)
    }

    /// The user's chat with this number, unless it is gone.
    async fn numbered(&self, id: ChatId) -> Result<Option<Chat>, CoreError> {
        let chats = self.manager.chats_of(self.user()).await?;
        Ok(chats.into_iter().find(|chat| chat.id == id))
    }

    fn trouble(&self, trouble: &Trouble<'_>) -> String {
        trouble.text(self.locale)
    }
}

impl Command {
    /// Carries it out; the answer is CommonMark.
    pub(crate) async fn run(self, call: &Call<'_>) -> Result<String, CoreError> {
        if let Some(chat) = call.chat()
            && chat.status == ChatStatus::Archived
            && !self.works_in_an_archived_chat()
        {
            return Ok(call.trouble(&Trouble::ArchivedChat(chat.id)));
        }
        match self {
            Self::Help(command) => Ok(command.run(call)),
            Self::Start(command) => command.run(call).await,
            Self::New(command) => command.run(call).await,
            Self::Chats(command) => command.run(call).await,
            Self::Rename(command) => command.run(call).await,
            Self::Archive(command) => command.run(call).await,
            Self::Unarchive(command) => command.run(call).await,
            Self::Clear(command) => command.run(call).await,
            Self::Context(command) => command.run(call).await,
            Self::Agent(command) => command.run(call).await,
            Self::Files(command) => command.run(call).await,
            Self::Drop(command) => command.run(call).await,
            Self::Settings(command) => command.run(call).await,
            Self::Save(command) => command.run(call).await,
            Self::Load(command) => command.run(call).await,
            Self::Stop(Stop) => Ok(Stop::run(call)),
            Self::Answer(_) => Ok(Answer::run(call)),
        }
    }

    /// `!archive` is among them because it may be carried out again after it archived this very chat.
    const fn works_in_an_archived_chat(&self) -> bool {
        match self {
            Self::Help(_)
            | Self::Start(_)
            | Self::New(_)
            | Self::Chats(_)
            | Self::Archive(_)
            | Self::Unarchive(_)
            | Self::Context(_)
            | Self::Files(_)
            | Self::Drop(_)
            | Self::Settings(_)
            | Self::Load(Load { name: None })
            | Self::Stop(_)
            | Self::Answer(_) => true,
            Self::Rename(_)
            | Self::Clear(_)
            | Self::Agent(_)
            | Self::Save(_)
            | Self::Load(Load { name: Some(_) }) => false,
        }
    }
}

#[cfg(test)]
mod tests;
