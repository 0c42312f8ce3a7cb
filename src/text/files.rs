//! What is said about files. A size is told in the unit in which people read it.

pub(super) mod en;
pub(super) mod ru;

use super::{Locale, markdown};
use crate::platform::{Media, PromptFile};

/// Texts about files. Names are as people and agents chose them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileNote<'a> {
    /// A file came, and waits.
    Staged(&'a PromptFile),
    /// These wait.
    Waiting(&'a [PromptFile]),
    /// `!drop` removed these.
    Dropped(&'a [PromptFile]),
    /// So many files wait, and none has that number.
    NoSuchNumber(usize),
    /// A file that came is larger than one may be.
    TooLarge {
        /// The file.
        name: &'a str,
        /// The most, in bytes.
        limit: u64,
    },
    /// A file that came does not fit beside the person's other files.
    OverQuota {
        /// The file.
        name: &'a str,
        /// What all may take, in bytes.
        quota: u64,
    },
    /// The content of a file is not to be had.
    NotFetched(&'a str),
    /// A file cannot be written.
    NotKept(&'a str),
    /// A message has neither words nor a file.
    NothingToRead,
    /// Stands before files that an agent sends without words.
    Here,
    /// A file that the agent named is not sent.
    NotSent {
        /// As the agent named it.
        path: &'a str,
        /// Why.
        why: NotSent,
    },
    /// The agent named more files than one answer may send.
    TooMany(usize),
    /// The homeserver does not take a file of an answer.
    NotUploaded(&'a str),
    /// The agent asked for permission with more words than a person is shown.
    NotAsked,
    /// The agent gave something that a chat cannot show yet.
    NotShown {
        /// What.
        media: Media,
        /// More than one of it.
        several: bool,
    },
}

/// Why a file that an agent named is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// There is none.
    Missing,
    /// It is a folder or the like.
    NotAFile,
    /// The path leads out of the workspace, or over a link.
    Outside,
    /// It lies in the folder of another chat.
    OtherChat,
    /// It has more bytes than this.
    TooLarge(u64),
    /// The system failed.
    Failed,
}

impl FileNote<'_> {
    /// In words.
    pub fn text(&self, locale: Locale) -> String {
        match locale {
            Locale::En => en::note(self),
            Locale::Ru => ru::note(self),
        }
    }
}

/// The size in the largest of these units (a 1024th each of the next) of which there is at least one.
fn size(bytes: u64, units: [&str; 3]) -> Option<String> {
    let power = bytes.max(1).ilog2() / 10;
    let unit = units.get(usize::try_from(power.checked_sub(1)?.min(2)).ok()?)?;
    let shift = 10 * power.min(3);
    let whole = bytes >> shift;
    let tenths = ((bytes - (whole << shift)) * 10) >> shift;
    Some(format!("{whole}.{tenths} {unit}"))
}

fn names(files: &[PromptFile]) -> String {
    let names: Vec<String> = files
        .iter()
        .map(|file| markdown::escape(&file.name))
        .collect();
    names.join(", ")
}

/// One line for each file, with its number.
fn numbered(files: &[PromptFile], size: fn(u64) -> String) -> String {
    let lines: Vec<String> = (1..)
        .zip(files)
        .map(|(number, file)| {
            format!(
                "{number}. {} ({})",
                markdown::escape(&file.name),
                size(file.size)
            )
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use pulldown_cmark::{Event, Parser, Tag};

    use super::*;

    const NASTY: &str = "# [x](https://evil.example) **@room**";

    fn notes(locale: Locale) -> Vec<String> {
        let file = PromptFile {
            path: "surfaces/x".to_owned(),
            name: NASTY.to_owned(),
            mime: None,
            size: 3000,
        };
        let files = [file.clone(), file.clone()];
        let (name, path) = (NASTY, NASTY);
        let mut all: Vec<String> = [
            FileNote::Staged(&file),
            FileNote::Waiting(&[]),
            FileNote::Dropped(&files),
            FileNote::Dropped(&[]),
            FileNote::NoSuchNumber(0),
            FileNote::NoSuchNumber(2),
            FileNote::TooLarge { name, limit: 5 },
            FileNote::OverQuota { name, quota: 5 },
            FileNote::NotFetched(name),
            FileNote::NotKept(name),
            FileNote::NothingToRead,
            FileNote::Here,
            FileNote::TooMany(3),
            FileNote::NotUploaded(name),
            FileNote::NotAsked,
        ]
        .map(|note| note.text(locale))
        .into();
        for why in [
            NotSent::Missing,
            NotSent::NotAFile,
            NotSent::Outside,
            NotSent::OtherChat,
            NotSent::TooLarge(5),
            NotSent::Failed,
        ] {
            all.push(FileNote::NotSent { path, why }.text(locale));
        }
        for media in [Media::Picture, Media::Sound, Media::Other] {
            for several in [false, true] {
                all.push(FileNote::NotShown { media, several }.text(locale));
            }
        }
        for text in &all {
            assert!(!text.contains('\n'), "{text}");
            assert!(text.ends_with(['.', ':']), "{text}");
        }
        all.push(FileNote::Waiting(&files).text(locale));
        all
    }

    #[test]
    fn no_name_becomes_markup_or_a_mention() {
        for text in [notes(Locale::En), notes(Locale::Ru)].concat() {
            let breaks_out = |event: Event<'_>| {
                matches!(
                    event,
                    Event::Start(Tag::Link { .. } | Tag::Heading { .. } | Tag::Strong)
                )
            };
            assert!(!Parser::new(&text).any(breaks_out), "{text}");
            assert!(!text.contains("@room"), "{text}");
        }
    }

    #[test]
    fn the_languages_differ_and_russian_is_written_in_cyrillic() {
        for (english, russian) in notes(Locale::En).iter().zip(notes(Locale::Ru)) {
            let cyrillic = |text: &str| text.chars().any(|letter| ('а'..='я').contains(&letter));
            assert!(!cyrillic(english), "{english}");
            assert!(cyrillic(&russian), "{russian}");
        }
    }

    #[test]
    fn a_size_is_told_in_the_unit_people_read() {
        for (bytes, english, russian) in [
            (0, "0 bytes", "0 Б"),
            (1, "1 byte", "1 Б"),
            (1023, "1023 bytes", "1023 Б"),
            (1024, "1.0 KiB", "1.0 КиБ"),
            (1_600_000, "1.5 MiB", "1.5 МиБ"),
            (50 << 20, "50.0 MiB", "50.0 МиБ"),
            (u64::MAX, "17179869183.9 GiB", "17179869183.9 ГиБ"),
        ] {
            assert_eq!(en::size(bytes), english);
            assert_eq!(ru::size(bytes), russian);
        }
    }
}
