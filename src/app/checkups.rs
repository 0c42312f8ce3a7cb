//! Looks after the agents now and then, for the metrics: an operator hears of one that is gone before people do.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::{
    lifecycle::Tasks,
    ops::Metrics,
    platform::{Agent, routed::Agents},
};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(30);
/// How long an agent may take to be looked at.
const LIMIT: Duration = Duration::from_secs(10);

/// Until the end begins.
pub(super) async fn follow(agents: Arc<Agents>, metrics: Metrics, tasks: Tasks) {
    while !tasks.is_draining() {
        tokio::select! {
            () = tasks.draining().cancelled() => return,
            () = look(&agents, &metrics) => {}
        }
        tasks.pause(EVERY).await;
    }
}

/// An agent of which nothing can be told yet is left out.
async fn look(agents: &Agents, metrics: &Metrics) {
    let all = agents.all();
    let found = join_all(all.iter().map(|agent| health(agent))).await;
    let told = all.iter().zip(found);
    metrics.agents_health(told.filter_map(|(agent, health)| Some((&agent.id, health?))));
}

async fn health(agent: &Agent) -> Option<bool> {
    timeout(LIMIT, agent.client.looks_healthy())
        .await
        .unwrap_or(Some(false))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use super::*;
    use crate::{
        core::ids::AgentId,
        platform::{
            Limits, PlatformClient,
            acp::{AcpAgent, LooseBook, Reach, Settings},
            mock::MockAgent,
        },
    };

    fn agent(id: &str, client: Arc<dyn PlatformClient>) -> Agent {
        Agent {
            id: AgentId::new(id),
            name: id.to_owned(),
            description: String::new(),
            users: Vec::new(),
            limits: Limits::default(),
            client,
        }
    }

    /// An agent whose program is not there.
    fn missing(folder: &Path, tasks: &Tasks) -> Arc<dyn PlatformClient> {
        let settings = Settings {
            id: AgentId::new("missing"),
            reach: Reach::Command {
                program: folder.join("no such program"),
                arguments: Vec::new(),
                environment: BTreeMap::new(),
            },
            workspace: folder.to_owned(),
            local_workspace: folder.to_owned(),
            is_per_chat: true,
            linked_files: false,
            auth: None,
            mode: None,
            model: None,
        };
        Arc::new(AcpAgent::new(
            settings,
            Arc::new(LooseBook::default()),
            tasks,
        ))
    }

    /// The lines about agents.
    async fn told(agents: &Agents) -> Vec<String> {
        let metrics = Metrics::new();
        look(agents, &metrics).await;
        let text = metrics.text(Duration::ZERO);
        let lines = text.lines().filter(|line| line.contains("{agent="));
        lines.map(str::to_owned).collect()
    }

    #[tokio::test]
    async fn looking_starts_nothing_and_tells_what_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let tasks = Tasks::default();
        let missing = missing(folder.path(), &tasks);
        let echo: Arc<dyn PlatformClient> = Arc::new(MockAgent::new(AgentId::new("echo")));
        let all = vec![agent("echo", echo), agent("missing", Arc::clone(&missing))];
        let agents = Agents::new(all, AgentId::new("echo"));
        assert_eq!(
            told(&agents).await,
            [r#"surfaces_agent_healthy{agent="echo"} 1"#]
        );
        assert!(missing.health().await.is_err());
        let mut lines = told(&agents).await;
        lines.sort();
        assert_eq!(
            lines,
            [
                r#"surfaces_agent_healthy{agent="echo"} 1"#,
                r#"surfaces_agent_healthy{agent="missing"} 0"#
            ]
        );
    }
}
