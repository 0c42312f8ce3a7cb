//! The agents of the registry, made real: which type answers for which kind.

use std::sync::Arc;

use anyhow::Context;

use crate::{
    config::{AgentEntry, AgentKind, Env, Registry},
    lifecycle::{HangUps, Tasks},
    platform::{
        Agent, PlatformClient,
        mock::MockAgent,
        openai::{OpenAiAgent, ports::Ports},
        routed::Agents,
    },
    reload::{self, Reloader},
};

/// The agents as they are now and will be after each change of the registry.
pub(super) fn serve(
    registry: &Registry,
    ports: Ports,
    tasks: &Tasks,
) -> anyhow::Result<Arc<Agents>> {
    let made = agents(registry, &ports);
    let agents = Arc::new(Agents::new(made, registry.default.clone()));
    follow(registry, &agents, ports, tasks)?;
    Ok(agents)
}

/// The agents of the registry, ready to be asked.
pub fn agents(registry: &Registry, ports: &Ports) -> Vec<Agent> {
    registry
        .agents
        .iter()
        .map(|entry| reload::agent_of(entry, agent_client(entry, ports)))
        .collect()
}

/// At SIGHUP the registry is read again, `.env` included.
fn follow(
    registry: &Registry,
    agents: &Arc<Agents>,
    ports: Ports,
    tasks: &Tasks,
) -> anyhow::Result<()> {
    let hang_ups = HangUps::listen().context("signals cannot be listened to")?;
    let client_of = move |entry: &AgentEntry| agent_client(entry, &ports);
    let reloader = Reloader::new(registry.clone(), Arc::clone(agents), client_of);
    let read = || Registry::read(&Env::of_process());
    tasks.spawn(
        "agent registry",
        reloader.follow(hang_ups, tasks.clone(), read),
    );
    Ok(())
}

fn agent_client(entry: &AgentEntry, ports: &Ports) -> Arc<dyn PlatformClient> {
    let id = entry.id.clone();
    match &entry.kind {
        AgentKind::Mock { delay } => Arc::new(MockAgent::new(id).with_pause(*delay)),
        AgentKind::Acp(_) => unreachable!("the registry refuses this kind"),
        AgentKind::OpenAi(settings) => {
            Arc::new(OpenAiAgent::new(id, (**settings).clone(), ports.clone()))
        }
    }
}
