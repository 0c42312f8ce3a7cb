//! Names of chats: what a person may call one, and what is kept of a name that a client wrote.

/// The longest name of a chat, in characters.
pub const MAX_CHARS: usize = 100;

/// Why a text cannot be a chat's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAName {
    /// Nothing of it can be seen.
    #[error("a name needs at least one visible character")]
    Empty,
    /// More than [`MAX_CHARS`] characters.
    #[error("a name has at most {MAX_CHARS} characters")]
    TooLong,
}

/// The text on one line: control characters and runs of white space become one space, and characters that turn the
/// direction of what follows are dropped.
pub fn one_line(text: &str) -> String {
    let kept: String = text
        .chars()
        .filter(|letter| !turns_direction(*letter))
        .collect();
    kept.split(|letter: char| letter.is_whitespace() || letter.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A name as somebody typed it for a command.
pub fn typed(text: &str) -> Result<String, NotAName> {
    let name = one_line(text);
    if name.chars().all(is_invisible) {
        Err(NotAName::Empty)
    } else if name.chars().count() > MAX_CHARS {
        Err(NotAName::TooLong)
    } else {
        Ok(name)
    }
}

/// A name as a client wrote it into the room: what is too long is cut, and `None` where nothing of it can be seen.
pub fn from_room(text: &str) -> Option<String> {
    let cut: String = one_line(text).chars().take(MAX_CHARS).collect();
    let name = cut.trim_end();
    (!name.chars().all(is_invisible)).then(|| name.to_owned())
}

const fn turns_direction(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

const fn is_invisible(letter: char) -> bool {
    matches!(letter, ' ' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_typed_name_is_cleaned_or_refused() {
        let longest = "я".repeat(MAX_CHARS);
        for (text, expected) in [
            ("Trip", Ok("Trip")),
            ("  Trip \t to\r\n\nRome ", Ok("Trip to Rome")),
            ("a\u{0}\u{7}b", Ok("a b")),
            ("👩‍👩‍👧", Ok("👩‍👩‍👧")),
            (longest.as_str(), Ok(longest.as_str())),
            ("", Err(NotAName::Empty)),
            (" \n\u{0} ", Err(NotAName::Empty)),
            ("\u{200b}\u{feff}", Err(NotAName::Empty)),
            (&"я".repeat(MAX_CHARS + 1), Err(NotAName::TooLong)),
        ] {
            assert_eq!(
                typed(text).as_deref().map_err(|why| *why),
                expected,
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_name_from_a_room_is_cut_rather_than_refused() {
        assert_eq!(from_room("  Trip\n").as_deref(), Some("Trip"));
        assert_eq!(from_room("\u{200b}"), None);
        let cut = from_room(&"x".repeat(64 * 1024)).unwrap();
        assert_eq!(cut.len(), MAX_CHARS);
    }

    proptest! {
        #[test]
        fn what_was_accepted_once_is_accepted_unchanged(text in any::<String>()) {
            if let Ok(name) = typed(&text) {
                let again = typed(&name);
                prop_assert_eq!(again.as_ref(), Ok(&name));
                prop_assert_eq!(from_room(&text), Some(name));
            }
        }
    }
}
