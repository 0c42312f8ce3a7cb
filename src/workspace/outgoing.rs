//! Files that agents name: found where they may lie, and copied so that nobody changes them on the way.

use std::{
    fs::File,
    io::{self, Read},
};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

use super::{chat::ChatFolder, names, walk};
use crate::core::{files::FilesError, ids::EventKey, message::OutgoingFile};

/// Below this every chat has its own folder, and no other chat's agent may have files sent from there.
const CHATS: [&str; 2] = ["surfaces", "matrix"];

/// Copies the file into the chat's folder.
pub(super) fn copy_out(
    root: &Dir,
    folder: &str,
    question: &EventKey,
    slot: usize,
    path: &str,
    limit: u64,
) -> Result<OutgoingFile, FilesError> {
    let source = find(root, folder, path)?;
    let chat = ChatFolder::make(root, folder)?;
    let (mut copy, snapshot) = chat.copy_to(question, slot)?;
    let size = io::copy(&mut source.take(limit.saturating_add(1)), &mut copy)?;
    if size > limit {
        return Err(FilesError::TooLarge { limit });
    }
    copy.sync_all()?;
    let name = names::shown(path.rsplit('/').next().unwrap_or_default());
    let mime = mime_guess::from_path(&name).first_or_octet_stream();
    Ok(OutgoingFile {
        snapshot,
        mime: mime.essence_str().to_owned(),
        name,
        size,
    })
}

/// The file an agent of this chat named. In the chat's own folder links may lead to other places of that folder;
/// elsewhere none is followed.
fn find(root: &Dir, folder: &str, path: &str) -> Result<File, FilesError> {
    let steps = names::steps(path)?;
    let own = names::steps(folder)?;
    if let Some(rest) = steps.strip_prefix(own.as_slice()) {
        if rest.is_empty() {
            return Err(FilesError::NotAFile);
        }
        let chat = walk::enter_all(root, own)?;
        let mut options = OpenOptions::new();
        options
            .read(true)
            .custom_flags(OFlags::NONBLOCK.bits().cast_signed());
        return walk::regular(chat.open_with(rest.join("/"), &options)?.into_std());
    }
    if steps.starts_with(&CHATS) {
        return Err(FilesError::OtherChat);
    }
    open_plainly(root, &steps)
}

/// The file at the end of these steps, none of them a link.
pub(super) fn open_plainly(root: &Dir, steps: &[&str]) -> Result<File, FilesError> {
    let (name, folders) = steps.split_last().ok_or(FilesError::NotAFile)?;
    let folder = walk::enter_all(root, folders.iter().copied())?;
    walk::open(&folder, name)
}

/// The whole file, if it is not larger than this.
pub(super) fn read(root: &Dir, path: &str, limit: u64) -> Result<Vec<u8>, FilesError> {
    let file = open_plainly(root, &names::steps(path)?)?;
    if file.metadata()?.len() > limit {
        return Err(FilesError::TooLarge { limit });
    }
    let mut content = Vec::new();
    // It may grow while it is read.
    file.take(limit.saturating_add(1))
        .read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        return Err(FilesError::TooLarge { limit });
    }
    Ok(content)
}

/// Removes a copy.
pub(super) fn discard(root: &Dir, path: &str) -> Result<(), FilesError> {
    let steps = names::steps(path)?;
    let (name, folders) = steps.split_last().ok_or(FilesError::NotAFile)?;
    match walk::found(walk::enter_all(root, folders.iter().copied()))? {
        Some(folder) => Ok(walk::remove(&folder, name)?),
        None => Ok(()),
    }
}
