//! What the files of one person take.

use cap_std::fs::Dir;

use super::{chat::INBOX, names, walk};
use crate::core::files::FilesError;

/// The least a file counts: an empty one takes room, too.
const LEAST: u64 = 4096;

/// Bytes of all files that the owner of this chat sent, in all chats.
pub(super) fn used(root: &Dir, chat: &str) -> Result<u64, FilesError> {
    let mut steps = names::steps(chat)?;
    steps.pop();
    let Some(chats) = walk::found(walk::enter_all(root, steps))? else {
        return Ok(0);
    };
    let mut used = 0_u64;
    for chat in walk::names(&chats)? {
        let inbox = walk::enter(&chats, &chat).and_then(|chat| walk::enter(&chat, INBOX));
        let Ok(inbox) = inbox else {
            continue;
        };
        for entry in inbox.entries()? {
            // A file may go while it is counted.
            if let Ok(metadata) = entry?.metadata() {
                used = used.saturating_add(metadata.len().max(LEAST));
            }
        }
    }
    Ok(used)
}

/// What a file of this size counts.
pub(super) fn counted(size: u64) -> u64 {
    size.max(LEAST)
}
