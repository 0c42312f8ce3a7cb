//! What a message asks for: a few plain words in English or Russian, everything else is said back.

/// The longest count, so that an answer ends.
const LONGEST_COUNT: u32 = 1000;

/// What a message asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Say what can be asked for.
    Help,
    /// Say what is remembered.
    Remember,
    /// Write a file.
    Write { name: String, text: String },
    /// Look at a file.
    Read { name: String },
    /// Ask whether something may be done.
    AskPermission { to: String },
    /// Count slowly, so that there is something to stop.
    Count { to: u32 },
    /// Nothing of these.
    Say { text: String },
}

impl Wish {
    /// Understands a message.
    pub(super) fn of(text: &str) -> Self {
        let text = text.trim();
        let bare = text.trim_end_matches(['?', '!', '.']);
        if ["help", "помощь", "справка"]
            .iter()
            .any(|word| same(bare, word))
        {
            return Self::Help;
        }
        if ["what do you remember", "что ты помнишь"]
            .iter()
            .any(|words| same(bare, words))
        {
            return Self::Remember;
        }
        let asked = after(
            text,
            &[
                "ask permission to",
                "спроси разрешения",
                "спроси разрешение",
            ],
        );
        if let Some(to) = asked {
            return Self::AskPermission { to };
        }
        if let Some((name, text)) = after(text, &["write", "запиши"]).as_deref().and_then(named)
        {
            return Self::Write { name, text };
        }
        if let Some(name) =
            after(text, &["read", "прочти"]).filter(|name| !name.contains(['\n', ' ']))
        {
            return Self::Read { name };
        }
        let count = after(text, &["count to", "считай до"]);
        if let Some(to) = count.and_then(|number| number.parse::<u32>().ok()) {
            return Self::Count {
                to: to.min(LONGEST_COUNT),
            };
        }
        Self::Say {
            text: text.to_owned(),
        }
    }
}

fn same(text: &str, words: &str) -> bool {
    text.to_lowercase() == words
}

/// What stands after one of the beginnings and a blank.
fn after(text: &str, beginnings: &[&str]) -> Option<String> {
    beginnings.iter().find_map(|beginning| {
        // Small and capital letters of both languages are equally long.
        let (start, rest) = text.split_at_checked(beginning.len())?;
        let rest = rest.strip_prefix(char::is_whitespace)?.trim();
        (same(start, beginning) && !rest.is_empty()).then(|| rest.to_owned())
    })
}

/// `NAME: TEXT`
fn named(rest: &str) -> Option<(String, String)> {
    let (name, text) = rest.split_once(':')?;
    let name = name.trim();
    (!name.is_empty() && !name.contains('\n'))
        .then(|| (name.to_owned(), text.trim_start().to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_few_words_are_understood_in_two_languages() {
        let write = |name: &str, text: &str| Wish::Write {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        let ask = |to: &str| Wish::AskPermission { to: to.to_owned() };
        let read = |name: &str| Wish::Read {
            name: name.to_owned(),
        };
        let say = |text: &str| Wish::Say {
            text: text.to_owned(),
        };
        let table = [
            ("help", Wish::Help),
            (" Help! ", Wish::Help),
            ("Помощь", Wish::Help),
            ("help me", say("help me")),
            ("what do you remember?", Wish::Remember),
            ("Что ты помнишь?", Wish::Remember),
            ("write a.txt: some text", write("a.txt", "some text")),
            (
                "Write notes/a b.md:\n# Title\nmore",
                write("notes/a b.md", "# Title\nmore"),
            ),
            ("запиши план.txt: раз: два", write("план.txt", "раз: два")),
            ("write ../x: y", write("../x", "y")),
            ("write a.txt", say("write a.txt")),
            ("write : text", say("write : text")),
            ("writers: all", say("writers: all")),
            ("read a.txt", read("a.txt")),
            ("прочти план.txt", read("план.txt")),
            (
                "read the whole book to me",
                say("read the whole book to me"),
            ),
            ("ask permission to delete all", ask("delete all")),
            ("Спроси разрешения удалить всё", ask("удалить всё")),
            ("ask permission to", say("ask permission to")),
            ("count to 5", Wish::Count { to: 5 }),
            ("считай до 9999", Wish::Count { to: 1000 }),
            ("count to ten", say("count to ten")),
            ("", say("")),
            ("  hello\nworld ", say("hello\nworld")),
        ];
        for (text, expected) in table {
            assert_eq!(Wish::of(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_understood_somehow(text in any::<String>()) {
            let _wish = Wish::of(&text);
        }
    }
}
