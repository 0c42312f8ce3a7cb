//! One chat's folder, and what the bot notes in it.
//!
//! ```text
//! inbox/{stamp}-{name}             files that the owner sent
//! .staging/waiting/{stamp}.json    notes of those that wait for the next question
//! .staging/taken-{mark}/           the notes that one question or command took: the folder was renamed, all at once
//! .staging/part-{stamp}-{name}     content on its way in
//! .staging/out-{mark}-{slot}       a copy on its way out
//! ```
//!
//! The notes are the whole memory: a lost database loses none of them, and a file that was given is not given again. A
//! note comes before its file gets its name, so a note without a file means nothing. An agent can write here, too: what
//! is read is taken for hints about files of this inbox, and for nothing else.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read, Write},
    sync::{Mutex, MutexGuard, PoisonError},
    time::UNIX_EPOCH,
};

use cap_std::fs::Dir;
use serde::{Deserialize, Serialize};

use super::{names, walk};
use crate::{
    core::{
        files::{Arrival, Dropped, FilesError},
        ids::EventKey,
    },
    platform::PromptFile,
};

pub(super) const INBOX: &str = "inbox";
const STAGING: &str = ".staging";
const WAITING: &str = "waiting";
/// A note is a few lines.
const LONGEST_NOTE: u64 = 16 * 1024;

/// What is known about a file beyond its content.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Note {
    /// In the inbox.
    file: String,
    name: String,
    mime: Option<String>,
    #[serde(default)]
    size: u64,
    /// Its place among those that wait: messages of one room come one after the other, clocks of servers do not.
    #[serde(default)]
    order: u64,
    /// Marks of the messages that it does not go with, because they were sent before it.
    #[serde(default)]
    not_with: Vec<String>,
}

impl Note {
    pub(super) fn of(arrival: &Arrival) -> Self {
        let stamp = names::stamp(arrival.sent_at.max(UNIX_EPOCH), &arrival.event);
        let name = names::with_ending(&arrival.name, arrival.mime.as_deref());
        Self {
            file: format!("{stamp}-{}", names::safe(&name)),
            name: names::shown(&name),
            mime: arrival.mime.clone(),
            size: 0,
            order: 0,
            not_with: arrival.not_with.iter().map(names::mark).collect(),
        }
    }

    fn goes_with(&self, mark: &str) -> bool {
        self.not_with.iter().all(|other| other != mark)
    }

    pub(super) fn with_size(mut self, size: u64) -> Self {
        self.size = size;
        self
    }
}

/// A chat's folder, opened.
pub(super) struct ChatFolder {
    path: String,
    inbox: Dir,
    staging: Dir,
}

impl ChatFolder {
    /// `None` where the chat never had a file.
    pub(super) fn find(root: &Dir, path: &str) -> Result<Option<Self>, FilesError> {
        let Some(folder) = walk::found(walk::enter_all(root, names::steps(path)?))? else {
            return Ok(None);
        };
        let (inbox, staging) = (walk::enter(&folder, INBOX), walk::enter(&folder, STAGING));
        let (Some(inbox), Some(staging)) = (walk::found(inbox)?, walk::found(staging)?) else {
            return Ok(None);
        };
        Ok(Some(Self {
            path: path.to_owned(),
            inbox,
            staging,
        }))
    }

    /// Made where it is missing.
    pub(super) fn make(root: &Dir, path: &str) -> Result<Self, FilesError> {
        let folder = names::steps(path)?
            .into_iter()
            .try_fold(root.try_clone()?, |folder, part| {
                walk::enter_or_make(&folder, part)
            })?;
        Ok(Self {
            path: path.to_owned(),
            inbox: walk::enter_or_make(&folder, INBOX)?,
            staging: walk::enter_or_make(&folder, STAGING)?,
        })
    }

    /// The file of this note, if it is there.
    pub(super) fn kept(&self, note: &Note) -> Option<PromptFile> {
        let file = walk::open(&self.inbox, &note.file).ok()?;
        Some(self.described(note, file.metadata().ok()?.len()))
    }

    /// A place for content on its way in.
    pub(super) fn begin(&self, note: &Note) -> Result<File, FilesError> {
        Ok(walk::create(&self.staging, &part(note))?)
    }

    /// Removes what [`ChatFolder::begin`] made.
    pub(super) fn give_up(&self, note: &Note) -> Result<(), FilesError> {
        Ok(walk::remove(&self.staging, &part(note))?)
    }

    /// Stages the file and gives it its name. What its own message has taken already is not staged again.
    pub(super) fn keep(&self, note: &Note, event: &EventKey) -> Result<(), FilesError> {
        let taken = walk::found(walk::enter(&self.staging, &taken_by(event)))?;
        if taken.is_none() {
            let waiting = walk::enter_or_make(&self.staging, WAITING)?;
            let last = notes(&waiting)?.last().map_or(0, |(_, note)| note.order);
            let note = Note {
                order: last.saturating_add(1),
                ..note.clone()
            };
            let mut file = walk::create(&waiting, &format!("{}.json", note.file))?;
            file.write_all(&serde_json::to_vec(&note).map_err(io::Error::from)?)?;
            file.sync_all()?;
            walk::sync(&waiting)?;
        }
        self.staging.rename(part(note), &self.inbox, &note.file)?;
        walk::sync(&self.inbox)?;
        Ok(walk::sync(&self.staging)?)
    }

    /// The files that wait.
    pub(super) fn staged(&self) -> Result<Vec<PromptFile>, FilesError> {
        let waiting = walk::found(walk::enter(&self.staging, WAITING))?;
        waiting.map_or_else(|| Ok(Vec::new()), |waiting| self.files(&waiting))
    }

    /// Everything that waits and was sent before this question goes with it, now and whenever it is asked again.
    pub(super) fn take(
        &self,
        question: &EventKey,
        parts: &Parts,
    ) -> Result<Vec<PromptFile>, FilesError> {
        self.tidy(question, parts)?;
        let taken = taken_by(question);
        if walk::found(walk::enter(&self.staging, &taken))?.is_none() {
            let renamed = self.staging.rename(WAITING, &self.staging, &taken);
            if walk::found(renamed)?.is_none() {
                return Ok(Vec::new());
            }
            walk::sync(&self.staging)?;
        }
        let taken = walk::enter(&self.staging, &taken)?;
        self.give_back(&taken, &names::mark(question))?;
        self.files(&taken)
    }

    /// Notes of files that were sent after the message with this mark wait again. All that waits is taken in one step
    /// and these are given back, so that a crash in between is put right by the next look.
    fn give_back(&self, taken: &Dir, mark: &str) -> Result<(), FilesError> {
        let mut later = notes(taken)?;
        later.retain(|(_, note)| !note.goes_with(mark));
        if later.is_empty() {
            return Ok(());
        }
        let waiting = walk::enter_or_make(&self.staging, WAITING)?;
        for (name, _) in &later {
            taken.rename(name, &waiting, name)?;
        }
        walk::sync(&waiting)?;
        Ok(walk::sync(taken)?)
    }

    /// Removes what this command is about; carried out again, it tells the same.
    pub(super) fn drop_staged(
        &self,
        command: &EventKey,
        number: Option<usize>,
        parts: &Parts,
    ) -> Result<Dropped, FilesError> {
        self.tidy(command, parts)?;
        let taken = taken_by(command);
        let is_chosen = match walk::found(walk::enter(&self.staging, &taken))? {
            Some(taken) => !walk::names(&taken)?.is_empty(),
            None => false,
        };
        if !is_chosen && !self.choose(&taken, number, &names::mark(command))? {
            return Ok(Dropped::NoSuchNumber(self.staged()?.len()));
        }
        let Some(taken) = walk::found(walk::enter(&self.staging, &taken))? else {
            return Ok(Dropped::Files(Vec::new()));
        };
        self.give_back(&taken, &names::mark(command))?;
        let mut dropped = Vec::new();
        for (_, note) in notes(&taken)? {
            walk::remove(&self.inbox, &note.file)?;
            dropped.push(self.described(&note, note.size));
        }
        Ok(Dropped::Files(dropped))
    }

    /// Removes the file that this message brought, and its note, if it waits.
    pub(super) fn withdraw(&self, message: &EventKey) -> Result<(), FilesError> {
        let Some(waiting) = walk::found(walk::enter(&self.staging, WAITING))? else {
            return Ok(());
        };
        for (name, note) in notes(&waiting)? {
            if names::is_stamped_for(&note.file, message) {
                // The file first: a note without a file means nothing, and is found again after a crash.
                walk::remove(&self.inbox, &note.file)?;
                walk::remove(&waiting, &name)?;
            }
        }
        Ok(())
    }

    /// Moves the note with this number, or all of them, in one step. Tells whether there is such a number.
    fn choose(&self, taken: &str, number: Option<usize>, mark: &str) -> Result<bool, FilesError> {
        let Some(number) = number else {
            walk::found(self.staging.rename(WAITING, &self.staging, taken))?;
            return Ok(true);
        };
        let waiting = walk::enter_or_make(&self.staging, WAITING)?;
        let chosen = number.checked_sub(1).and_then(|at| {
            let mut present = self.present(&waiting).ok()?.into_iter();
            present
                .by_ref()
                .filter(|(_, note, _)| note.goes_with(mark))
                .nth(at)
        });
        let Some((name, ..)) = chosen else {
            return Ok(false);
        };
        let taken = walk::enter_or_make(&self.staging, taken)?;
        waiting.rename(&name, &taken, &name)?;
        walk::sync(&taken)?;
        Ok(true)
    }

    /// A place for a copy on its way out, and its path in the workspace.
    pub(super) fn copy_to(
        &self,
        question: &EventKey,
        slot: usize,
    ) -> Result<(File, String), FilesError> {
        let name = format!("out-{}-{slot}", names::mark(question));
        let file = walk::create(&self.staging, &name)?;
        Ok((file, format!("{}/{STAGING}/{name}", self.path)))
    }

    /// One question or command at a time is worked on: what others took, or left behind, is of no more use. Only `parts`
    /// are still being written, by files that come meanwhile.
    fn tidy(&self, current: &EventKey, parts: &Parts) -> Result<(), FilesError> {
        let mark = names::mark(current);
        for name in walk::names(&self.staging)? {
            if name.starts_with("taken-") && !name.ends_with(&mark) {
                if let Some(taken) = walk::found(walk::enter(&self.staging, &name))? {
                    self.give_back(&taken, name.trim_start_matches("taken-"))?;
                    taken.remove_open_dir_all()?;
                }
            } else if name.starts_with("part-") && !parts.contains(&self.path, &name)
                || name.starts_with("out-") && !name.contains(&mark)
            {
                walk::remove(&self.staging, &name)?;
            }
        }
        Ok(())
    }

    /// The files of the notes in this folder that are there, oldest first, each with its note's name.
    fn present(&self, folder: &Dir) -> Result<Vec<(String, Note, PromptFile)>, FilesError> {
        let notes = notes(folder)?;
        let present = |(name, note): (String, Note)| {
            let file = self.kept(&note)?;
            Some((name, note, file))
        };
        Ok(notes.into_iter().filter_map(present).collect())
    }

    fn files(&self, folder: &Dir) -> Result<Vec<PromptFile>, FilesError> {
        let present = self.present(folder)?;
        Ok(present.into_iter().map(|(.., file)| file).collect())
    }

    fn described(&self, note: &Note, size: u64) -> PromptFile {
        PromptFile {
            path: format!("{}/{INBOX}/{}", self.path, note.file),
            name: names::shown(&note.name),
            mime: note.mime.clone(),
            size,
        }
    }
}

/// The notes in this folder, oldest first, each with its own name. What is no note is passed over.
fn notes(folder: &Dir) -> Result<Vec<(String, Note)>, FilesError> {
    let mut notes = Vec::new();
    for name in walk::names(folder)? {
        if let Some(note) = walk::open(folder, &name).ok().and_then(read_note) {
            notes.push((name, note));
        }
    }
    notes.sort_by(|(one, this), (other, that)| (this.order, one).cmp(&(that.order, other)));
    Ok(notes)
}

fn read_note(file: File) -> Option<Note> {
    let mut json = Vec::new();
    file.take(LONGEST_NOTE).read_to_end(&mut json).ok()?;
    let note: Note = serde_json::from_slice(&json).ok()?;
    let is_plain = names::steps(&note.file).is_ok_and(|steps| steps == [note.file.as_str()]);
    is_plain.then_some(note)
}

/// Files whose content is being written.
#[derive(Default)]
pub(super) struct Parts(Mutex<BTreeSet<(String, String)>>);

impl Parts {
    pub(super) fn begin(&self, folder: &str, note: &Note) {
        self.parts().insert((folder.to_owned(), part(note)));
    }

    pub(super) fn end(&self, folder: &str, note: &Note) {
        self.parts().remove(&(folder.to_owned(), part(note)));
    }

    fn contains(&self, folder: &str, part: &str) -> bool {
        self.parts().contains(&(folder.to_owned(), part.to_owned()))
    }

    fn parts(&self) -> MutexGuard<'_, BTreeSet<(String, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn part(note: &Note) -> String {
    format!("part-{}", note.file)
}

fn taken_by(event: &EventKey) -> String {
    format!("taken-{}", names::mark(event))
}
