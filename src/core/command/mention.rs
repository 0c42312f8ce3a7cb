//! A command that begins with the bot's name: `surfaces-bot: !help`.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use crate::core::{ids::RoomKey, message::Incoming};

/// What people call the bot: everywhere its user id and the first part of that, and in each room the name it has there.
pub struct BotNames {
    everywhere: Vec<String>,
    in_rooms: RwLock<BTreeMap<RoomKey, String>>,
}

impl BotNames {
    /// With these names in every room.
    pub fn new(everywhere: Vec<String>) -> Self {
        Self {
            everywhere,
            in_rooms: RwLock::default(),
        }
    }

    /// From now on the bot has this display name in the room, or none.
    pub fn set(&self, room: &RoomKey, name: Option<String>) {
        let is_same = self.in_room(room) == name;
        if is_same {
            return;
        }
        let mut names = self
            .in_rooms
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        match name {
            Some(name) => names.insert(room.clone(), name),
            None => names.remove(room),
        };
    }

    fn in_room(&self, room: &RoomKey) -> Option<String> {
        let names = self.in_rooms.read().unwrap_or_else(PoisonError::into_inner);
        names.get(room).cloned()
    }

    /// The command behind a mention of the bot in front of the message; any other text as it is.
    pub(crate) fn without_mention<'text>(&self, message: &'text Incoming) -> &'text str {
        let mut names = self.everywhere.clone();
        names.extend(self.in_room(&message.room));
        if let Some(mention) = &message.mention
            && self
                .everywhere
                .iter()
                .any(|name| name == mention.user.as_str())
        {
            names.push(mention.label.clone());
        }
        without_mention(&message.text, &names)
    }
}

/// The command behind a leading mention of one of `names`; any other text as it is.
///
/// Clients write a mention as `name: `, `@name `, or as a link to the user.
fn without_mention<'text>(text: &'text str, names: &[String]) -> &'text str {
    let start = text.trim_start();
    let behind = behind_link(start, names).or_else(|| {
        let bare = start.strip_prefix('@').unwrap_or(start);
        // One name may begin with another: `surfaces` and `Surfaces Bot`.
        names.iter().find_map(|name| {
            let name = name.strip_prefix('@').unwrap_or(name);
            behind_separator(strip_name(bare, name)?).filter(|rest| rest.starts_with('!'))
        })
    });
    match behind {
        Some(command) if command.starts_with('!') => command,
        _ => text,
    }
}

/// Behind `[name](https://matrix.to/#/@name:server)`.
fn behind_link<'text>(text: &'text str, names: &[String]) -> Option<&'text str> {
    let (label, rest) = text.strip_prefix('[')?.split_once("](")?;
    let (target, rest) = rest.split_once(')')?;
    let is_bot = |name: &String| {
        let spoken = label.strip_prefix('@').unwrap_or(label);
        let name = name.strip_prefix('@').unwrap_or(name);
        strip_name(spoken, name) == Some("") || target.ends_with(&format!("/@{name}"))
    };
    names
        .iter()
        .any(is_bot)
        .then(|| rest.trim_start_matches([':', ',']).trim_start())
}

/// `text` behind `name`, in whatever case it is written.
fn strip_name<'text>(text: &'text str, name: &str) -> Option<&'text str> {
    if name.is_empty() {
        return None;
    }
    let mut letters = text.chars();
    for wanted in name.chars() {
        let letter = letters.next()?;
        if !letter.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
    }
    Some(letters.as_str())
}

/// A name ends at a colon, a comma or white space.
fn behind_separator(rest: &str) -> Option<&str> {
    let behind = rest.strip_prefix([':', ',']);
    match behind {
        Some(behind) => Some(behind.trim_start()),
        None if rest.starts_with(char::is_whitespace) => Some(rest.trim_start()),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> Vec<String> {
        [
            "surfaces",
            "surfaces-bot",
            "Робот Лямбда",
            "Surfaces Bot",
            "@bot:example.org",
            "",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    #[test]
    fn a_leading_mention_of_the_bot_is_taken_off_a_command() {
        for text in [
            "!help me",
            "surfaces-bot: !help me",
            "Surfaces-Bot, !help me",
            "surfaces-bot !help me",
            "@surfaces-bot:\n!help me",
            "  surfaces-bot:!help me",
            "surfaces: !help me",
            "Surfaces Bot: !help me",
            "surfaces bot !help me",
            "робот лямбда: !help me",
            "@bot:example.org !help me",
            "@bot:example.org: !help me",
            "[surfaces-bot](https://matrix.to/#/@bot:example.org): !help me",
            "[Whatever](https://matrix.to/#/@bot:example.org) !help me",
            "[@surfaces-bot](https://matrix.to/#/%40bot%3Aexample.org) !help me",
        ] {
            assert_eq!(without_mention(text, &names()), "!help me", "{text}");
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for text in [
            "surfaces-bot: what is the weather?",
            "surfaces-bots: !help",
            "surfaces-bot!help",
            "somebody: !help",
            "[somebody](https://matrix.to/#/@some:body): !help",
            "[surfaces-bot](no end !help",
            "[surfaces-bot] !help",
            "surfaces-bot",
            ": !help",
            "",
        ] {
            assert_eq!(without_mention(text, &names()), text, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in any::<String>(), name in any::<String>()) {
            let names = [name];
            prop_assert!(text.ends_with(without_mention(&text, &names)));
        }
    }
}
