//! How the process ends, told by a number to machines and in words to people.

use std::path::PathBuf;

use crate::{cli::output, config::Problem};

/// The numbers, as `--help` shows them.
pub(super) const HELP: &str = "\
Exit codes:
   0  done
   1  failed while running
   2  bad usage or configuration, found before anything is contacted
   3  the homeserver refused the credentials
   4  another process holds the data
  10  reconcile --check found something to change";

/// The process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Done.
    Done = 0,
    /// Failed while running.
    Failed = 1,
    /// Bad usage or configuration, found before anything is contacted.
    Usage = 2,
    /// The homeserver refused the credentials.
    CredentialsRefused = 3,
    /// Another process holds the data.
    DataHeld = 4,
    /// `reconcile --check` found something to change.
    Drift = 10,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

/// What a command ends with.
pub type Outcome = Result<ExitCode, Failure>;

/// Why a command could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration cannot be used.
    #[error("the configuration cannot be used")]
    Configuration(Vec<Problem>),
    /// What was asked for cannot be asked for like this.
    #[error("{0}")]
    Usage(String),
    /// The homeserver refused the credentials.
    #[error("the homeserver refused the credentials")]
    CredentialsRefused(#[source] anyhow::Error),
    /// Another process holds the data.
    #[error("another surfaces-bot process holds {}; stop it first", lock.display())]
    DataHeld {
        /// The lock file.
        lock: PathBuf,
    },
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

impl Failure {
    /// The exit code that tells it.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Configuration(_) | Self::Usage(_) => ExitCode::Usage,
            Self::CredentialsRefused(_) => ExitCode::CredentialsRefused,
            Self::DataHeld { .. } => ExitCode::DataHeld,
            Self::Failed(_) => ExitCode::Failed,
        }
    }

    /// All of it in words: every problem, or the whole chain of causes.
    pub fn report(&self) -> String {
        match self {
            Self::Configuration(problems) => {
                let mut lines = vec![format!("{self}:")];
                lines.extend(problems.iter().map(|problem| format!("  - {problem}")));
                lines.push(
                    ".env.example explains every variable; `surfaces-bot doctor` checks those of the bot again."
                        .to_owned(),
                );
                lines.join("\n")
            }
            Self::CredentialsRefused(cause) => format!(
                "{self}: {cause:#}\nCheck MATRIX_USER_ID, and MATRIX_PASSWORD or MATRIX_ACCESS_TOKEN."
            ),
            Self::Failed(cause) => format!("{cause:#}"),
            Self::Usage(_) | Self::DataHeld { .. } => self.to_string(),
        }
    }
}

/// The last thing `main` does: says why it failed, where it did, and gives the exit code.
pub fn conclude(outcome: Outcome) -> std::process::ExitCode {
    let code = outcome.unwrap_or_else(|failure| {
        output::error_line(&failure.report());
        failure.exit_code()
    });
    code.into()
}
