//! `platform-agent`: serves an agent to bots. A process of its own, that knows nothing of Matrix.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use tracing::info;

use crate::{
    cli::{ExitCode, Failure, Outcome, PlatformAgentArgs},
    clock::{Clock, SystemClock},
    config::{Env, GatewayAgent, GatewayConfig},
    lifecycle::{GRACE, OsSignals, Tasks},
    lock::{FolderLock, LockError},
    logging,
    platform::{
        gateway::{Bounds, ChildAgent, Gateway, ServedAgent},
        reference::ReferenceAgent,
    },
};

/// The time between two words of the reference agent.
const PACE: Duration = Duration::from_millis(30);

/// What `--help` says at its end.
pub(super) const HELP: &str = "\
Bots connect to ws://ADDR/acp and send the token: kind: acp, url: ws://ADDR/acp, token_env: … in their agent registry.
GET /health answers 200 while the agent answers, else 503 and why; container health checks can run
  surfaces-bot healthcheck --url http://127.0.0.1:8000/health

Variables (no MATRIX_… one is needed):
  SURFACES_PLATFORM_AGENT_TOKEN     the bearer token, or …_FILE; optional on a loopback address
  SURFACES_WORKSPACE_DIR            reference agent: the folder shared with the bot [/workspace]
  SURFACES_PLATFORM_AGENT_DATA_DIR  reference agent: where it keeps its sessions [platform_agent]
  SURFACES_LOG_FORMAT, RUST_LOG     as for the bot; surfaces_bot=debug shows what a COMMAND writes to standard error

A COMMAND inherits the environment except for MATRIX_… and SURFACES_…, gets one message a line, and is ended, with all
its process group, when its connection ends.

Limits: 64 connections, 4 MiB a message, one minute of silence (clients are pinged every 20 s).";

/// Serves until the process is asked to end.
pub async fn run(env: &Env, args: PlatformAgentArgs) -> Outcome {
    let config =
        GatewayConfig::read(env, args.listen, &args.command).map_err(Failure::Configuration)?;
    logging::init(&config.log).map_err(|error| Failure::Failed(error.into()))?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let tasks = Tasks::default();
    let signals = OsSignals::listen().context("signals cannot be listened to")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let _held = hold(&config.agent)?;
    let bounds = Bounds::default();
    let agent = agent(&config.agent, bounds, &clock)?;
    let gateway = Gateway::bind(config.listen, config.token, agent, bounds, clock, &tasks)
        .await
        .context("the platform agent cannot start")?;
    let addr = gateway.local_addr().context("the address is unknown")?;
    gateway.serve();
    info!(addr = %addr, "serving an agent at ws://{addr}/acp");
    tasks.run_until_shutdown(signals, GRACE).await?;
    info!("ended");
    Ok(ExitCode::Done)
}

/// One process per data folder. A command keeps what it keeps where it likes.
fn hold(agent: &GatewayAgent) -> Result<Option<FolderLock>, Failure> {
    let GatewayAgent::Reference { data_dir, .. } = agent else {
        return Ok(None);
    };
    FolderLock::take(data_dir)
        .map(Some)
        .map_err(|error| match error {
            LockError::Held(lock) => Failure::DataHeld { lock },
            unusable @ LockError::Unusable { .. } => Failure::Failed(unusable.into()),
        })
}

fn agent(
    config: &GatewayAgent,
    bounds: Bounds,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn ServedAgent>, anyhow::Error> {
    Ok(match config.clone() {
        GatewayAgent::Command {
            program,
            arguments,
            hidden,
        } => {
            info!(program = %program.display(), "a command answers, one process for each connection");
            Arc::new(ChildAgent {
                program,
                arguments,
                hidden,
                longest_line: bounds.message,
            })
        }
        GatewayAgent::Reference {
            workspace_dir,
            data_dir,
        } => {
            info!("no command is given: the reference agent answers");
            let opened = ReferenceAgent::open(&workspace_dir, &data_dir, PACE, Arc::clone(clock));
            Arc::new(opened.context("the workspace or the data folder cannot be used")?)
        }
    })
}
