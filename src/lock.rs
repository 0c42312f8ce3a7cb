//! The exclusive hold on the data: one process per database and store folder.
//!
//! The operating system lets go when the process dies, however it dies. The files stay; they mean nothing by themselves.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

const LOCK_FILE: &str = "surfaces.lock";

/// The data are held while the value lives.
#[derive(Debug)]
pub struct DataLock {
    _held: Vec<File>,
}

/// Why the data are not held.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds them.
    #[error("another process holds {}", .0.display())]
    Held(PathBuf),
    /// The lock file cannot be made.
    #[error("the lock file {} cannot be used: {source}; check that its folder is writable", path.display())]
    Unusable {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl DataLock {
    /// Takes hold of both, or of neither. Their folders are made where they are missing.
    pub fn take(db_path: &Path, store_path: &Path) -> Result<Self, LockError> {
        let held = lock_files(db_path, store_path)
            .iter()
            .map(|path| hold(path))
            .collect::<Result<_, _>>()?;
        Ok(Self { _held: held })
    }
}

/// A hold on one folder, while the value lives.
#[derive(Debug)]
pub struct FolderLock {
    _held: File,
}

impl FolderLock {
    /// Takes hold of the folder, which is made where it is missing.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        hold(&folder.join(LOCK_FILE)).map(|held| Self { _held: held })
    }
}

/// The lock files of a database and a store folder.
pub fn lock_files(db_path: &Path, store_path: &Path) -> [PathBuf; 2] {
    let mut beside_db = db_path.as_os_str().to_owned();
    beside_db.push(".lock");
    [beside_db.into(), store_path.join(LOCK_FILE)]
}

fn hold(path: &Path) -> Result<File, LockError> {
    let unusable = |source| LockError::Unusable {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(unusable)?;
    }
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LockError::Held(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_holds_a_database_or_a_store_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let (db, store) = (
            folder.path().join("data/bot.db"),
            folder.path().join("store"),
        );
        let first = DataLock::take(&db, &store).unwrap();
        for (db, store) in [
            (&db, folder.path().join("other")),
            (&folder.path().join("other.db"), store.clone()),
        ] {
            assert!(matches!(
                DataLock::take(db, &store),
                Err(LockError::Held(_))
            ));
        }
        drop(first);
        DataLock::take(&db, &store).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let error = DataLock::take(
            &folder.path().join("file/bot.db"),
            &folder.path().join("store"),
        )
        .unwrap_err();
        assert!(error.to_string().contains("bot.db.lock"), "{error}");
    }
}
