//! Logging an agent in: the methods that it offers, and the one that the operator chose.

use agent_client_protocol::v1::schema::{AuthMethod, AuthMethodId};

use super::trouble::{Trouble, one_line};

/// Methods of one agent that are remembered.
const MOST_METHODS: usize = 20;
/// The longest id or name of a method that is named in a log line, in characters.
const LONGEST_NAME: usize = 100;

/// The ways to log an agent in.
#[derive(Debug, Default)]
pub(super) struct Logins {
    /// `auth` of the agent's entry in the registry.
    chosen: Option<String>,
    offered: Vec<Method>,
}

#[derive(Debug)]
struct Method {
    id: String,
    name: String,
    /// A person runs the agent's program for it; `authenticate` does not know it.
    needs_terminal: bool,
}

impl Logins {
    pub(super) fn new(chosen: Option<String>, offered: &[AuthMethod]) -> Self {
        let methods = offered.iter().take(MOST_METHODS).map(|method| Method {
            id: method.id().0.to_string(),
            name: one_line(method.name(), LONGEST_NAME),
            needs_terminal: matches!(method, AuthMethod::Terminal(_)),
        });
        Self {
            chosen,
            offered: methods.collect(),
        }
    }

    /// The method to log in with. `None` where the operator chose none, or where the agent offers none: one that is
    /// logged in already may do so.
    pub(super) fn method(&self) -> Result<Option<AuthMethodId>, Trouble> {
        let Some(chosen) = self.chosen.as_deref() else {
            return Ok(None);
        };
        if self.offered.is_empty() {
            return Ok(None);
        }
        match self.offered.iter().find(|method| method.id == chosen) {
            Some(method) if !method.needs_terminal => Ok(Some(AuthMethodId::new(chosen))),
            Some(_) => Err(Trouble::login(format!(
                "the login method {chosen} needs a terminal: log in by hand where the agent runs"
            ))),
            None => Err(Trouble::login(format!(
                "the agent has no login method {chosen}; {}",
                self.listed()
            ))),
        }
    }

    /// The refusal of an agent that is not logged in, with what an operator can choose from.
    pub(super) fn explained(&self, refusal: &Trouble) -> Trouble {
        Trouble::login(format!("{}; {}", refusal.detail, self.listed()))
    }

    fn listed(&self) -> String {
        if self.offered.is_empty() {
            return "it names no method to log in".to_owned();
        }
        let methods: Vec<String> = self
            .offered
            .iter()
            .map(|method| {
                let id = one_line(&method.id, LONGEST_NAME);
                let terminal = if method.needs_terminal {
                    ", on a terminal"
                } else {
                    ""
                };
                format!("{id} ({}{terminal})", method.name)
            })
            .collect();
        format!("its login methods: {}", methods.join(", "))
    }
}
