//! Whether the configured files and folders can be what they are meant to be, and keep out of each other's way.
//!
//! Only looks; folders that are missing are made at start-up.

use std::path::{Component, Path, PathBuf};

use crate::config::{
    env::Env, files::FilesConfig, matrix::MatrixConfig, problem::Problem, problem::quoted,
};

const DB: &str = "MATRIX_DB_PATH";
const STORE: &str = "MATRIX_STORE_PATH";
const WORKSPACE: &str = "SURFACES_WORKSPACE_DIR";
const REFERENCE_DATA: &str = "SURFACES_PLATFORM_AGENT_DATA_DIR";

/// All contradictions.
pub(super) fn problems(env: &Env, matrix: &MatrixConfig, files: &FilesConfig) -> Vec<Problem> {
    let db = Place::new(env, DB, &matrix.db_path);
    let store = Place::new(env, STORE, &matrix.store_path);
    let workspace = Place::new(env, WORKSPACE, &files.workspace_dir);
    [
        db.unless_file(),
        store.unless_folder(),
        workspace.unless_folder(),
        db.within(
            &store,
            "a place outside that folder, which is removed where a session is lost",
        ),
        db.within(
            &workspace,
            "a place outside that folder, which the agents can read and write",
        ),
        store.within(
            &workspace,
            "a place outside that folder, which the agents can read and write",
        ),
        workspace.within(
            &store,
            "a place outside that folder, which holds the bot's session",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The contradictions in what the reference agent is given.
pub(super) fn reference_problems(env: &Env, data_dir: &Path, files: &FilesConfig) -> Vec<Problem> {
    let data = Place::new(env, REFERENCE_DATA, data_dir);
    let workspace = Place::new(env, WORKSPACE, &files.workspace_dir);
    [
        data.unless_folder(),
        workspace.unless_folder(),
        data.within(
            &workspace,
            "a place outside that folder, which is open to those who chat",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

struct Place<'a> {
    name: &'static str,
    written: &'a Path,
    real: PathBuf,
}

impl<'a> Place<'a> {
    fn new(env: &Env, name: &'static str, written: &'a Path) -> Self {
        Self {
            name,
            written,
            real: real(&env.resolve(written)),
        }
    }

    fn unless_file(&self) -> Option<Problem> {
        if self.real.is_dir() {
            return Some(self.problem("is a folder", "a file, such as lambda_matrix.db"));
        }
        self.unless_reachable()
    }

    fn unless_folder(&self) -> Option<Problem> {
        if self.real.exists() && !self.real.is_dir() {
            return Some(self.problem("is a file", "a folder"));
        }
        self.unless_reachable()
    }

    /// A path that leads through a file can never be made.
    fn unless_reachable(&self) -> Option<Problem> {
        let existing = self.real.ancestors().skip(1).find(|path| path.exists())?;
        if existing.is_dir() {
            return None;
        }
        Some(self.problem(
            &format!(
                "leads through {}, which is a file",
                quoted(&existing.display().to_string())
            ),
            "a path through folders",
        ))
    }

    fn within(&self, other: &Self, expected: &str) -> Option<Problem> {
        if !self.real.starts_with(&other.real) {
            return None;
        }
        let found = format!(
            "is inside {} ({})",
            other.name,
            quoted(&other.written.display().to_string())
        );
        Some(self.problem(&found, expected))
    }

    fn problem(&self, found: &str, expected: &str) -> Problem {
        Problem::new(
            self.name,
            format!("{} {found}", quoted(&self.written.display().to_string())),
            expected,
        )
    }
}

/// The absolute path without links and dots, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut real = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::ParentDir => {
                real.pop();
            }
            Component::CurDir => {}
            other => real.push(other),
        }
        // Links are followed where they stand, so that `..` after one means what the system makes of it.
        if let Ok(followed) = real.canonicalize() {
            real = followed;
        }
    }
    real
}
