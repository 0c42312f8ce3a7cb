//! The store folder: the session file in it, and how all of it is removed or moved out of the way.

use std::{
    fs,
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use matrix_sdk::authentication::matrix::MatrixSession;

use super::{Login, SessionError, store_error};

/// Where the session is saved, inside the store folder.
pub const SESSION_FILE: &str = "session.json";

/// The session file, if there is one that can be read.
pub fn saved(store_path: &Path) -> Option<MatrixSession> {
    serde_json::from_slice(&fs::read(store_path.join(SESSION_FILE)).ok()?).ok()
}

/// Written beside, flushed and renamed: a crash leaves the old file or the new one.
pub(super) fn save(login: &Login, session: &MatrixSession) -> Result<(), SessionError> {
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(&login.store_path)?;
        fs::set_permissions(&login.store_path, fs::Permissions::from_mode(0o700))?;
        let beside = login.store_path.join("session.json.new");
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        // One that was left there keeps its old mode when it is opened.
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        file.write_all(&serde_json::to_vec(session)?)?;
        file.sync_all()?;
        fs::rename(&beside, login.store_path.join(SESSION_FILE))
    };
    write().map_err(|error| store_error(login, &error.to_string()))
}

/// Removes what the SDK and we keep in the folder, and nothing else that may be there.
pub(super) fn remove_store(login: &Login) -> Result<(), SessionError> {
    for_each_store_file(login, |path| fs::remove_file(path))
}

pub(super) fn move_store_aside(login: &Login, now: SystemTime) -> Result<(), SessionError> {
    let stamp = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    for_each_store_file(login, |path| {
        fs::rename(
            path,
            crate::matrix::store::with_suffix(path, &format!(".corrupt-{stamp}")),
        )
    })
}

fn for_each_store_file(
    login: &Login,
    act: impl Fn(&Path) -> std::io::Result<()>,
) -> Result<(), SessionError> {
    let run = || -> std::io::Result<()> {
        if !login.store_path.exists() {
            return Ok(());
        }
        for entry in fs::read_dir(&login.store_path)? {
            let path = entry?.path();
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            let ours = name == SESSION_FILE
                || (name.starts_with("matrix-sdk-") && !name.contains(".corrupt-"));
            if ours {
                act(&path)?;
            }
        }
        Ok(())
    };
    run().map_err(|error| store_error(login, &error.to_string()))
}

#[cfg(test)]
mod tests;
