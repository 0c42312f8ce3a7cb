//! The tags around reasoning.

/// What models call it.
const NAMES: [&str; 3] = ["think", "thinking", "thought"];

/// Which end of the reasoning a tag marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Opens,
    Closes,
}

/// What a text begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Tag {
        kind: Kind,
        name: &'static str,
        /// In bytes.
        length: usize,
    },
    /// Perhaps a tag; more text is needed to tell.
    Beginning,
    Nothing,
}

/// What `text` begins with.
pub(super) fn at(text: &str) -> Found {
    let mut found = Found::Nothing;
    for name in NAMES {
        for (kind, tag) in [
            (Kind::Opens, format!("<{name}>")),
            (Kind::Closes, format!("</{name}>")),
        ] {
            let common = tag.len().min(text.len());
            if !text.as_bytes()[..common].eq_ignore_ascii_case(&tag.as_bytes()[..common]) {
                continue;
            }
            if common == tag.len() {
                let length = common;
                return Found::Tag { kind, name, length };
            }
            found = Found::Beginning;
        }
    }
    found
}
