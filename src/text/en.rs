//! English.

mod asking;
pub(super) mod failure;

use std::time::Duration;

use self::asking::{asked, asks, asks_for, choose, context, loaded, saves};
use super::{Done, Guide, PointerReason, Trouble, markdown};
use crate::core::{
    chat::{ChatStatus, Locale, name, save::MOST_SAVES},
    command::CommandName,
};

pub(super) fn guide(guide: &Guide<'_>) -> String {
    match guide {
        Guide::Welcome => {
            "**Welcome!** This is your first chat: write a message, and the agent answers.\n\n\
            Every room in your Space is a chat of its own and remembers only what was said in it. \
            `!new` opens another one, `!help` shows everything there is."
                .to_owned()
        }
        Guide::Pointer {
            reason,
            space,
            chats,
            more,
        } => {
            let mut lines = vec![markdown::link("Your Space", space)];
            lines.extend(chats.iter().map(markdown::chat_link));
            if *more > 0 {
                lines.push(format!("and {more} more: `!chats` shows them all"));
            }
            format!("{}\n\n{}", pointer(*reason), markdown::list(lines))
        }
        Guide::NoChatsYet => "You have no chats yet. `!start` makes your first one.".to_owned(),
        Guide::Help => help(),
        Guide::HelpOn(command) => format!("`{}` — {}", usage(*command), purpose(*command)),
        Guide::Chats(entries) => {
            format!("Your chats:\n\n{}", markdown::chat_list(entries, status))
        }
        Guide::Agents(entries) => format!(
            "Agents you can choose with `{}`:\n\n{}",
            usage(CommandName::Agent),
            markdown::agent_list(entries, "chosen")
        ),
        Guide::Context {
            id,
            name,
            agent,
            size,
            ids,
        } => context(&markdown::label(*id, name), agent, *size, *ids),
        Guide::Saves(entries) => saves(entries),
        Guide::Asks {
            agent,
            title,
            options,
            limit,
        } => asks(agent, title, options, *limit),
        Guide::AsksFor {
            agent,
            number,
            count,
            text,
        } => asks_for(agent, *number, *count, text),
        Guide::InFullAbove(beginning) => format!("{beginning} (in full above)"),
        Guide::Asked {
            agent,
            title,
            options,
            verdict,
        } => asked(agent, title, options, *verdict),
        Guide::Settings {
            language,
            streaming,
            agent,
        } => settings(*language, *streaming, *agent),
    }
}

pub(super) fn done(done: &Done<'_>) -> String {
    match done {
        Done::Created(chat) => format!(
            "Your new chat is ready: {}. You are invited to it.",
            markdown::chat_link(chat)
        ),
        Done::Renamed { id, name } => {
            format!("This chat is now called {}.", markdown::label(*id, name))
        }
        Done::Archived { id, name } => format!(
            "{} is archived: it is out of your Space and does not answer. `!unarchive {id}` brings it back.",
            markdown::label(*id, name)
        ),
        Done::Unarchived(chat) => format!(
            "{} is back in your Space and answers again.",
            markdown::chat_link(chat)
        ),
        Done::Cleared(context) => format!(
            "The agent has forgotten this chat and starts anew (context {}).",
            context.short()
        ),
        Done::AgentSwitched(agent) => format!(
            "{} answers in this chat from now on. It does not know what was said before.",
            markdown::escape(agent)
        ),
        Done::AgentAlready(agent) => {
            format!("{} answers in this chat already.", markdown::escape(agent))
        }
        Done::LanguageSet => "I speak English with you from now on.".to_owned(),
        Done::StreamingSet(true) => "Answers now grow while they are written.".to_owned(),
        Done::StreamingSet(false) => {
            "Answers now come in one piece when they are finished.".to_owned()
        }
        Done::DefaultAgentSet(agent) => format!(
            "{} answers in your new chats. Those you have keep their agents.",
            markdown::escape(agent)
        ),
        Done::Saved(name) => {
            let name = markdown::escape(name);
            format!(
                "Kept as {name}. `!load` with this name continues from here, in any of your chats."
            )
        }
        Done::Loaded { name, agent } => loaded(name, *agent),
        Done::Stopped => "Stopped.".to_owned(),
    }
}

pub(super) fn trouble(trouble: &Trouble<'_>) -> String {
    match trouble {
        Trouble::Usage(command) => format!("Please write `{}`: {}.", usage(*command), purpose(*command)),
        Trouble::UnknownCommand { typed, nearest } => {
            let typed = markdown::escape(typed);
            match nearest {
                Some(command) => format!(
                    "There is no command !{typed}. Did you mean `{}`? `!help` shows all commands.",
                    usage(*command)
                ),
                None => format!("There is no command !{typed}. `!help` shows all commands."),
            }
        }
        Trouble::NameTooLong => format!(
            "That name is too long. Please choose one of at most {} characters.",
            name::MAX_CHARS
        ),
        Trouble::NoSuchChat(id) => format!("You have no chat {id}. `!chats` shows those you have."),
        Trouble::OnlyInAChat(command) => format!(
            "`{}` works inside a chat. `!chats` shows where yours are.",
            usage(*command)
        ),
        Trouble::ArchivedChat(id) => format!(
            "This chat is archived and does not answer. `!unarchive {id}` brings it back, `!new` opens another one."
        ),
        Trouble::NotOwner => "I work here for the person who invited me. For chats of your own, invite me into a room \
            of yours."
            .to_owned(),
        Trouble::AgentNotAvailable(agent) => format!(
            "The agent {} is not available. `!agent` shows which ones you can choose.",
            markdown::escape(agent)
        ),
        Trouble::UnknownAgent(agent) => {
            format!("You cannot use an agent {}. `!agent` lists yours.", markdown::escape(agent))
        }
        Trouble::NoAgents => {
            "There is no agent you may use. Please tell whoever runs this bot.".to_owned()
        }
        Trouble::SaveTaken(name) => format!(
            "You have kept something as {} already. Please choose another name.",
            markdown::escape(name)
        ),
        Trouble::TooManySaves => format!(
            "You have kept {MOST_SAVES} contexts already, and that is all I can keep for you."
        ),
        Trouble::NoSuchSave(name) => format!(
            "You have kept nothing as {}. `!load` shows what you have kept.",
            markdown::escape(name)
        ),
        Trouble::CannotKeep(agent) => format!(
            "{} cannot keep contexts under names. This chat remembers what was said until `!clear`; `!new` opens \
            another one and leaves this one as it is.",
            markdown::escape(agent)
        ),
        Trouble::NothingRuns => "Nothing is running here.".to_owned(),
        Trouble::NothingAsked => "No agent is asking you anything here.".to_owned(),
        Trouble::ChooseAnOption(options) => choose(options),
        Trouble::NotAllowed => "You are not among the people who may use this bot, so nothing was done with this \
            message. Please ask the person who runs it for access."
            .to_owned(),
    }
}

fn help() -> String {
    format!(
        "In a chat, whatever you write goes to its agent. Commands:\n\n{}",
        markdown::list(CommandName::ALL.map(|command| format!(
            "`{}` — {}",
            usage(command),
            purpose(command)
        )))
    )
}

fn settings(language: Locale, streaming: bool, agent: Option<&str>) -> String {
    format!(
        "Your settings; `{}` changes one:\n\n{}",
        usage(CommandName::Settings),
        markdown::list([
            format!("language: {}", language_name(language)),
            format!("streaming: {}", on_off(streaming)),
            format!(
                "agent for new chats: {}",
                agent.map_or("none".to_owned(), markdown::escape)
            ),
        ])
    )
}

pub(super) const fn usage(command: CommandName) -> &'static str {
    match command {
        CommandName::Help => "!help [command]",
        CommandName::Start => "!start",
        CommandName::New => "!new [name]",
        CommandName::Chats => "!chats",
        CommandName::Rename => "!rename NAME",
        CommandName::Archive => "!archive [Cn]",
        CommandName::Unarchive => "!unarchive Cn",
        CommandName::Clear => "!clear",
        CommandName::Context => "!context [all]",
        CommandName::Agent => "!agent [id]",
        CommandName::Files => "!files",
        CommandName::Drop => "!drop [n]",
        CommandName::Settings => "!settings [language en|ru] [streaming on|off] [agent ID]",
        CommandName::Save => "!save [name]",
        CommandName::Load => "!load [name]",
        CommandName::Stop => "!stop",
        CommandName::Yes => "!yes",
        CommandName::No => "!no",
    }
}

pub(super) const fn purpose(command: CommandName) -> &'static str {
    match command {
        CommandName::Help => "what there is",
        CommandName::Start => "where your chats are",
        CommandName::New => "open a new chat",
        CommandName::Chats => "all your chats",
        CommandName::Rename => "give this chat another name",
        CommandName::Archive => "put this chat, or the one with that number, away",
        CommandName::Unarchive => "bring the archived chat with that number back",
        CommandName::Clear => "let the agent forget this chat and start anew",
        CommandName::Context => "this chat, its agent, and how much the agent remembers",
        CommandName::Agent => "the agents there are, or let another one answer in this chat",
        CommandName::Files => "the files that go with your next message",
        CommandName::Drop => "do without the file with that number, or without all of them",
        CommandName::Settings => "your settings, or change one of them",
        CommandName::Save => "keep what the agent remembers of this chat under a name",
        CommandName::Load => "what you have kept, or go on from it in this chat",
        CommandName::Stop => "end the answer that is being written",
        CommandName::Yes => "allow what the agent asks for",
        CommandName::No => "refuse what the agent asks for",
    }
}

fn pointer(reason: PointerReason) -> &'static str {
    match reason {
        PointerReason::Fresh => {
            "Your Space with your first chat is ready, and you are invited to both. Let us talk there, not here:"
        }
        PointerReason::Existing => "You have a Space already. Your chats are here:",
        PointerReason::Reinvited => "Welcome back! You are invited again. Your chats are here:",
        PointerReason::Delayed => {
            "Your Space is ready. The homeserver limits invitations: yours comes in a few minutes. Your chats are here:"
        }
        PointerReason::NotAChat => {
            "This room is not a chat, so no agent reads it. Your chats are here:"
        }
        PointerReason::Asked => "Your chats are here:",
    }
}

const fn status(status: ChatStatus) -> &'static str {
    match status {
        ChatStatus::Active => "active",
        ChatStatus::Archived => "archived",
        ChatStatus::Gone => "gone",
    }
}

const fn language_name(language: Locale) -> &'static str {
    match language {
        Locale::En => "English (`en`)",
        Locale::Ru => "Russian (`ru`)",
    }
}

const fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn duration(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}
