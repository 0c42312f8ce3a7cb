//! Single steps through the workspace. None follows a link, and none waits for the other end of a pipe.

use std::{fs::File, io};

use cap_std::fs::Dir;
use rustix::{
    fs::{Mode, OFlags, openat},
    io::Errno,
};

use crate::core::files::FilesError;

/// The folder of this name, where it is one.
pub(super) fn enter(folder: &Dir, name: &str) -> io::Result<Dir> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(folder, one_part(name)?, flags, Mode::empty()) {
        Ok(found) => Ok(Dir::from_std_file(found.into())),
        // A link to a folder is told as no folder, too.
        Err(Errno::NOTDIR) if folder.symlink_metadata(name)?.is_symlink() => {
            Err(Errno::LOOP.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The folder of this name, made where it is missing.
pub(super) fn enter_or_make(folder: &Dir, name: &str) -> io::Result<Dir> {
    match folder.create_dir(one_part(name)?) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => enter(folder, name),
    }
}

/// The folder at the end of these steps.
pub(super) fn enter_all<'a>(
    root: &Dir,
    parts: impl IntoIterator<Item = &'a str>,
) -> io::Result<Dir> {
    parts
        .into_iter()
        .try_fold(root.try_clone()?, |folder, part| enter(&folder, part))
}

/// The regular file of this name, for reading.
pub(super) fn open(folder: &Dir, name: &str) -> Result<File, FilesError> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let found = openat(folder, one_part(name)?, flags, Mode::empty()).map_err(io::Error::from)?;
    regular(found.into())
}

/// A new file of this name, for writing; whatever had the name before is removed, not written into.
pub(super) fn create(folder: &Dir, name: &str) -> io::Result<File> {
    remove(folder, name)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o666);
    Ok(openat(folder, one_part(name)?, flags, mode)?.into())
}

/// Removes the file of this name, where there is one.
pub(super) fn remove(folder: &Dir, name: &str) -> io::Result<()> {
    match folder.remove_file(one_part(name)?) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Lets nothing but a regular file pass.
pub(super) fn regular(file: File) -> Result<File, FilesError> {
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(FilesError::NotAFile)
    }
}

/// Makes what happened to the names in this folder survive a loss of power.
pub(super) fn sync(folder: &Dir) -> io::Result<()> {
    folder.try_clone()?.into_std_file().sync_all()
}

/// The names in a folder; those that are no text are left out.
pub(super) fn names(folder: &Dir) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in folder.entries()? {
        if let Ok(name) = entry?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// `None` where there is no such thing.
pub(super) fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn one_part(name: &str) -> io::Result<&str> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(name)
}

impl From<io::Error> for FilesError {
    fn from(error: io::Error) -> Self {
        // Met by a step that follows no link.
        if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) {
            return Self::Outside;
        }
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            io::ErrorKind::InvalidInput => Self::Outside,
            // Only a link or a path that leaves the folder has no error number of the system.
            io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => Self::Outside,
            _ => Self::Failed(error.into()),
        }
    }
}
