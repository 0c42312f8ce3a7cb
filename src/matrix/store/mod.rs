//! The bot's own SQLite file. `rusqlite` appears nowhere else.
//!
//! One connection, used from blocking threads only: `Store::call` is the one way in. What each table is for stands in
//! the migration that makes it.

mod agent_sessions;
mod amendments;
mod attempts;
mod backlog;
mod chats;
mod compaction;
mod damage;
mod dead_letters;
mod follow;
mod followers;
mod gaps;
mod header;
mod inherited;
mod invites;
mod journal;
mod members;
mod migrate;
mod model_memory;
mod outbox;
mod owed_invites;
mod parked;
mod private;
mod provisions;
mod questions;
mod queue;
mod refusals;
pub mod rows;
mod state_cache;
mod stops;
mod tables;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::Mutex;

use self::header::Found;
pub use self::{
    attempts::{End, Record, Way},
    damage::is_damage,
    dead_letters::DeadLetters,
    followers::Followers,
    gaps::Gap,
    invites::{Invite, InviteStep},
    journal::Entry,
    outbox::{NewMessage, OutMessage},
    owed_invites::OwedInvite,
    parked::Parked,
    provisions::Provision,
    questions::QuestionRow,
};

/// The store could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A newer version of the program wrote the file.
    #[error(
        "the database {path} is of version {found}, and this program knows versions up to {known}: start the newer \
         program, or move the file away (it is rebuilt from the homeserver)"
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version this program knows.
        known: u32,
    },
    /// The file or its folder cannot be used.
    #[error(
        "the database {path} cannot be opened: {reason}; check that its folder exists, is writable and has room"
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A statement failed.
    #[error("the database failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A blocking task was torn down: the process is ending.
    #[error("the database task was cancelled")]
    Cancelled,
}

impl StoreError {
    fn unusable(path: &Path, reason: &impl ToString) -> Self {
        Self::Unusable {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// Whether waiting may help: a full disk can be emptied, a locked file released.
    pub fn is_transient(&self) -> bool {
        let Self::Sqlite(rusqlite::Error::SqliteFailure(error, _)) = self else {
            return false;
        };
        matches!(
            error.code,
            ErrorCode::DiskFull
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::SystemIoFailure
        )
    }
}

/// The open database. Clones share it.
#[derive(Clone)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
}

/// An opened store, and what had to be done for it.
pub struct Opened {
    /// The store.
    pub store: Store,
    /// Where a corrupt file was moved to, if there was one.
    pub moved_aside: Option<PathBuf>,
}

impl Store {
    /// Opens or makes the file, brings it to the newest version, and checks it. A corrupt file is moved aside with its
    /// journal files and a fresh one made in its place.
    pub fn open(path: &Path, now: SystemTime) -> Result<Opened, StoreError> {
        match open_checked(path) {
            Ok(connection) => Ok(Opened {
                store: Self::of(connection),
                moved_aside: None,
            }),
            Err(StoreError::Sqlite(error)) if is_damage(&error) => {
                let aside = move_aside(path, now)?;
                let connection = open_checked(path)?;
                Ok(Opened {
                    store: Self::of(connection),
                    moved_aside: Some(aside),
                })
            }
            Err(StoreError::Sqlite(error)) => Err(StoreError::unusable(path, &error)),
            Err(other) => Err(other),
        }
    }

    /// Opens the file for reading alone; `None` where there is none. Nothing is written, not even beside it, unless a
    /// running daemon already uses it.
    pub fn open_for_reading(path: &Path) -> Result<Option<Self>, StoreError> {
        if !path.exists() {
            return Ok(None);
        }
        let unusable = |error: &rusqlite::Error| StoreError::unusable(path, error);
        match header::look(path).map_err(|error| StoreError::unusable(path, &error))? {
            Found::Version(found) => migrate::check(found, path)?,
            Found::Other => return Err(unusable(&not_a_database())),
            Found::Nothing => {}
        }
        // Without its companions the file is not in use, and reading it as immutable makes none beside it.
        let address = if with_suffix(path, "-wal").exists() {
            file_uri(path, "mode=ro")
        } else {
            file_uri(path, "mode=ro&immutable=1")
        };
        let flags =
            rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_URI;
        let source =
            Connection::open_with_flags(address, flags).map_err(|error| unusable(&error))?;
        // Copied into memory page by page: a consistent picture, whatever a daemon writes meanwhile.
        let mut copy = Connection::open_in_memory()?;
        rusqlite::backup::Backup::new(&source, &mut copy)
            .and_then(|backup| backup.run_to_completion(1_000, Duration::ZERO, None))
            .map_err(|error| unusable(&error))?;
        migrate::migrate(&mut copy, path)?;
        Ok(Some(Self::of(copy)))
    }

    /// A store that is forgotten with the value.
    pub fn in_memory() -> Result<Self, StoreError> {
        let mut connection = Connection::open_in_memory()?;
        migrate::migrate(&mut connection, Path::new(":memory:"))?;
        Ok(Self::of(connection))
    }

    fn of(connection: Connection) -> Self {
        Self {
            connection: Arc::new(Mutex::new(connection)),
        }
    }

    /// Runs `work` on a blocking thread; the only way to the connection. Whoever waits for it holds no thread, so that
    /// one is enough for however many wait. A panic in `work` rolls its transaction back, and the connection is as good
    /// as before.
    pub(super) async fn call<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let mut connection = Arc::clone(&self.connection).lock_owned().await;
        tokio::task::spawn_blocking(move || work(&mut connection))
            .await
            .map_err(|_| StoreError::Cancelled)?
    }

    /// Whether SQLite answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.call(|connection| Ok(connection.query_row("SELECT 1", [], |_| Ok(()))?))
            .await
    }

    /// Writes the log back into the file, so that the file alone is complete.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        self.call(|connection| {
            Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
        })
        .await
    }
}

/// Nothing of the file is changed before its version is known to be one of ours, and its mode not before its pages are
/// known to be sound.
fn open_checked(path: &Path) -> Result<Connection, StoreError> {
    let unusable = |error: &std::io::Error| StoreError::unusable(path, error);
    match header::look(path).map_err(|error| unusable(&error))? {
        Found::Version(found) => migrate::check(found, path)?,
        Found::Other => return Err(not_a_database().into()),
        Found::Nothing => private::make(path).map_err(|error| unusable(&error))?,
    }
    let rights = fs::metadata(path).map_err(|error| unusable(&error))?;
    if rights.permissions().readonly() {
        return Err(StoreError::unusable(path, &"it is read-only"));
    }
    private::tighten(path);
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    // The quick form checks every page but not each index against its table: milliseconds, not seconds.
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
            Some(verdict),
        )
        .into());
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // In WAL mode NORMAL survives the death of the process; after a power loss the sync position and all that was
    // committed with it are older together, and the server sends the rest again.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    migrate::migrate(&mut connection, path)?;
    Ok(connection)
}

fn not_a_database() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB),
        None,
    )
}

/// Moves the file and its `-wal` and `-shm` to `….corrupt-<seconds>`; returns where the file went.
fn move_aside(path: &Path, now: SystemTime) -> Result<PathBuf, StoreError> {
    let stamp = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let aside = with_suffix(path, &format!(".corrupt-{stamp}"));
    let unusable = |error: std::io::Error| StoreError::unusable(path, &error);
    fs::rename(path, &aside).map_err(unusable)?;
    for suffix in ["-wal", "-shm"] {
        let companion = with_suffix(path, suffix);
        if companion.exists() {
            fs::rename(&companion, with_suffix(&aside, suffix)).map_err(unusable)?;
        }
    }
    private::tighten(&aside);
    Ok(aside)
}

fn file_uri(path: &Path, query: &str) -> String {
    let mut uri = String::from("file:");
    for character in path.to_string_lossy().chars() {
        match character {
            '?' => uri.push_str("%3f"),
            '#' => uri.push_str("%23"),
            '%' => uri.push_str("%25"),
            other => uri.push(other),
        }
    }
    uri + "?" + query
}

/// The path with something behind its name: SQLite's companions, ours, and moved files.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests;
