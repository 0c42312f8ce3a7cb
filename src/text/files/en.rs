//! English.

use super::{FileNote, NotSent, markdown::escape, names, numbered};
use crate::platform::Media;

/// The workspace failed.
pub(in crate::text) const UNREACHABLE: &str = "I cannot get at your files just now. Please try again; if it happens again, \
    tell whoever runs this bot.";

pub(super) fn note(note: &FileNote<'_>) -> String {
    match note {
        FileNote::Staged(file) => format!(
            "{} ({}) goes with your next message. `!files` shows what waits, `!drop` removes it.",
            escape(&file.name),
            size(file.size)
        ),
        FileNote::Waiting([]) | FileNote::Dropped([]) | FileNote::NoSuchNumber(0) => {
            "No files wait here.".to_owned()
        }
        FileNote::Waiting(files) => format!(
            "These go with your next message; `!drop [n]` removes one or all of them:\n\n{}",
            numbered(files, size)
        ),
        FileNote::Dropped(files) => format!("Dropped: {}.", names(files)),
        FileNote::NoSuchNumber(1) => {
            "There is no such file: 1 waits here. `!files` shows it.".to_owned()
        }
        FileNote::NoSuchNumber(waiting) => {
            format!("There is no such file: {waiting} wait here. `!files` shows them.")
        }
        FileNote::TooLarge { name, limit } => format!(
            "{} is too large: a file may have at most {}.",
            escape(name),
            size(*limit)
        ),
        FileNote::OverQuota { name, quota } => format!(
            "There is no room for {}: your files may take {} together. `!drop` removes those that wait; the agent can \
            delete those it has.",
            escape(name),
            size(*quota)
        ),
        FileNote::NotFetched(name) => format!(
            "I could not get {} from the homeserver. Please send it again.",
            escape(name)
        ),
        FileNote::NotKept(name) => format!(
            "I could not keep {}. Please send it again; if it happens again, tell whoever runs this bot.",
            escape(name)
        ),
        FileNote::NothingToRead => {
            "I can't read this kind of message. Please write it as text, or send it as a file."
                .to_owned()
        }
        FileNote::Here => "Here you are:".to_owned(),
        FileNote::NotSent { path, why } => {
            format!(
                "The agent's file {} was not sent: {}.",
                escape(path),
                reason(*why)
            )
        }
        FileNote::TooMany(most) => {
            format!("Only the first {most} files of this answer were sent.")
        }
        FileNote::NotUploaded(name) => {
            format!(
                "The homeserver did not take {}, so it was not sent.",
                escape(name)
            )
        }
        FileNote::NotAsked => {
            "The agent asked to do something that is too long to show, so I refused it. \
            Ask it to do that in smaller steps."
                .to_owned()
        }
        FileNote::NotShown { media, several } => not_shown(*media, *several).to_owned(),
    }
}

const fn not_shown(media: Media, several: bool) -> &'static str {
    match (media, several) {
        (Media::Picture, false) => "The agent sent a picture, which I cannot show here yet.",
        (Media::Picture, true) => "The agent sent pictures, which I cannot show here yet.",
        (Media::Sound, false) => "The agent sent a recording, which I cannot play here yet.",
        (Media::Sound, true) => "The agent sent recordings, which I cannot play here yet.",
        (Media::Other, _) => "The agent sent something that I cannot show here yet.",
    }
}

fn reason(why: NotSent) -> String {
    match why {
        NotSent::Missing => "there is no such file".to_owned(),
        NotSent::NotAFile => "it is not a file".to_owned(),
        NotSent::Outside => "it lies outside the workspace".to_owned(),
        NotSent::OtherChat => "it belongs to another chat".to_owned(),
        NotSent::TooLarge(limit) => format!("a file may have at most {}", size(limit)),
        NotSent::Failed => "I could not read it".to_owned(),
    }
}

pub(super) fn size(bytes: u64) -> String {
    super::size(bytes, ["KiB", "MiB", "GiB"]).unwrap_or_else(|| match bytes {
        1 => "1 byte".to_owned(),
        bytes => format!("{bytes} bytes"),
    })
}
