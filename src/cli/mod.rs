//! The command line: what can be asked for, and what the process answers with.
//!
//! One command, one file. Knows how to ask and how to show; what a command does to rooms and stores is done elsewhere.

pub mod doctor;
mod exit;
pub mod healthcheck;
pub mod output;
pub mod platform_agent;
pub mod reconcile;
pub mod reset;
pub mod run;

use std::net::SocketAddr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use url::Url;

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
    /// Ask the running bot, or a platform agent, whether it is ready (for container health checks)
    Healthcheck(HealthcheckArgs),
    /// Serve an agent to bots: ACP over WebSocket at /acp, its health at /health
    #[command(after_help = platform_agent::HELP)]
    PlatformAgent(PlatformAgentArgs),
}

/// Whom to ask.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct HealthcheckArgs {
    /// Ask this address instead of the bot's own (`SURFACES_HTTP_ADDR`), such as `http://127.0.0.1:8000/health`
    #[arg(long)]
    pub url: Option<Url>,
}

/// What to serve, and where.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct PlatformAgentArgs {
    /// The address to listen on; any but a loopback address needs `SURFACES_PLATFORM_AGENT_TOKEN`
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8000")]
    pub listen: SocketAddr,
    /// An ACP agent that speaks on its standard input and output, such as: opencode acp. One process is started for
    /// each connection. Without a command, the built-in reference agent answers
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
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
