//! Sessions on disk: one JSON file each, replaced whole.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::UNIX_EPOCH,
};

use tracing::warn;
use uuid::Uuid;

use super::session::Session;
use crate::clock::Clock;

/// Sessions on one page of a list.
const PAGE: usize = 50;

/// The folder of the sessions. Clones share it.
#[derive(Clone)]
pub(super) struct Sessions {
    folder: PathBuf,
    clock: Arc<dyn Clock>,
}

impl Sessions {
    /// Makes the folder where it is missing.
    pub(super) fn open(folder: PathBuf, clock: Arc<dyn Clock>) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, clock })
    }

    /// A new session, on disk.
    pub(super) async fn create(&self, cwd: PathBuf) -> io::Result<Session> {
        let session = Session::new(Uuid::new_v4().to_string(), cwd);
        self.save(session).await
    }

    /// Writes the session as it is now.
    pub(super) async fn save(&self, mut session: Session) -> io::Result<Session> {
        let now = self
            .clock
            .now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        session.updated_ms = u64::try_from(now.as_millis()).unwrap_or_default();
        let store = self.clone();
        blocking(move || {
            let path = store
                .path(&session.id)
                .ok_or_else(|| io::Error::other("no id of a session"))?;
            replace(&path, &serde_json::to_vec(&session)?)?;
            Ok(session)
        })
        .await
    }

    /// The session; `None` where there is none with this id, or none that can be read.
    pub(super) async fn find(&self, id: &str) -> Option<Session> {
        let path = self.path(id)?;
        blocking(move || Ok(read(&path))).await.ok().flatten()
    }

    /// Forgets the session. One that is not there is forgotten already.
    pub(super) async fn remove(&self, id: &str) -> io::Result<()> {
        let Some(path) = self.path(id) else {
            return Ok(());
        };
        blocking(move || match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
        .await
    }

    /// A page of sessions in the order of their ids, those of one folder where it is given, and where the next begins.
    pub(super) async fn list(
        &self,
        cwd: Option<PathBuf>,
        after: Option<String>,
    ) -> io::Result<(Vec<Session>, Option<String>)> {
        let folder = self.folder.clone();
        blocking(move || {
            let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
                .filter(|path| {
                    after
                        .as_deref()
                        .is_none_or(|after| path.file_stem().is_some_and(|id| id > after))
                })
                .collect();
            paths.sort();
            let mut page: Vec<Session> = paths
                .iter()
                .filter_map(|path| read(path))
                .filter(|session| cwd.as_ref().is_none_or(|cwd| session.cwd == *cwd))
                .take(PAGE + 1)
                .collect();
            let more = page.len() > PAGE;
            page.truncate(PAGE);
            let next = page.last().filter(|_| more).map(|last| last.id.clone());
            Ok((page, next))
        })
        .await
    }

    /// Where a session is kept. Ids are UUIDs as this agent writes them: nothing else names a file.
    fn path(&self, id: &str) -> Option<PathBuf> {
        let uuid = Uuid::try_parse(id).ok()?.to_string();
        (uuid == id).then(|| self.folder.join(format!("{uuid}.json")))
    }
}

fn read(path: &Path) -> Option<Session> {
    let bytes = fs::read(path).ok()?;
    serde_json::from_slice(&bytes)
        .inspect_err(|_| warn!(path = %path.display(), "a session's file cannot be understood"))
        .ok()
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let part = path.with_extension(format!("{}.part", Uuid::new_v4().simple()));
    let written = (|| {
        let mut file = File::create(&part)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&part, path)
    })();
    if written.is_err() {
        let _not_there = fs::remove_file(&part);
    }
    written
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}

/// A time as ACP writes it: ISO 8601 in UTC.
pub(super) fn iso(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    // Days since the first of March of year 0, so that a leap day is the last one of its year.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests;
