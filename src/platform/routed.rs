//! Which agent answers whom: the agent registry, as one user may see it. It can be replaced while the bot runs; whoever
//! holds an agent goes on with it.

use std::sync::{Arc, PoisonError, RwLock};

use wildmatch::WildMatch;

use super::Agent;
use crate::core::ids::{AgentId, UserKey};

/// All agents, in the registry's order.
pub struct Agents(RwLock<Arc<Registered>>);

struct Registered {
    agents: Vec<(Arc<Agent>, Vec<WildMatch>)>,
    default: AgentId,
}

impl Registered {
    fn of(agents: Vec<Agent>, default: AgentId) -> Arc<Self> {
        let agents = agents
            .into_iter()
            .map(|agent| {
                let globs = agent
                    .users
                    .iter()
                    .map(|glob| WildMatch::new(glob))
                    .collect();
                (Arc::new(agent), globs)
            })
            .collect();
        Arc::new(Self { agents, default })
    }
}

impl Agents {
    /// `default` serves new chats of users who chose nothing.
    pub fn new(agents: Vec<Agent>, default: AgentId) -> Self {
        Self(RwLock::new(Registered::of(agents, default)))
    }

    /// From here on, there are these.
    pub fn replace(&self, agents: Vec<Agent>, default: AgentId) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Registered::of(agents, default);
    }

    fn now(&self) -> Arc<Registered> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// All of them.
    pub fn all(&self) -> Vec<Arc<Agent>> {
        let now = self.now();
        now.agents
            .iter()
            .map(|(agent, _)| Arc::clone(agent))
            .collect()
    }

    /// Those the user may use.
    pub fn agents_for(&self, user: &UserKey) -> Vec<Arc<Agent>> {
        self.now()
            .agents
            .iter()
            .filter(|(_, globs)| {
                globs.is_empty() || globs.iter().any(|glob| glob.matches(user.as_str()))
            })
            .map(|(agent, _)| Arc::clone(agent))
            .collect()
    }

    /// The agent with this id; `None` where there is none, or it is not for this user.
    pub fn agent_of(&self, user: &UserKey, id: &AgentId) -> Option<Arc<Agent>> {
        self.agents_for(user)
            .into_iter()
            .find(|agent| agent.id == *id)
    }

    /// The agent a user means by these words: its id, or else its name, in whatever case.
    pub fn wanted(&self, user: &UserKey, words: &str) -> Option<Arc<Agent>> {
        let agents = self.agents_for(user);
        let lower = words.to_lowercase();
        let find = |is_meant: &dyn Fn(&Agent) -> bool| {
            agents.iter().find(|agent| is_meant(agent)).cloned()
        };
        find(&|agent| agent.id.as_str() == words)
            .or_else(|| find(&|agent| agent.id.as_str().to_lowercase() == lower))
            .or_else(|| find(&|agent| agent.name.to_lowercase() == lower))
    }

    /// The agent of a user's new chat: the chosen one, else the default, else the first the user may use.
    pub fn for_new_chat(&self, user: &UserKey, chosen: Option<&AgentId>) -> Option<Arc<Agent>> {
        chosen
            .and_then(|id| self.agent_of(user, id))
            .or_else(|| self.agent_of(user, &self.now().default))
            .or_else(|| self.agents_for(user).into_iter().next())
    }

    /// What people call the agent; its id where the registry does not have it.
    pub fn name_of(&self, id: &AgentId) -> String {
        self.all()
            .iter()
            .find(|agent| agent.id == *id)
            .map_or_else(|| id.to_string(), |agent| agent.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::mock::MockAgent;

    fn agent(id: &str, name: &str, users: &[&str]) -> Agent {
        let id = AgentId::new(id);
        Agent {
            id: id.clone(),
            name: name.to_owned(),
            description: String::new(),
            users: users.iter().map(|glob| (*glob).to_owned()).collect(),
            limits: crate::platform::Limits::default(),
            client: Arc::new(MockAgent::new(id)),
        }
    }

    fn registry() -> Agents {
        let agents = vec![
            agent("coder", "GPT", &["@dev:example.org", "@*:lab.example"]),
            agent("assistant", "Assistant", &[]),
            agent("gpt", "Model", &["@*:example.org"]),
        ];
        Agents::new(agents, AgentId::new("assistant"))
    }

    fn ids(agents: &[Arc<Agent>]) -> Vec<String> {
        agents.iter().map(|agent| agent.id.to_string()).collect()
    }

    #[test]
    fn a_user_sees_the_agents_meant_for_them_in_the_registrys_order() {
        for (user, expected) in [
            ("@dev:example.org", vec!["coder", "assistant", "gpt"]),
            ("@alice:example.org", vec!["assistant", "gpt"]),
            ("@bob:lab.example", vec!["coder", "assistant"]),
            ("@eve:elsewhere", vec!["assistant"]),
            ("@x:lab.example.evil", vec!["assistant"]),
        ] {
            assert_eq!(
                ids(&registry().agents_for(&UserKey::new(user))),
                expected,
                "{user}"
            );
        }
    }

    #[test]
    fn an_agent_meant_for_others_is_not_found() {
        let registry = registry();
        let alice = UserKey::new("@alice:example.org");
        assert!(registry.agent_of(&alice, &AgentId::new("gpt")).is_some());
        assert!(registry.agent_of(&alice, &AgentId::new("coder")).is_none());
        assert!(registry.agent_of(&alice, &AgentId::new("nobody")).is_none());
        assert!(registry.wanted(&alice, "coder").is_none());
    }

    #[test]
    fn an_agent_is_meant_by_id_before_name_and_in_any_case() {
        let registry = registry();
        let dev = UserKey::new("@dev:example.org");
        for (words, expected) in [
            ("gpt", Some("gpt")),
            ("GPT", Some("gpt")),
            ("model", Some("gpt")),
            ("ASSISTANT", Some("assistant")),
            ("gp", None),
            ("", None),
        ] {
            let found = registry
                .wanted(&dev, words)
                .map(|agent| agent.id.to_string());
            assert_eq!(found.as_deref(), expected, "{words}");
        }
    }

    #[test]
    fn a_new_chat_is_served_by_the_chosen_the_default_or_the_first_agent_there_is() {
        let registry = registry();
        let alice = UserKey::new("@alice:example.org");
        let id = |chosen: Option<&str>| {
            let chosen = chosen.map(AgentId::new);
            let agent = registry.for_new_chat(&alice, chosen.as_ref());
            agent.map(|agent| agent.id.to_string())
        };
        assert_eq!(id(Some("gpt")).as_deref(), Some("gpt"));
        assert_eq!(
            id(Some("coder")).as_deref(),
            Some("assistant"),
            "coder is not for her"
        );
        assert_eq!(id(None).as_deref(), Some("assistant"));
        let only = Agents::new(vec![agent("gpt", "Model", &[])], AgentId::new("gone"));
        let first = only
            .for_new_chat(&alice, None)
            .map(|agent| agent.id.to_string());
        assert_eq!(first.as_deref(), Some("gpt"));
        assert!(
            Agents::new(Vec::new(), AgentId::new("x"))
                .for_new_chat(&alice, None)
                .is_none()
        );
    }

    #[test]
    fn an_agent_that_is_gone_is_called_by_its_id() {
        let registry = registry();
        assert_eq!(registry.name_of(&AgentId::new("gpt")), "Model");
        assert_eq!(registry.name_of(&AgentId::new("old")), "old");
    }

    #[test]
    fn a_registry_that_is_replaced_serves_at_once_and_old_agents_go_on() {
        let registry = registry();
        let alice = UserKey::new("@alice:example.org");
        let held = registry.agent_of(&alice, &AgentId::new("gpt")).unwrap();
        registry.replace(vec![agent("new", "New", &[])], AgentId::new("new"));
        assert_eq!(ids(&registry.agents_for(&alice)), ["new"]);
        assert_eq!(registry.name_of(&AgentId::new("gpt")), "gpt");
        assert_eq!(held.name, "Model");
    }
}
