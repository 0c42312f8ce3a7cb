//! The configuration as an operator meets it: variables in, values or complaints out.

mod accepted;
mod contradictions;
mod gateway;
mod people;
mod problems;
mod properties;
mod reader;
mod secrets;
mod sections;
mod sources;
mod values;

use std::collections::BTreeMap;

use tempfile::TempDir;

use super::{Config, Env};

/// An environment in a folder of its own, complete except for what a test changes.
pub(super) struct World {
    pub(super) folder: TempDir,
    variables: BTreeMap<String, String>,
}

impl World {
    pub(super) fn new() -> Self {
        let variables = [
            ("MATRIX_HOMESERVER", "https://matrix.example.org"),
            ("MATRIX_USER_ID", "@bot:example.org"),
            ("MATRIX_PASSWORD", "hunter2"),
            ("SURFACES_WORKSPACE_DIR", "workspace"),
        ];
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables: variables
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        }
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    pub(super) fn file(self, name: &str, content: &str) -> Self {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    pub(super) fn env(&self) -> Env {
        Env::of(self.variables.clone()).in_folder(self.folder.path())
    }

    pub(super) fn config(&self) -> Config {
        Config::read(&self.env()).expect("this configuration is right")
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let problems = Config::read(&self.env()).expect_err("this configuration is wrong");
        problems.iter().map(ToString::to_string).collect()
    }

    /// The one problem there is.
    pub(super) fn problem(&self) -> String {
        let problems = self.problems();
        assert_eq!(problems.len(), 1, "{problems:#?}");
        problems.into_iter().next().unwrap()
    }
}
