//! The files that an agent names in one answer, and what it gives that a chat cannot show.

use std::collections::BTreeMap;

use super::{Turn, context_of};
use crate::{
    core::{
        chat::Locale,
        files::FilesError,
        message::{FileReply, OutgoingFile, Reply},
    },
    platform::Media,
    text::{FileNote, NotSent},
};

/// Files that one answer may send.
const MOST_FILES: usize = 10;

/// What became of each file, in the order in which they were named first.
#[derive(Default)]
pub(super) struct NamedFiles {
    files: Vec<(String, Result<OutgoingFile, NotSent>)>,
    too_many: bool,
    /// A permission question was refused because it cannot be shown whole.
    not_asked: bool,
    /// What cannot be shown, and whether there was more than one.
    not_shown: BTreeMap<Media, bool>,
}

impl NamedFiles {
    /// Copies the file as it is now. One that is named again is sent once, as it is then.
    pub(super) async fn add(&mut self, turn: &Turn<'_>, path: &str) {
        let known = self.files.iter().position(|(named, _)| named == path);
        let slot = known.unwrap_or(self.files.len());
        if slot >= MOST_FILES {
            self.too_many = true;
            return;
        }
        let folder = context_of(turn.chat).folder;
        let question = &turn.incoming.event;
        let copied = turn.files.copy_out(&folder, question, slot, path).await;
        let copied = copied.map_err(|error| {
            turn.log(&format!("a file that it named is not sent: {error}"));
            why_not(&error)
        });
        match known {
            Some(slot) => self.files[slot].1 = copied,
            None => self.files.push((path.to_owned(), copied)),
        }
    }

    /// The agent gave something that cannot be shown: a line of the answer says so.
    pub(super) fn not_shown(&mut self, media: Media) {
        self.not_shown
            .entry(media)
            .and_modify(|several| *several = true)
            .or_insert(false);
    }

    /// The agent asked for permission with more words than a person is shown.
    pub(super) const fn not_asked(&mut self) {
        self.not_asked = true;
    }

    pub(super) fn has_some(&self) -> bool {
        !self.files.is_empty() || !self.not_shown.is_empty()
    }

    /// The reply of an agent that said nothing beside them.
    pub(super) fn alone(self, locale: Locale) -> Reply {
        let some_are_sent = self.files.iter().any(|(_, copied)| copied.is_ok());
        if some_are_sent {
            return self.with(Reply::answer(FileNote::Here.text(locale)), locale);
        }
        let reply = self.with(Reply::notice(""), locale);
        Reply::notice(reply.markdown.trim_start())
    }

    /// The reply, with these files behind it, and a line for each that is not sent.
    pub(super) fn with(self, mut reply: Reply, locale: Locale) -> Reply {
        let mut lines = Vec::new();
        for (path, copied) in self.files {
            match copied {
                Ok(file) => {
                    let instead = FileNote::NotUploaded(&file.name).text(locale);
                    reply.files.push(FileReply { file, instead });
                }
                Err(why) => lines.push(FileNote::NotSent { path: &path, why }.text(locale)),
            }
        }
        if self.too_many {
            lines.push(FileNote::TooMany(MOST_FILES).text(locale));
        }
        if self.not_asked {
            lines.push(FileNote::NotAsked.text(locale));
        }
        let not_shown = self.not_shown.into_iter();
        lines.extend(
            not_shown.map(|(media, several)| FileNote::NotShown { media, several }.text(locale)),
        );
        if !lines.is_empty() {
            let said = crate::text::markdown::with_fences_closed(&reply.markdown);
            reply.markdown = format!("{said}\n\n{}", lines.join("\n\n"));
        }
        reply
    }
}

fn why_not(error: &FilesError) -> NotSent {
    match error {
        FilesError::TooLarge { limit } => NotSent::TooLarge(*limit),
        FilesError::Missing => NotSent::Missing,
        FilesError::NotAFile => NotSent::NotAFile,
        FilesError::Outside => NotSent::Outside,
        FilesError::OtherChat => NotSent::OtherChat,
        FilesError::OverQuota { .. } | FilesError::Failed(_) => NotSent::Failed,
    }
}
