//! Rights of the database file: it holds messages, so only the account that runs the bot may read it.

use std::{
    fs::{self, OpenOptions, Permissions},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use super::with_suffix;

/// Rights of everybody but the owner.
const OTHERS: u32 = 0o077;

/// Makes the file with these rights where it is missing. SQLite gives the same to the files it makes beside it.
pub(super) fn make(path: &Path) -> io::Result<()> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map(|_| ())
}

/// Takes the rights of others away from the file and its companions. A file of another owner is used as it is.
pub(super) fn tighten(path: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let file = with_suffix(path, suffix);
        let Ok(mode) = fs::metadata(&file).map(|found| found.permissions().mode()) else {
            continue;
        };
        if mode & OTHERS == 0 {
            continue;
        }
        match fs::set_permissions(&file, Permissions::from_mode(mode & !OTHERS)) {
            Ok(()) => {
                tracing::info!(path = %file.display(), "rights of others were taken from a file that holds messages");
            }
            Err(error) => {
                tracing::warn!(path = %file.display(), %error, "others can read a file that holds messages");
            }
        }
    }
}
