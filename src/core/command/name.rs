//! The names of commands, and which of them was probably meant.

use std::fmt;

/// A command there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandName {
    /// What there is.
    Help,
    /// Where the user's chats are.
    Start,
    /// A new chat.
    New,
    /// All chats.
    Chats,
    /// Another name for this chat.
    Rename,
    /// A chat out of the Space.
    Archive,
    /// A chat back into the Space.
    Unarchive,
    /// A new context for this chat.
    Clear,
    /// What the agent remembers of this chat.
    Context,
    /// The agents, or another one for this chat.
    Agent,
    /// The files that wait for the next message.
    Files,
    /// Without those files.
    Drop,
    /// The user's settings.
    Settings,
    /// A context kept under a name.
    Save,
    /// A chat continued from a kept context.
    Load,
    /// The end of the running answer.
    Stop,
    /// The answer to an agent's question.
    Yes,
    /// The answer to an agent's question.
    No,
}

impl CommandName {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 18] = [
        Self::Help,
        Self::Start,
        Self::New,
        Self::Chats,
        Self::Rename,
        Self::Archive,
        Self::Unarchive,
        Self::Clear,
        Self::Context,
        Self::Agent,
        Self::Files,
        Self::Drop,
        Self::Settings,
        Self::Save,
        Self::Load,
        Self::Stop,
        Self::Yes,
        Self::No,
    ];

    /// What is typed after the `!`, the same in every language.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Help => "help",
            Self::Start => "start",
            Self::New => "new",
            Self::Chats => "chats",
            Self::Rename => "rename",
            Self::Archive => "archive",
            Self::Unarchive => "unarchive",
            Self::Clear => "clear",
            Self::Context => "context",
            Self::Agent => "agent",
            Self::Files => "files",
            Self::Drop => "drop",
            Self::Settings => "settings",
            Self::Save => "save",
            Self::Load => "load",
            Self::Stop => "stop",
            Self::Yes => "yes",
            Self::No => "no",
        }
    }

    /// The command with this name, in whatever case it is typed.
    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.to_lowercase();
        Self::ALL.into_iter().find(|name| name.word() == word)
    }

    /// The command that was probably meant: one or two slips of the finger away, or typed with the Russian keyboard
    /// layout switched on.
    pub fn nearest(word: &str) -> Option<Self> {
        /// No command is longer by enough to be meant by anything longer than this.
        const LONGEST: usize = 16;
        let word: String = word
            .chars()
            .take(LONGEST)
            .collect::<String>()
            .to_lowercase();
        let typed: String = word.chars().map(latin_key).collect();
        Self::ALL
            .into_iter()
            .map(|name| (strsim::osa_distance(name.word(), &typed), name))
            .filter(|(distance, name)| *distance <= (name.word().len() / 3).clamp(1, 2))
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, name)| name)
    }
}

impl fmt::Display for CommandName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// The Latin letter on the key of a Russian one.
fn latin_key(letter: char) -> char {
    const RUSSIAN: &str = "йцукенгшщзфывапролдячсмить";
    const LATIN: &str = "qwertyuiopasdfghjklzxcvbnm";
    RUSSIAN
        .chars()
        .zip(LATIN.chars())
        .find_map(|(russian, latin)| (russian == letter).then_some(latin))
        .unwrap_or(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_in_any_case() {
        for name in CommandName::ALL {
            assert_eq!(CommandName::from_word(name.word()), Some(name));
            let upper = name.word().to_uppercase();
            assert_eq!(CommandName::from_word(&upper), Some(name));
        }
    }

    #[test]
    fn a_slip_of_the_finger_is_understood_and_other_words_are_not() {
        for (typed, meant) in [
            ("hlep", Some(CommandName::Help)),
            ("HELPP", Some(CommandName::Help)),
            ("nwe", Some(CommandName::New)),
            ("chat", Some(CommandName::Chats)),
            ("rename!", Some(CommandName::Rename)),
            ("unarchiv", Some(CommandName::Unarchive)),
            ("setings", Some(CommandName::Settings)),
            ("agents", Some(CommandName::Agent)),
            ("рудз", Some(CommandName::Help)),
            ("сдуфк", Some(CommandName::Clear)),
            ("file", Some(CommandName::Files)),
            ("drp", Some(CommandName::Drop)),
            ("stpo", Some(CommandName::Stop)),
            ("svae", Some(CommandName::Save)),
            ("loda", Some(CommandName::Load)),
            ("помощь", None),
            ("weather", None),
            ("", None),
        ] {
            assert_eq!(CommandName::nearest(typed), meant, "{typed}");
        }
        assert_eq!(CommandName::nearest(&"help".repeat(10_000)), None);
    }
}
