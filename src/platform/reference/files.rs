//! Files of one session: reached through its own folder in the workspace, and never outside of it.
//!
//! Opened folder by folder with cap-std, so that no link and no `..` leads out, whatever happens meanwhile.

use std::{
    io::{self, Read as _, Write as _},
    path::{Component, Path, PathBuf},
};

use cap_std::{ambient_authority, fs::Dir};
use sha2::{Digest, Sha256};
use url::Url;
use uuid::Uuid;

/// The largest file that is read.
const LARGEST: u64 = 1 << 30;

/// Why a file was not read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileError {
    Outside,
    Missing,
    NotAFile,
    TooLarge,
    Failed,
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            // What cap-std says of paths that lead out.
            io::ErrorKind::PermissionDenied => Self::Outside,
            io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => Self::NotAFile,
            _ => Self::Failed,
        }
    }
}

/// What is told about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) size: u64,
    pub(super) sha256: String,
}

/// The folder that is shared with the bot.
#[derive(Clone, Debug)]
pub(super) struct Workspace {
    /// Absolute, as it was given and without links: clients may name either.
    names: [PathBuf; 2],
}

impl Workspace {
    pub(super) fn new(root: &Path) -> io::Result<Self> {
        let names = [std::path::absolute(root)?, root.canonicalize()?];
        Ok(Self { names })
    }

    /// How the workspace is called.
    pub(super) fn name(&self) -> &Path {
        &self.names[0]
    }

    /// A session's folder; `None` where it is not in the workspace.
    pub(super) fn folder(&self, cwd: &Path) -> Option<Folder> {
        let inside = self
            .names
            .iter()
            .find_map(|name| cwd.strip_prefix(name).ok())?;
        is_plain(inside).then(|| Folder {
            root: self.names[1].clone(),
            inside: inside.to_owned(),
            cwd: cwd.to_owned(),
        })
    }
}

/// A session's own folder.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    root: PathBuf,
    inside: PathBuf,
    cwd: PathBuf,
}

impl Folder {
    /// The path within this folder that a `file://` address means.
    pub(super) fn linked(&self, uri: &str) -> Result<PathBuf, FileError> {
        let path = Url::parse(uri)
            .ok()
            .filter(|url| url.scheme() == "file")
            .and_then(|url| url.to_file_path().ok())
            .ok_or(FileError::Outside)?;
        let roots =
            [&self.cwd, &self.root.join(&self.inside)].map(|root| path.strip_prefix(root).ok());
        roots
            .into_iter()
            .flatten()
            .next()
            .map(Path::to_owned)
            .ok_or(FileError::Outside)
    }

    /// The address of a file in this folder.
    pub(super) fn uri(&self, name: &str) -> Option<String> {
        Url::from_file_path(self.cwd.join(name))
            .ok()
            .map(String::from)
    }

    /// Reads a file through.
    pub(super) fn read(&self, path: &Path) -> Result<Seen, FileError> {
        if !is_plain(path) {
            return Err(FileError::Outside);
        }
        let folder = self.workspace()?.open_dir(self.or_dot())?;
        // Asked before it is opened: opening a pipe would wait for somebody at its other end.
        let metadata = folder.metadata(path)?;
        if !metadata.is_file() {
            return Err(FileError::NotAFile);
        }
        if metadata.len() > LARGEST {
            return Err(FileError::TooLarge);
        }
        let mut file = folder.open(path)?.take(LARGEST);
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 64 << 10];
        let mut size = 0;
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            digest.update(&buffer[..read]);
            size += read as u64;
        }
        let sha256 = format!("{:x}", digest.finalize());
        Ok(Seen { size, sha256 })
    }

    /// Writes a file, whole or not at all. Folders on the way are made.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), FileError> {
        let path = Path::new(name);
        if !is_plain(path) || path.file_name().is_none() {
            return Err(FileError::Outside);
        }
        let mut folder = made(&self.workspace()?, self.or_dot())?;
        if let Some(parent) = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            folder = made(&folder, parent)?;
        }
        let last = path.file_name().ok_or(FileError::Outside)?;
        if folder
            .symlink_metadata(last)
            .is_ok_and(|there| there.is_dir())
        {
            return Err(FileError::NotAFile);
        }
        let part = format!(".{}.part", Uuid::new_v4().simple());
        let written = (|| {
            let mut file = folder.create(&part)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            folder.rename(&part, &folder, last)
        })();
        if written.is_err() {
            let _not_there = folder.remove_file(&part);
        }
        Ok(written?)
    }

    fn workspace(&self) -> io::Result<Dir> {
        Dir::open_ambient_dir(&self.root, ambient_authority())
    }

    fn or_dot(&self) -> &Path {
        if self.inside.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &self.inside
        }
    }
}

/// A folder, made where it is missing.
fn made(within: &Dir, path: &Path) -> io::Result<Dir> {
    match within.open_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            within.create_dir_all(path)?;
            within.open_dir(path)
        }
        found => found,
    }
}

/// Whether a path only goes down.
fn is_plain(path: &Path) -> bool {
    path.components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

#[cfg(test)]
mod tests;
