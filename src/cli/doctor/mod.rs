//! `surfaces-bot doctor`: checks everything the bot needs, without disturbing one that runs.
//!
//! Takes no lock, starts no session and leaves nothing behind.

mod check;
mod database;
mod folders;
mod homeserver;
mod session;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    cli::{DoctorArgs, ExitCode, output},
    config::{Config, Env, Problem},
    platform::{Agent, Diagnosis},
};

pub use self::check::{Check, Trouble};
pub use self::database::ReadingProbe;
pub use self::session::SESSION_FILE;

/// How long one question to the homeserver may take.
const LIMIT: Duration = Duration::from_secs(10);
/// How long an agent may take: it may have to start, or to load its model, first.
const AGENT_LIMIT: Duration = Duration::from_secs(150);

/// Looks at the bot's database without writing to it or waiting for the bot that holds it.
#[async_trait]
pub trait StoreProbe: Send + Sync {
    /// What was found; a database that is not there yet is no trouble.
    async fn probe(&self, path: &Path) -> Result<String, Trouble>;
}

/// What the checks need beside the configuration.
pub struct Parts {
    /// Every agent of the registry.
    pub agents: Vec<Agent>,
    /// Looks at the database.
    pub store: Box<dyn StoreProbe>,
}

/// Checks and prints.
pub async fn run(env: &Env, args: DoctorArgs, parts: impl FnOnce(&Config) -> Parts) -> ExitCode {
    let (checks, code) = match Config::read(env) {
        Err(problems) => (configuration_failures(problems), ExitCode::Usage),
        Ok(config) => {
            let checks = checks(&config, parts(&config)).await;
            let all_hold = checks.iter().all(Check::holds);
            let code = if all_hold {
                ExitCode::Done
            } else {
                ExitCode::Failed
            };
            (checks, code)
        }
    };
    output::line(&rendered(&checks, args.json));
    code
}

/// Every check, in the order in which failures are best put right.
pub async fn checks(config: &Config, parts: Parts) -> Vec<Check> {
    let mut checks = configuration(config);
    let matrix = &config.matrix;
    match client() {
        Ok(client) => {
            let homeserver = homeserver::check(&client, &matrix.homeserver).await;
            let session = if homeserver.holds() {
                session::check(&client, matrix).await
            } else {
                Check::of("session", Err(not_asked()))
            };
            checks.extend([homeserver, session]);
        }
        Err(trouble) => checks.push(Check::of("homeserver", Err(trouble))),
    }
    let database = parts.store.probe(&matrix.db_path).await;
    checks.push(Check::of("database", database));
    let database_folder = folders::parent(&matrix.db_path);
    checks.push(folders::check(
        "database folder",
        "MATRIX_DB_PATH",
        database_folder,
    ));
    checks.push(folders::check(
        "store folder",
        "MATRIX_STORE_PATH",
        &matrix.store_path,
    ));
    let workspace = &config.files.workspace_dir;
    checks.push(folders::check(
        "workspace",
        "SURFACES_WORKSPACE_DIR",
        workspace,
    ));
    checks.extend(join_all(parts.agents.iter().map(agent)).await);
    checks
}

fn rendered(checks: &[Check], as_json: bool) -> String {
    if as_json {
        let ok = checks.iter().all(Check::holds);
        return json!({"ok": ok, "checks": checks}).to_string();
    }
    let lines: Vec<String> = checks.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn configuration_failures(problems: Vec<Problem>) -> Vec<Check> {
    let trouble = |problem: Problem| {
        Trouble::new(
            format!("{}: {}", problem.name, problem.found),
            format!("expected {}", problem.expected),
        )
    };
    problems
        .into_iter()
        .map(|problem| Check::of("configuration", Err(trouble(problem))))
        .collect()
}

fn configuration(config: &Config) -> Vec<Check> {
    let agents: Vec<&str> = config
        .agents
        .agents
        .iter()
        .map(|agent| agent.id.as_str())
        .collect();
    let summary = format!(
        "complete; {} on {}, agents: {}",
        config.matrix.user_id,
        config.matrix.homeserver,
        agents.join(", ")
    );
    let mut checks = vec![Check::of("configuration", Ok(summary))];
    // Nothing that stops the bot, so nothing that fails.
    checks.extend(
        config
            .warnings
            .iter()
            .map(|warning| Check::of("configuration", Ok(format!("warning: {warning}")))),
    );
    checks
}

fn client() -> Result<reqwest::Client, Trouble> {
    reqwest::Client::builder()
        .timeout(LIMIT)
        .build()
        .map_err(|error| {
            Trouble::new(
                format!("no HTTP client: {:#}", anyhow::Error::from(error)),
                "see whether the system's certificates are installed",
            )
        })
}

fn not_asked() -> Trouble {
    Trouble::new(
        "cannot be checked without the homeserver",
        "put that right first",
    )
}

async fn agent(agent: &Agent) -> Check {
    let finding = match tokio::time::timeout(AGENT_LIMIT, agent.client.diagnose()).await {
        Ok(Ok(holds)) => Ok(format!("{} {holds}", agent.name)),
        Ok(Err(Diagnosis { found, remedy })) => Err(Trouble::new(found, remedy)),
        Err(_) => Err(Trouble::new(
            format!("no answer within {} s", AGENT_LIMIT.as_secs()),
            "see whether it runs, and its entry in the agent registry",
        )),
    };
    Check::of(format!("agent {}", agent.id), finding)
}
