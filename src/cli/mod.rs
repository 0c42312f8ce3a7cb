//! The command line: what can be asked for, and what the process answers with.
//!
//! One command, one file. Knows how to ask and how to show; what a command does to rooms and stores is done elsewhere.

pub mod doctor;
mod exit;
pub mod healthcheck;
pub mod output;
pub mod reconcile;
pub mod reset;
pub mod run;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::exit::{ExitCode, Failure, Outcome, conclude};

/// The Matrix front-end of AI agents: people invite the bot, get a Space with chats, and talk to agents in them.
///
/// Everything is set by environment variables, or in a .env file in the current folder; .env.example lists them all.
/// Without a command, the bot runs.
#[derive(Clone, Debug, Parser)]
#[command(name = "surfaces-bot", version, after_help = exit::HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

impl Cli {
    /// What was asked for.
    pub fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Run)
    }
}

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Run the bot until it is stopped (the default)
    Run,
    /// Rebuild the local database from the homeserver's rooms, print a report and stop
    Reconcile(ReconcileArgs),
    /// Start over: remove local data, or leave the bot's rooms (for development and tests)
    Reset(ResetArgs),
    /// Check configuration, homeserver, session, stores, folders and agents; say what to do about each failure
    Doctor(DoctorArgs),
    /// Ask the running bot whether it is ready (for container health checks)
    Healthcheck,
}

/// How to reconcile.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReconcileArgs {
    /// Write nothing anywhere; exit with 10 if a run would change something
    #[arg(long)]
    pub check: bool,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// What to remove.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResetArgs {
    /// What to remove
    #[arg(long, value_enum)]
    pub mode: ResetMode,
    /// Print the whole plan and touch nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask; needed where there is no terminal
    #[arg(long)]
    pub yes: bool,
}

/// What a reset removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ResetMode {
    /// The database and the store folder on this machine; the rooms stay
    LocalOnly,
    /// The bot's membership in the rooms it made: it leaves and forgets them; they still exist for other members
    ServerLeaveForget,
}

/// How to show the checks.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoctorArgs {
    /// Print the checks as JSON
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests;
