//! The agents of the registry, made real: which type answers for which kind.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context;

use super::checkups;
use crate::{
    config::{AgentEntry, AgentKind, Config, Env, Registry, agents::acp::AcpConfig},
    lifecycle::{HangUps, Tasks},
    ops::Metrics,
    platform::{
        Agent, PlatformClient,
        acp::{self, AcpAgent, LooseBook, SessionBook},
        mock::MockAgent,
        openai::{OpenAiAgent, ports::Ports},
        routed::Agents,
    },
    reload::{self, CurrentRegistry, Reloader},
};

/// What agents need of the rest of the program.
#[derive(Clone)]
pub struct Supplies {
    /// Of the kind `openai`.
    pub models: Ports,
    /// Which sessions agents of the kind `acp` have.
    pub sessions: Arc<dyn SessionBook>,
    /// `SURFACES_WORKSPACE_DIR`.
    pub workspace: PathBuf,
    /// Where connections are kept.
    pub tasks: Tasks,
}

impl Supplies {
    /// Enough to see whether agents can be reached; nothing is kept.
    pub fn for_a_look(config: &Config) -> Self {
        Self {
            models: Ports::nowhere(),
            sessions: Arc::new(LooseBook::default()),
            workspace: config.files.workspace_dir.clone(),
            tasks: Tasks::default(),
        }
    }
}

/// The agents as they are now and will be after each change of the registry.
pub(super) fn serve(
    registry: &CurrentRegistry,
    supplies: Supplies,
    metrics: Metrics,
) -> Arc<Agents> {
    let tasks = supplies.tasks.clone();
    let client_of = move |entry: &AgentEntry| agent_client(entry, &supplies);
    let reloader = Reloader::new(registry, client_of);
    let agents = reloader.agents();
    tasks.spawn(
        "health of agents",
        checkups::follow(Arc::clone(&agents), metrics, tasks.clone()),
    );
    tasks.spawn("agents of the registry", reloader.follow(tasks.clone()));
    agents
}

/// At SIGHUP the registry is read again, `.env` included. From here on, this signal no longer ends the process.
pub(super) fn follow_hang_ups(registry: &CurrentRegistry, tasks: &Tasks) -> anyhow::Result<()> {
    let hang_ups = HangUps::listen().context("signals cannot be listened to")?;
    let read = || Registry::read(&Env::of_process());
    let following = registry.clone().follow(hang_ups, tasks.clone(), read);
    tasks.spawn("agent registry", following);
    Ok(())
}

/// The agents of the registry, ready to be asked.
pub fn agents(registry: &Registry, supplies: &Supplies) -> Vec<Agent> {
    registry
        .agents
        .iter()
        .map(|entry| reload::agent_of(entry, agent_client(entry, supplies)))
        .collect()
}

fn agent_client(entry: &AgentEntry, supplies: &Supplies) -> Arc<dyn PlatformClient> {
    let id = entry.id.clone();
    match &entry.kind {
        AgentKind::Mock { delay } => Arc::new(MockAgent::new(id).with_pause(*delay)),
        AgentKind::Acp(settings) => Arc::new(AcpAgent::new(
            acp_settings(entry, settings, supplies),
            Arc::clone(&supplies.sessions),
            &supplies.tasks,
        )),
        AgentKind::OpenAi(settings) => Arc::new(OpenAiAgent::new(
            id,
            (**settings).clone(),
            supplies.models.clone(),
        )),
    }
}

fn acp_settings(entry: &AgentEntry, acp: &AcpConfig, supplies: &Supplies) -> acp::Settings {
    let workspace = &supplies.workspace;
    let local_workspace = std::path::absolute(workspace).unwrap_or_else(|_| workspace.clone());
    acp::Settings {
        id: entry.id.clone(),
        reach: acp.reach.clone(),
        workspace: acp
            .workspace
            .clone()
            .unwrap_or_else(|| local_workspace.clone()),
        local_workspace,
        is_per_chat: acp.is_per_chat,
        linked_files: acp.linked_files,
        auth: acp.auth.clone(),
        mode: acp.mode.clone(),
        model: acp.model.clone(),
    }
}
