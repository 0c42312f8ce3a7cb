//! Whether the agent answers: it is greeted as a client would, now and then, and the outcome is kept for a while.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::conversation::{Conversation, ServedAgent, WAITING};
use crate::clock::Clock;

/// How long an answer counts before the agent is asked again.
const FRESH: Duration = Duration::from_secs(30);

/// How long a failure counts.
const FRESH_FAILURE: Duration = Duration::from_secs(5);

/// How long a good answer still counts while the agent is asked again.
const STALE: Duration = Duration::from_mins(1);

/// How long the agent may take to answer. Some take long to start.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// How long whoever asks for the health waits for a new answer. Less than health checks wait for this one.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
struct Found {
    at: Instant,
    outcome: Result<(), String>,
}

/// The agent's health. Clones share it.
#[derive(Clone)]
pub(super) struct Health {
    agent: Arc<dyn ServedAgent>,
    clock: Arc<dyn Clock>,
    wanted: Arc<Notify>,
    found: watch::Sender<Option<Found>>,
}

impl Health {
    pub(super) fn new(agent: Arc<dyn ServedAgent>, clock: Arc<dyn Clock>) -> Self {
        Self {
            agent,
            clock,
            wanted: Arc::new(Notify::new()),
            found: watch::Sender::new(None),
        }
    }

    /// Whether the agent answers, as far as is known or can be found out at once; otherwise what went wrong.
    pub(super) async fn now(&self) -> Result<(), String> {
        let mut found = self.found.subscribe();
        let last = found.borrow_and_update().clone();
        let age = |found: &Found| self.clock.monotonic().duration_since(found.at);
        if let Some(last) = &last {
            let fresh = if last.outcome.is_ok() {
                FRESH
            } else {
                FRESH_FAILURE
            };
            if age(last) < fresh {
                return last.outcome.clone();
            }
        }
        self.wanted.notify_one();
        if matches!(timeout(PATIENCE, found.changed()).await, Ok(Ok(()))) {
            let new = found.borrow_and_update().clone();
            return new.map_or(Ok(()), |new| new.outcome);
        }
        match last {
            Some(last) if last.outcome.is_ok() && age(&last) < STALE => Ok(()),
            _ => Err("the agent was greeted and has not answered yet".to_owned()),
        }
    }

    /// Asks the agent whenever somebody wants to know. Never ends.
    pub(super) async fn ask(self) {
        loop {
            self.wanted.notified().await;
            let outcome = greet(self.agent.as_ref()).await;
            let new = Found {
                at: self.clock.monotonic(),
                outcome: outcome.clone(),
            };
            let before = self.found.send_replace(Some(new));
            let before = before.map(|before| before.outcome);
            match outcome {
                Ok(()) if before != Some(Ok(())) => info!("the agent answers"),
                Err(reason) if before.as_ref() != Some(&Err(reason.clone())) => {
                    warn!("the agent does not answer: {reason}");
                }
                _ => {}
            }
        }
    }
}

/// Connects to the agent as a client would, says `initialize`, and goes.
async fn greet(agent: &dyn ServedAgent) -> Result<(), String> {
    let (to_agent, incoming) = mpsc::channel(WAITING);
    let (outgoing, from_agent) = mpsc::channel(WAITING);
    let over = CancellationToken::new();
    let conversation = Conversation {
        incoming,
        outgoing,
        over: over.clone(),
    };
    let asking = async {
        let outcome = timeout(ANSWER_LIMIT, answer(to_agent, from_agent)).await;
        over.cancel();
        outcome
    };
    // Both to their ends: the agent puts away what it began.
    let (farewell, outcome) = tokio::join!(agent.converse(conversation), asking);
    match outcome {
        Ok(Some(outcome)) => outcome,
        Ok(None) => Err(farewell.reason),
        Err(_) => Err(format!(
            "it said nothing within {} s",
            ANSWER_LIMIT.as_secs()
        )),
    }
}

/// What the agent makes of `initialize`; `None` where it ended without a word.
async fn answer(
    to_agent: mpsc::Sender<String>,
    mut from_agent: mpsc::Receiver<String>,
) -> Option<Result<(), String>> {
    let greeting = json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {
            "protocolVersion": 1,
            "clientCapabilities": {},
            "clientInfo": {"name": "surfaces-bot-health", "version": env!("CARGO_PKG_VERSION")},
        },
    });
    // A failure to send shows as the end of what is received.
    let _gone = to_agent.send(greeting.to_string()).await;
    while let Some(line) = from_agent.recv().await {
        let Ok(message) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        if message["id"] != 0 || message.get("method").is_some() {
            continue;
        }
        return Some(match message.get("result") {
            Some(_) => Ok(()),
            None => Err("it answered initialize with an error".to_owned()),
        });
    }
    None
}

#[cfg(test)]
mod tests;
