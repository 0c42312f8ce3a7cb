//! Where variables come from: the process, and a `.env` file beside it. The one file that touches `std::env`.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use crate::config::problem::Problem;

const DOTENV: &str = ".env";
const DOTENV_EXPECTED: &str = "lines of NAME=value, with quotes around values that hold spaces";

/// Variables by name, and the folder that relative paths start from. Reading it changes nothing in the process.
#[derive(Clone, Debug, Default)]
pub struct Env {
    variables: BTreeMap<String, String>,
    folder: PathBuf,
    problems: Vec<Problem>,
}

impl Env {
    /// The process's variables, and those of `.env` in the current folder that the process does not have.
    #[expect(
        clippy::disallowed_methods,
        reason = "this file owns the environment; everything else takes an Env"
    )]
    pub fn of_process() -> Self {
        let mut variables = BTreeMap::new();
        let mut problems = Vec::new();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else {
                continue;
            };
            match value.into_string() {
                Ok(value) => {
                    variables.insert(name, value);
                }
                Err(_) if crate::config::names::is_known(&name) => {
                    problems.push(Problem::new(name, "not UTF-8", "text in UTF-8"));
                }
                Err(_) => {}
            }
        }
        let mut env = Self {
            variables,
            folder: PathBuf::new(),
            problems,
        };
        env.add_dotenv(Path::new(DOTENV));
        env
    }

    /// Exactly these variables.
    pub fn of<N: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self {
            variables: variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            ..Self::default()
        }
    }

    /// The same variables, with relative paths starting from `folder`.
    #[must_use]
    pub fn in_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// Adds what stands in the file and is not set yet. A missing file adds nothing.
    pub fn add_dotenv(&mut self, path: &Path) {
        let bytes = match fs::read(self.resolve(path)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                self.problems.push(Problem::new(
                    path.display().to_string(),
                    format!("cannot be read: {error}"),
                    "a readable file, or none",
                ));
                return;
            }
        };
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let mut from_file = BTreeMap::new();
        for item in dotenvy::from_read_iter(bytes) {
            match item {
                // The last of several lines for one name counts, as in a shell.
                Ok((name, value)) => {
                    from_file.insert(name, value);
                }
                Err(error) => {
                    let found = match &error {
                        dotenvy::Error::LineParse(line, _) => place_of(line, bytes),
                        other => other.to_string(),
                    };
                    self.problems.push(Problem::new(
                        path.display().to_string(),
                        found,
                        DOTENV_EXPECTED,
                    ));
                }
            }
        }
        for (name, value) in from_file {
            self.variables.entry(name).or_insert(value);
        }
    }

    /// The variable's value, an empty one included.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    /// Where a path of the configuration leads.
    pub fn resolve(&self, path: impl AsRef<Path>) -> PathBuf {
        self.folder.join(path)
    }

    /// What was wrong with the sources themselves.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// Where a line that cannot be parsed stands; `part` is what the parser gives of it. Its text is not shown: it may hold a
/// secret.
fn place_of(part: &str, file: &[u8]) -> String {
    let part = part.lines().next().unwrap_or_default().trim_end();
    let is_broken = |line: &str| dotenvy::from_read_iter(line.as_bytes()).any(|item| item.is_err());
    String::from_utf8_lossy(file)
        .lines()
        .position(|line| line.trim_end().ends_with(part) && is_broken(line))
        .map_or_else(
            || "a line cannot be understood".to_owned(),
            |index| format!("line {} cannot be understood", index + 1),
        )
}
