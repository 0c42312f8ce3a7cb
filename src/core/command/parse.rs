//! What a text says, if it is a command. Pure.

use super::{
    Agent, Answer, Archive, Chats, Clear, Command, CommandName, Context, Drop, Files, Help, Load,
    New, Rename, Save, Settings, Start, Stop, Unarchive,
};
use crate::core::chat::name::{self, NotAName};

/// A text, looked at as a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// Words for the agent.
    NotACommand,
    /// A command, used right.
    Command(Command),
    /// A command, used wrong.
    Wrong(Wrong),
    /// It looks like a command, and there is none of that name.
    Unknown {
        /// The name as it was typed, at most 32 characters of it.
        typed: String,
        /// What was probably meant.
        nearest: Option<CommandName>,
    },
}

/// What is wrong with the words behind a command's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// They are not what the command takes.
    Usage(CommandName),
    /// The chat's name is too long.
    NameTooLong,
}

/// Reads a text. A command is a `!` with a letter right behind it: `!`, `!!!wow` and `! hello` are words like any others.
pub fn parse(text: &str) -> Parsed {
    let Some(line) = text.trim_start().strip_prefix('!') else {
        return Parsed::NotACommand;
    };
    if !line.starts_with(char::is_alphabetic) {
        return Parsed::NotACommand;
    }
    let (word, words) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    match CommandName::from_word(word) {
        Some(name) => named(name, words.trim()).map_or_else(Parsed::Wrong, Parsed::Command),
        None => Parsed::Unknown {
            typed: word.chars().take(32).collect(),
            nearest: CommandName::nearest(word),
        },
    }
}

fn named(name: CommandName, words: &str) -> Result<Command, Wrong> {
    match name {
        CommandName::Help => Help::parse(words).map(Command::Help),
        CommandName::Start => Start::parse(words).map(Command::Start),
        CommandName::New => New::parse(words).map(Command::New),
        CommandName::Chats => Chats::parse(words).map(Command::Chats),
        CommandName::Rename => Rename::parse(words).map(Command::Rename),
        CommandName::Archive => Archive::parse(words).map(Command::Archive),
        CommandName::Unarchive => Unarchive::parse(words).map(Command::Unarchive),
        CommandName::Clear => Clear::parse(words).map(Command::Clear),
        CommandName::Context => Context::parse(words).map(Command::Context),
        CommandName::Agent => Ok(Command::Agent(Agent::parse(words))),
        CommandName::Files => Files::parse(words).map(Command::Files),
        CommandName::Drop => Drop::parse(words).map(Command::Drop),
        CommandName::Settings => Settings::parse(words).map(Command::Settings),
        CommandName::Save => Save::parse(words).map(Command::Save),
        CommandName::Load => Load::parse(words).map(Command::Load),
        CommandName::Stop => Stop::parse(words).map(Command::Stop),
        CommandName::Yes => Answer::Yes.parse(words).map(Command::Answer),
        CommandName::No => Answer::No.parse(words).map(Command::Answer),
    }
}

/// For a command that takes nothing.
pub(super) fn nothing(words: &str, name: CommandName) -> Result<(), Wrong> {
    if words.is_empty() {
        Ok(())
    } else {
        Err(Wrong::Usage(name))
    }
}

/// For a command that takes the name of a chat.
pub(super) fn chat_name(words: &str, command: CommandName) -> Result<String, Wrong> {
    name::typed(words).map_err(|problem| match problem {
        NotAName::Empty => Wrong::Usage(command),
        NotAName::TooLong => Wrong::NameTooLong,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::{
        chat::{Locale, name::MAX_CHARS},
        ids::ChatId,
    };

    fn command(text: &str) -> Option<Command> {
        match parse(text) {
            Parsed::Command(command) => Some(command),
            _ => None,
        }
    }

    #[test]
    fn words_that_only_look_like_a_command_are_words() {
        for text in [
            "",
            "hello",
            "!",
            "!!",
            "!!!wow",
            "! hello",
            "!\thelp",
            "!1",
            "!?",
            "!=",
            "!\u{301}",
            "!🙂",
            "say !help",
            "\\!help",
            "/help",
            "> !help",
        ] {
            assert_eq!(parse(text), Parsed::NotACommand, "{text:?}");
        }
    }

    #[test]
    fn right_uses_without_words_are_understood() {
        for (text, expected) in [
            ("!help", Command::Help(Help { about: None })),
            (" \n !HeLp", Command::Help(Help { about: None })),
            ("!start", Command::Start(Start)),
            ("!start \n", Command::Start(Start)),
            ("!new", Command::New(New { name: None })),
            ("!chats", Command::Chats(Chats)),
            ("!archive", Command::Archive(Archive { chat: None })),
            ("!unarchive", Command::Unarchive(Unarchive { chat: None })),
            ("!clear", Command::Clear(Clear)),
            ("!context", Command::Context(Context { all: false })),
            ("!context All", Command::Context(Context { all: true })),
            ("!agent", Command::Agent(Agent { wanted: None })),
            ("!settings", Command::Settings(Settings::Show)),
            ("!save", Command::Save(Save { name: None })),
            ("!load", Command::Load(Load { name: None })),
            ("!stop", Command::Stop(Stop)),
            ("!Yes", Command::Answer(Answer::Yes)),
            ("!no ", Command::Answer(Answer::No)),
        ] {
            assert_eq!(parse(text), Parsed::Command(expected), "{text:?}");
        }
    }

    #[test]
    fn right_uses_with_words_are_understood() {
        let chat = Some(ChatId::new(4));
        let about = Some(CommandName::New);
        let name = "Trip to Rome".to_owned();
        let named = New {
            name: Some(name.clone()),
        };
        let gpt = Some("gpt".to_owned());
        for (text, expected) in [
            ("!help new", Command::Help(Help { about })),
            ("!help !New", Command::Help(Help { about })),
            ("!NEW  Trip \n to\tRome ", Command::New(named.clone())),
            ("!new\nTrip to Rome", Command::New(named)),
            ("!rename Trip to Rome", Command::Rename(Rename { name })),
            ("!archive c4", Command::Archive(Archive { chat })),
            ("!archive С4", Command::Archive(Archive { chat })),
            ("!unarchive C4", Command::Unarchive(Unarchive { chat })),
            ("!agent gpt", Command::Agent(Agent { wanted: gpt })),
            (
                "!settings Language RU",
                Command::Settings(Settings::Language(Locale::Ru)),
            ),
            (
                "!settings streaming  off",
                Command::Settings(Settings::Streaming(false)),
            ),
            (
                "!settings agent My agent",
                Command::Settings(Settings::Agent("My agent".to_owned())),
            ),
        ] {
            assert_eq!(parse(text), Parsed::Command(expected), "{text:?}");
        }
    }

    #[test]
    fn wrong_uses_name_the_command_they_are_of() {
        for (text, name) in [
            ("!help me please", CommandName::Help),
            ("!start now", CommandName::Start),
            ("!new \u{200b}", CommandName::New),
            ("!chats all", CommandName::Chats),
            ("!rename", CommandName::Rename),
            ("!rename \n\u{0}", CommandName::Rename),
            ("!archive 4", CommandName::Archive),
            ("!archive C0", CommandName::Archive),
            ("!archive C4 C5", CommandName::Archive),
            ("!archive C99999999999", CommandName::Archive),
            ("!unarchive four", CommandName::Unarchive),
            ("!clear everything", CommandName::Clear),
            ("!context C4", CommandName::Context),
            ("!save \u{200b}", CommandName::Save),
            ("!load \u{200b}", CommandName::Load),
            ("!stop now", CommandName::Stop),
            ("!yes please", CommandName::Yes),
            ("!no 2", CommandName::No),
            ("!settings language", CommandName::Settings),
            ("!settings language de", CommandName::Settings),
            ("!settings language en ru", CommandName::Settings),
            ("!settings streaming maybe", CommandName::Settings),
            ("!settings agent", CommandName::Settings),
            ("!settings colour blue", CommandName::Settings),
        ] {
            assert_eq!(parse(text), Parsed::Wrong(Wrong::Usage(name)), "{text:?}");
        }
    }

    #[test]
    fn a_name_is_as_long_as_names_may_be() {
        let longest = "я".repeat(MAX_CHARS);
        for word in ["!new", "!rename", "!save", "!load"] {
            assert!(command(&format!("{word} {longest}")).is_some());
            assert_eq!(
                parse(&format!("{word} {longest}я")),
                Parsed::Wrong(Wrong::NameTooLong)
            );
        }
    }

    #[test]
    fn unknown_commands_suggest_the_nearest() {
        for (text, typed, nearest) in [
            ("!hepl", "hepl", Some(CommandName::Help)),
            ("!Help!", "Help!", Some(CommandName::Help)),
            ("!помощь", "помощь", None),
            ("!рудз", "рудз", Some(CommandName::Help)),
            ("!svae x", "svae", Some(CommandName::Save)),
            ("!xyzzy and more", "xyzzy", None),
        ] {
            let typed = typed.to_owned();
            assert_eq!(parse(text), Parsed::Unknown { typed, nearest }, "{text}");
        }
    }

    #[test]
    fn only_the_beginning_of_an_endless_command_is_repeated() {
        let Parsed::Unknown {
            typed,
            nearest: None,
        } = parse(&format!("!{}", "я".repeat(60_000)))
        else {
            panic!("it is unknown");
        };
        assert_eq!(typed.chars().count(), 32);
    }

    proptest! {
        #[test]
        fn any_text_can_be_parsed(text in any::<String>()) {
            parse(&text);
            parse(&format!("!{text}"));
        }

        #[test]
        fn any_words_can_follow_a_known_command(index in 0..CommandName::ALL.len(), words in any::<String>()) {
            let text = format!("!{} {words}", CommandName::ALL[index]);
            let is_known = matches!(parse(&text), Parsed::Command(_) | Parsed::Wrong(_));
            prop_assert!(is_known, "{text:?}");
        }
    }
}
