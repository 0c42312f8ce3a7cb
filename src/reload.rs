//! Takes in an agent registry that changed while the bot runs.
//!
//! The registry in force belongs to the process: sessions end and begin, and each begins with the registry that was read
//! last. A running answer goes on with the agent it was asked of. An agent whose settings are the same keeps its connections.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{
    config::{AgentEntry, Problem, Registry},
    core::ids::AgentId,
    lifecycle::{HangUps, Tasks},
    platform::{Agent, PlatformClient, routed::Agents},
};

/// The agent registry in force: as it was read at the start, or at the last hang-up. Clones share it.
#[derive(Clone)]
pub struct CurrentRegistry(Arc<watch::Sender<Arc<Registry>>>);

impl CurrentRegistry {
    /// This one, until another is read.
    pub fn new(registry: Registry) -> Self {
        Self(Arc::new(watch::Sender::new(Arc::new(registry))))
    }

    /// As it is now.
    pub fn get(&self) -> Arc<Registry> {
        Arc::clone(&self.0.borrow())
    }

    /// Reads the registry again at each hang-up, until the end begins. One that cannot be used is logged and changes
    /// nothing.
    pub async fn follow(
        self,
        mut hang_ups: HangUps,
        tasks: Tasks,
        read: impl Fn() -> Result<Registry, Vec<Problem>> + Send,
    ) {
        loop {
            tokio::select! {
                () = tasks.draining().cancelled() => return,
                () = hang_ups.next() => self.take(read()),
            }
        }
    }

    fn take(&self, read: Result<Registry, Vec<Problem>>) {
        match read {
            Ok(registry) => {
                self.0.send_replace(Arc::new(registry));
            }
            Err(problems) => {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                let problems = problems.join("; ");
                tracing::error!(
                    problems,
                    "the agent registry cannot be used, and the one before stays: {problems}"
                );
            }
        }
    }
}

type ClientOf = Box<dyn Fn(&AgentEntry) -> Arc<dyn PlatformClient> + Send + Sync>;

/// Keeps the agents of one session to the registry in force.
pub struct Reloader {
    registries: watch::Receiver<Arc<Registry>>,
    /// That the agents were made from.
    registry: Arc<Registry>,
    agents: Arc<Agents>,
    client_of: ClientOf,
}

/// What became different.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Agents that were not there before.
    pub added: Vec<AgentId>,
    /// Agents that are asked in another way, or have another name, other users or limits.
    pub changed: Vec<AgentId>,
    /// Agents that are not there any more.
    pub removed: Vec<AgentId>,
}

/// The agent that the registry describes, with who answers for it.
pub fn agent_of(entry: &AgentEntry, client: Arc<dyn PlatformClient>) -> Agent {
    Agent {
        id: entry.id.clone(),
        name: entry.name.clone(),
        description: entry.description.clone(),
        users: entry.users.clone(),
        limits: entry.limits,
        client,
    }
}

impl Reloader {
    /// Makes the agents of the registry in force; `client_of` makes each of them, and those that come later.
    pub fn new(
        current: &CurrentRegistry,
        client_of: impl Fn(&AgentEntry) -> Arc<dyn PlatformClient> + Send + Sync + 'static,
    ) -> Self {
        let mut registries = current.0.subscribe();
        let registry = Arc::clone(&registries.borrow_and_update());
        let made = registry
            .agents
            .iter()
            .map(|entry| agent_of(entry, client_of(entry)))
            .collect();
        Self {
            registries,
            agents: Arc::new(Agents::new(made, registry.default.clone())),
            registry,
            client_of: Box::new(client_of),
        }
    }

    /// The agents, as they are now and will be after each change.
    pub fn agents(&self) -> Arc<Agents> {
        Arc::clone(&self.agents)
    }

    /// Takes in each registry that comes into force, until the end begins.
    pub async fn follow(mut self, tasks: Tasks) {
        loop {
            tokio::select! {
                () = tasks.draining().cancelled() => return,
                changed = self.registries.changed() => if changed.is_err() { return },
            }
            self.catch_up();
        }
    }

    fn catch_up(&mut self) {
        let registry = Arc::clone(&self.registries.borrow_and_update());
        let changes = self.replace(registry);
        tracing::info!(
            agents.added = names(&changes.added),
            agents.changed = names(&changes.changed),
            agents.removed = names(&changes.removed),
            "the agent registry is read again"
        );
    }

    /// From here on the agents are those of this registry.
    pub fn replace(&mut self, registry: Arc<Registry>) -> Changes {
        let before = self.agents.all();
        let mut changes = Changes::default();
        let agents = registry
            .agents
            .iter()
            .map(|entry| {
                let known = self
                    .registry
                    .agents
                    .iter()
                    .find(|known| known.id == entry.id);
                match known {
                    None => changes.added.push(entry.id.clone()),
                    Some(known) if known != entry => changes.changed.push(entry.id.clone()),
                    Some(_) => {}
                }
                let same = before.iter().find(|agent| {
                    agent.id == entry.id && known.is_some_and(|known| known.kind == entry.kind)
                });
                let client = match same {
                    Some(agent) => Arc::clone(&agent.client),
                    None => (self.client_of)(entry),
                };
                agent_of(entry, client)
            })
            .collect();
        changes.removed = self
            .registry
            .agents
            .iter()
            .map(|entry| entry.id.clone())
            .filter(|id| registry.agents.iter().all(|entry| entry.id != *id))
            .collect();
        self.agents.replace(agents, registry.default.clone());
        self.registry = registry;
        changes
    }
}

fn names(ids: &[AgentId]) -> String {
    let names: Vec<&str> = ids.iter().map(AgentId::as_str).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Env, core::ids::UserKey, platform::mock::MockAgent};

    fn read(yaml: &str) -> Result<Registry, Vec<Problem>> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("agents.yaml"), yaml).unwrap();
        let env = Env::of([("MATRIX_AGENTS_CONFIG", "agents.yaml")]).in_folder(folder.path());
        Registry::read(&env)
    }

    fn reloader(current: &CurrentRegistry) -> Reloader {
        Reloader::new(current, |entry| Arc::new(MockAgent::new(entry.id.clone())))
    }

    fn current(yaml: &str) -> CurrentRegistry {
        CurrentRegistry::new(read(yaml).unwrap())
    }

    fn client(reloader: &Reloader, id: &str) -> Arc<dyn PlatformClient> {
        let all = reloader.agents.all();
        Arc::clone(
            &all.iter()
                .find(|agent| agent.id.as_str() == id)
                .unwrap()
                .client,
        )
    }

    #[test]
    fn agents_come_change_and_go_and_the_others_keep_their_connections() {
        let mut reloader = reloader(&current(
            "agents: [{id: same, kind: mock}, {id: slow, kind: mock}, {id: named, kind: mock}, {id: gone, kind: mock}]",
        ));
        let before = ["same", "slow", "named"].map(|id| client(&reloader, id));
        let read_again = read(
            "default: new\nagents: [{id: same, kind: mock}, {id: slow, kind: mock, delay_ms: 5}, {id: named, name: N, kind: mock}, {id: new, kind: mock}]",
        );
        let changes = reloader.replace(Arc::new(read_again.unwrap()));
        let ids = |ids: &[&str]| ids.iter().map(|id| AgentId::new(*id)).collect::<Vec<_>>();
        assert_eq!(changes.added, ids(&["new"]));
        assert_eq!(changes.changed, ids(&["slow", "named"]));
        assert_eq!(changes.removed, ids(&["gone"]));
        let kept = ["same", "slow", "named"]
            .iter()
            .zip(&before)
            .map(|(id, old)| Arc::ptr_eq(old, &client(&reloader, id)))
            .collect::<Vec<_>>();
        assert_eq!(kept, [true, false, true]);
        let default = reloader.agents.for_new_chat(&UserKey::new("@a:hs"), None);
        assert_eq!(default.unwrap().id, AgentId::new("new"));
    }

    #[test]
    fn a_file_that_cannot_be_used_changes_nothing() {
        let current = current("agents: [{id: same, kind: mock}]");
        let mut reloader = reloader(&current);
        current.take(read("agents: [{id: '', kind: magic}]"));
        assert!(!reloader.registries.has_changed().unwrap());
        assert_eq!(
            reloader.replace(Arc::new(read("agents: [{id: same, kind: mock}]").unwrap())),
            Changes::default()
        );
    }

    #[test]
    fn a_session_that_begins_later_has_the_registry_that_was_read_last() {
        let current = current("agents: [{id: first, kind: mock}, {id: second, kind: mock}]");
        let mut before = reloader(&current);
        current.take(read(
            "agents: [{id: first, kind: mock, users: ['@alice:hs']}, {id: second, kind: mock}]",
        ));
        before.catch_up();
        let after = reloader(&current);
        for reloader in [&before, &after] {
            let bob = UserKey::new("@bob:hs");
            let his: Vec<_> = reloader
                .agents
                .agents_for(&bob)
                .iter()
                .map(|agent| agent.id.clone())
                .collect();
            assert_eq!(his, [AgentId::new("second")]);
        }
        assert_eq!(current.get().default, AgentId::new("first"));
    }
}
