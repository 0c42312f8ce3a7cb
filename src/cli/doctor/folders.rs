//! Whether the bot may write where it has to.

use std::{fs, io, path::Path};

use crate::cli::doctor::check::{Check, Trouble};

/// Whether files can be made in the folder, or the folder itself where it is not there yet.
pub(super) fn check(name: &str, variable: &str, folder: &Path) -> Check {
    Check::of(name, finding(variable, folder))
}

/// The folder a file is in.
pub(super) fn parent(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn finding(variable: &str, folder: &Path) -> Result<String, Trouble> {
    let shown = folder.display();
    let existing = folder
        .ancestors()
        .map(|path| {
            if path.as_os_str().is_empty() {
                Path::new(".")
            } else {
                path
            }
        })
        .find(|path| path.exists())
        .unwrap_or(folder);
    write_and_remove(existing).map_err(|error| {
        Trouble::new(
            format!("cannot write in {}: {error}", existing.display()),
            format!("let the bot's account write there, or set {variable} to another place"),
        )
    })?;
    if existing == folder {
        Ok(format!("{shown} can be written"))
    } else {
        Ok(format!("{shown} is not there yet and can be made"))
    }
}

fn write_and_remove(folder: &Path) -> io::Result<()> {
    let name = format!(".surfaces-bot-doctor-{}", uuid::Uuid::new_v4());
    let path = folder.join(name);
    let written = fs::write(
        &path,
        b"written by surfaces-bot doctor, to be removed at once",
    );
    // A full disk can leave an empty file.
    let removed = fs::remove_file(&path);
    written.and(removed)
}
