//! A message becomes replies: a command is carried out, anything else goes to the chat's agent.

use std::{sync::Arc, time::Duration};

pub use crate::core::error::DispatchError;
use crate::{
    core::{
        chat::{
            Chat, ChatRooms, ChatStatus, ChatStore, Locale, Onboarded, Owner,
            earlier::{EarlierMessages, referred},
            manager::ChatManager,
            permission::Person,
            receive::{Received, receive},
            running::RunningTurns,
            turn::Turn,
            turns::Turns,
        },
        command::{BotNames, Call, Command, Parsed, Wrong, parse},
        error::CoreError,
        files::FilePorts,
        folder::chat_folder,
        ids::{EventKey, RoomKey, UserKey},
        message::{DraftSink, Incoming, Reply},
    },
    platform::routed::Agents,
    text::{FileNote, Guide, PointerReason, Trouble},
};

/// What a room is to the bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A chat.
    Chat(Chat),
    /// The room in which a user invited the bot.
    Entry {
        /// Who invited it.
        owner: UserKey,
        /// Whether nobody else is in the room: only then is all that is said meant for the bot.
        alone: bool,
    },
}

/// What the operator decides about answers.
#[derive(Clone, Debug)]
pub struct DispatchSettings {
    /// Of users who chose no language.
    pub locale: Locale,
    /// What people call the bot in every room: its user id and the first part of that.
    pub bot_names: Vec<String>,
    /// The longest an agent may take for one answer.
    pub turn_limit: Duration,
}

/// Turns messages into replies. One for the whole process; messages of different rooms may be dispatched at once.
///
/// A future of [`Dispatcher::dispatch`] may be dropped at any point and the same message dispatched again.
pub struct Dispatcher {
    manager: ChatManager,
    files: FilePorts,
    person: Arc<dyn Person>,
    earlier: Arc<dyn EarlierMessages>,
    names: BotNames,
    settings: DispatchSettings,
    turns: Turns,
    running: RunningTurns,
}

impl Dispatcher {
    /// Over these ports.
    pub fn new(
        store: Arc<dyn ChatStore>,
        rooms: Arc<dyn ChatRooms>,
        agents: Arc<Agents>,
        files: FilePorts,
        person: Arc<dyn Person>,
        earlier: Arc<dyn EarlierMessages>,
        settings: DispatchSettings,
    ) -> Self {
        Self {
            manager: ChatManager::new(store, rooms, agents),
            files,
            person,
            earlier,
            names: BotNames::new(settings.bot_names.clone()),
            settings,
            turns: Turns::default(),
            running: RunningTurns::default(),
        }
    }

    /// The replies to a message, in order; none where it is not for us.
    pub async fn dispatch(
        &self,
        place: Place,
        incoming: Incoming,
        drafts: &dyn DraftSink,
    ) -> Result<Vec<Reply>, DispatchError> {
        let parsed = self.parsed(&incoming);
        let owner = match self.manager.owner(&incoming.sender).await {
            Ok(owner) => owner,
            Err(error) => return told(error, self.settings.locale),
        };
        let locale = self.locale_of(owner.as_ref());
        if !place.belongs_to(&incoming.sender) {
            return Ok(stranger(&place, &parsed, locale));
        }
        let scene = Scene {
            place: &place,
            incoming: &incoming,
            owner: owner.as_ref(),
            locale,
        };
        match self.reply(parsed, scene, drafts).await {
            Ok(reply) => Ok(reply.into_iter().collect()),
            Err(error) => told(error, locale),
        }
    }

    /// The message, looked at as a command. What stands beside a file is none.
    pub fn parsed(&self, incoming: &Incoming) -> Parsed {
        match incoming.attachment {
            Some(_) => Parsed::NotACommand,
            None => parse(self.names.without_mention(incoming)),
        }
    }

    /// The bot has this display name in the room: a command may follow it.
    pub fn is_called(&self, room: &RoomKey, name: Option<String>) {
        self.names.set(room, name);
    }

    /// The turns that run now: who begins one here before a message is dispatched can stop it.
    pub const fn running(&self) -> &RunningTurns {
        &self.running
    }

    /// The owner deleted this message: a file that came with it and still waits is removed.
    pub async fn deleted_in_client(
        &self,
        chat: &Chat,
        message: &EventKey,
    ) -> Result<(), DispatchError> {
        let folder = chat_folder(&chat.owner, &chat.room);
        match self.files.files.withdraw(&folder, message).await {
            Ok(()) => Ok(()),
            Err(error) => {
                tracing::error!(event.id = %message, room.id = %chat.room, error = &error as &dyn std::error::Error,
                    "the file of a deleted message cannot be removed");
                CoreError::from(error).told().map(|_| ())
            }
        }
    }

    /// The text for the entry room of a user who was just onboarded.
    pub fn pointer(&self, onboarded: &Onboarded) -> String {
        let locale = self.locale_of(Some(&onboarded.owner));
        self.manager.pointer_after(onboarded, locale)
    }

    /// The language the bot speaks with this user.
    pub fn locale_of(&self, owner: Option<&Owner>) -> Locale {
        owner
            .and_then(|owner| owner.locale)
            .unwrap_or(self.settings.locale)
    }

    async fn reply(
        &self,
        parsed: Parsed,
        scene: Scene<'_>,
        drafts: &dyn DraftSink,
    ) -> Result<Option<Reply>, CoreError> {
        let locale = scene.locale;
        let trouble = |trouble: Trouble<'_>| Some(Reply::notice(trouble.text(locale)));
        match (parsed, scene.place) {
            (Parsed::Command(command), _) => self.command(command, scene).await.map(Some),
            (Parsed::Wrong(Wrong::Usage(name)), _) => Ok(trouble(Trouble::Usage(name))),
            (Parsed::Wrong(Wrong::NameTooLong), _) => Ok(trouble(Trouble::NameTooLong)),
            // In a room with others it may well be a command of another bot.
            (Parsed::Unknown { .. } | Parsed::NotACommand, Place::Entry { alone: false, .. }) => {
                Ok(None)
            }
            (Parsed::Unknown { typed, nearest }, _) => Ok(trouble(Trouble::UnknownCommand {
                typed: &typed,
                nearest,
            })),
            (Parsed::NotACommand, Place::Entry { .. }) => self.no_chat_here(scene).await.map(Some),
            (Parsed::NotACommand, Place::Chat(chat)) => {
                self.talk(chat, scene, drafts).await.map(Some)
            }
        }
    }

    async fn command(&self, command: Command, scene: Scene<'_>) -> Result<Reply, CoreError> {
        let call = Call {
            place: scene.place,
            incoming: scene.incoming,
            owner: scene.owner,
            locale: scene.locale,
            manager: &self.manager,
            files: self.files.files.as_ref(),
        };
        command.run(&call).await.map(Reply::notice)
    }

    /// Words in the entry room, where no agent listens.
    async fn no_chat_here(&self, scene: Scene<'_>) -> Result<Reply, CoreError> {
        let Some(owner) = scene.owner else {
            return Ok(Reply::notice(Guide::NoChatsYet.text(scene.locale)));
        };
        let chats = self.manager.chats_of(&owner.user).await?;
        let reason = PointerReason::NotAChat;
        let pointer = self.manager.pointer(reason, owner, &chats, scene.locale);
        Ok(Reply::notice(pointer))
    }

    /// Words for the chat's agent.
    async fn talk(
        &self,
        chat: &Chat,
        scene: Scene<'_>,
        drafts: &dyn DraftSink,
    ) -> Result<Reply, CoreError> {
        let locale = scene.locale;
        if chat.status == ChatStatus::Archived {
            return Ok(Reply::notice(Trouble::ArchivedChat(chat.id).text(locale)));
        }
        if scene.incoming.is_unreadable() {
            return Ok(Reply::notice(FileNote::NothingToRead.text(locale)));
        }
        if let Some(attachment) = &scene.incoming.attachment {
            drafts.working();
            let received = receive(&self.files, chat, scene.incoming, attachment, locale).await?;
            match received {
                Received::Staged(note) if scene.incoming.text.trim().is_empty() => {
                    return Ok(Reply::notice(note));
                }
                Received::Staged(_) => {}
                Received::Not(why) => return Ok(Reply::notice(why)),
            }
        }
        let agents = self.manager.agents();
        let Some(agent) = agents.agent_of(&chat.owner, &chat.agent) else {
            let name = agents.name_of(&chat.agent);
            return Ok(Reply::notice(
                Trouble::AgentNotAvailable(&name).text(locale),
            ));
        };
        drafts.working();
        let files = self.files.files.as_ref();
        let referred = referred(self.earlier.as_ref(), files, chat, scene.incoming).await?;
        let stop = self.running.stop_of(&scene.incoming.event);
        let next = self
            .turns
            .next(&chat.owner, &agent.id, agent.limits.at_once);
        let _slot = tokio::select! {
            biased;
            // Whoever is stopped before it began asks nobody, and needs no place among those who do.
            () = stop.cancelled() => None,
            slot = next => Some(slot),
        };
        let streams = scene.owner.is_none_or(Owner::streams);
        let turn = Turn {
            agent: &agent,
            chat,
            incoming: scene.incoming,
            referred: referred.unwrap_or_default(),
            files,
            drafts: streams.then_some(drafts),
            limit: agent.limits.turn.unwrap_or(self.settings.turn_limit),
            person: self.person.as_ref(),
            stop,
        };
        Ok(turn.run(locale).await)
    }
}

/// A failed command becomes a reply, unless it is to be carried out again.
fn told(error: CoreError, locale: Locale) -> Result<Vec<Reply>, DispatchError> {
    let failure = error.told()?;
    Ok(vec![Reply::notice(failure.text(locale)).failed(true)])
}

/// A message, with what is known about it.
#[derive(Clone, Copy)]
struct Scene<'a> {
    place: &'a Place,
    incoming: &'a Incoming,
    owner: Option<&'a Owner>,
    locale: Locale,
}

impl Place {
    /// Whether this user is the one the bot answers here.
    fn belongs_to(&self, user: &UserKey) -> bool {
        match self {
            Self::Chat(chat) => chat.owner == *user,
            Self::Entry { owner, .. } => owner == user,
        }
    }
}

/// Others are not answered in a chat; in an entry room a command of theirs is answered with how to get chats of their own.
fn stranger(place: &Place, parsed: &Parsed, locale: Locale) -> Vec<Reply> {
    match (place, parsed) {
        (Place::Entry { .. }, Parsed::Command(_)) => {
            vec![Reply::notice(Trouble::NotOwner.text(locale))]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
