//! What the operator decides, read once and checked whole before anything is contacted.
//!
//! One section, one file, one `from_env`. Every problem is collected, so that one look is enough to put all of them
//! right. Knows nothing of how the values are used.

pub mod agents;
mod backlog;
pub mod env;
mod files;
mod gateway;
pub mod globs;
pub mod http;
pub mod log;
mod matrix;
pub mod names;
mod paths;
mod people;
mod permissions;
mod problem;
pub mod reader;
mod secret;
mod units;

#[cfg(test)]
pub(crate) mod tests;

use std::{net::SocketAddr, time::Duration};

pub use self::{
    agents::{AgentEntry, AgentKind, Registry},
    env::Env,
    files::FilesConfig,
    gateway::{GatewayAgent, GatewayConfig},
    globs::AllowedUsers,
    log::{LogConfig, LogFormat},
    matrix::{Credentials, InitialSync, MatrixConfig},
    names::Warning,
    people::PeopleConfig,
    problem::{Problem, Reported},
    reader::Reader,
    secret::Secret,
};

/// Everything the operator decides.
#[derive(Clone, Debug)]
pub struct Config {
    /// The homeserver, the bot's account, its data.
    pub matrix: MatrixConfig,
    /// Who may use the bot, and how it speaks to them.
    pub people: PeopleConfig,
    /// Files of chats.
    pub files: FilesConfig,
    /// `SURFACES_BACKLOG_MAX_AGE`: messages that waited longer are not sent to the agent.
    pub backlog_max_age: Duration,
    /// `SURFACES_QUEUE_LIMIT`: so many messages of one person may wait in a chat.
    pub queue_limit: u32,
    /// `SURFACES_PERMISSION_TIMEOUT`: an agent's question that nobody answered for so long means no.
    pub permission_timeout: Duration,
    /// `SURFACES_HTTP_ADDR`: where `/healthz`, `/readyz` and `/metrics` answer; `None` is off.
    pub http_addr: Option<SocketAddr>,
    /// How the bot logs.
    pub log: LogConfig,
    /// `MATRIX_AGENTS_CONFIG`: the agents.
    pub agents: Registry,
    /// What is probably not meant; to be logged at start-up.
    pub warnings: Vec<Warning>,
}

impl Config {
    /// Reads all sections; on failure, all problems of all of them.
    pub fn read(env: &Env) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::new(env);
        let config = Self::from_env(&mut reader);
        let problems = reader.into_problems();
        match config {
            Ok(config) if problems.is_empty() => Ok(config),
            _ => Err(problems),
        }
    }

    fn from_env(reader: &mut Reader<'_>) -> Result<Self, Reported> {
        let matrix = MatrixConfig::from_env(reader);
        let own_server = matrix.as_ref().map(|matrix| matrix.user_id.server_name());
        let people = PeopleConfig::from_env(reader, own_server.ok());
        let files = FilesConfig::from_env(reader);
        let backlog_max_age = backlog::max_age_from_env(reader);
        let queue_limit = backlog::queue_limit_from_env(reader);
        let permission_timeout = permissions::timeout_from_env(reader);
        let http_addr = http::addr_from_env(reader);
        let log = LogConfig::from_env(reader);
        let agents = Registry::from_env(reader);
        if let (Ok(matrix), Ok(files)) = (&matrix, &files) {
            for problem in paths::problems(reader.env(), matrix, files) {
                reader.report(problem);
            }
        }
        let matrix = matrix?;
        let warnings = warnings(reader, &matrix);
        Ok(Self {
            matrix,
            people: people?,
            files: files?,
            backlog_max_age: backlog_max_age?,
            queue_limit: queue_limit?,
            permission_timeout: permission_timeout?,
            http_addr: http_addr?,
            log: log?,
            agents: agents?,
            warnings,
        })
    }
}

fn warnings(reader: &Reader<'_>, matrix: &MatrixConfig) -> Vec<Warning> {
    let mut warnings = names::unknown_names(reader.env());
    let device_id = reader.raw("MATRIX_DEVICE_ID").unwrap_or_default();
    if matches!(matrix.credentials, Credentials::Password(_)) && !device_id.trim().is_empty() {
        warnings.push(Warning::WithoutEffect {
            name: "MATRIX_DEVICE_ID",
            reason: "the homeserver names the device when the bot logs in with MATRIX_PASSWORD",
        });
    }
    warnings
}
