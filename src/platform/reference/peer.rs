//! JSON-RPC with the client: one message a line, both sides may ask.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use agent_client_protocol::v1::schema::{
    CLIENT_METHOD_NAMES, Error, RequestPermissionRequest, RequestPermissionResponse,
    SessionNotification,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

/// The client is gone: nothing can be said any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gone;

/// What a line turned out to be.
#[derive(Debug)]
pub(super) enum Message {
    Request {
        id: Value,
        method: String,
        params: Value,
    },
    Notification {
        method: String,
        params: Value,
    },
    Response {
        id: u64,
        outcome: Outcome,
    },
    /// Nothing that means anything; the client is told where it can be.
    Broken(Option<Error>),
}

type Outcome = Result<Value, ()>;

#[derive(Deserialize)]
struct Wire {
    id: Option<Value>,
    method: Option<String>,
    #[serde(default)]
    params: Value,
    result: Option<Value>,
    error: Option<Value>,
}

/// Understands a line.
pub(super) fn understand(line: &str) -> Message {
    let value: Value = match serde_json::from_str(line) {
        Ok(value) => value,
        Err(_) => return Message::Broken(Some(Error::parse_error())),
    };
    let Ok(wire) = serde_json::from_value::<Wire>(value) else {
        return Message::Broken(Some(Error::invalid_request()));
    };
    match wire {
        Wire {
            id: Some(id),
            method: Some(method),
            params,
            ..
        } => Message::Request { id, method, params },
        Wire {
            id: None,
            method: Some(method),
            params,
            ..
        } => Message::Notification { method, params },
        Wire {
            id: Some(id),
            method: None,
            result,
            error,
            ..
        } => match id.as_u64() {
            Some(id) if error.is_some() => Message::Response {
                id,
                outcome: Err(()),
            },
            Some(id) => Message::Response {
                id,
                outcome: Ok(result.unwrap_or_default()),
            },
            // An answer to a question that was never asked.
            None => Message::Broken(None),
        },
        Wire { .. } => Message::Broken(Some(Error::invalid_request())),
    }
}

/// The client's end of the line. Clones share it.
#[derive(Clone)]
pub(super) struct Peer {
    outgoing: mpsc::Sender<String>,
    open: Arc<Mutex<BTreeMap<u64, oneshot::Sender<Outcome>>>>,
    next: Arc<AtomicU64>,
}

impl Peer {
    pub(super) fn new(outgoing: mpsc::Sender<String>) -> Self {
        Self {
            outgoing,
            open: Arc::default(),
            next: Arc::default(),
        }
    }

    /// Answers a request.
    pub(super) async fn respond(
        &self,
        id: Value,
        outcome: Result<Value, Error>,
    ) -> Result<(), Gone> {
        let message = match outcome {
            Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Err(error) => json!({"jsonrpc": "2.0", "id": id, "error": error}),
        };
        self.send(&message).await
    }

    /// Tells what happens in a session.
    pub(super) async fn update(&self, update: SessionNotification) -> Result<(), Gone> {
        let method = CLIENT_METHOD_NAMES.session_update;
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": update}))
            .await
    }

    /// Asks for a permission; `None` where the client cannot answer.
    pub(super) async fn ask(
        &self,
        question: RequestPermissionRequest,
    ) -> Result<Option<RequestPermissionResponse>, Gone> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        self.open().insert(id, sender);
        let _forgotten_afterwards = Forget { peer: self, id };
        let method = CLIENT_METHOD_NAMES.session_request_permission;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": question}))
            .await?;
        let outcome = answer.await.map_err(|_| Gone)?;
        Ok(outcome
            .ok()
            .and_then(|answer| serde_json::from_value(answer).ok()))
    }

    /// The client answered a question. One that is not open any more is nobody's.
    pub(super) fn answered(&self, id: u64, outcome: Outcome) {
        if let Some(question) = self.open().remove(&id) {
            let _nobody_waits = question.send(outcome);
        }
    }

    async fn send(&self, message: &impl Serialize) -> Result<(), Gone> {
        let line = serde_json::to_string(message).map_err(|_| Gone)?;
        self.outgoing.send(line).await.map_err(|_| Gone)
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, oneshot::Sender<Outcome>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes a question when nobody waits for the answer any more.
struct Forget<'a> {
    peer: &'a Peer,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.peer.open().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart() {
        let table = [
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#,
                "request",
            ),
            (r#"{"jsonrpc":"2.0","id":"a","method":"x"}"#, "request"),
            (
                r#"{"jsonrpc":"2.0","method":"session/cancel","params":{}}"#,
                "notification",
            ),
            (r#"{"jsonrpc":"2.0","id":7,"result":{}}"#, "response 7 true"),
            (
                r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"no"}}"#,
                "response 7 false",
            ),
            (
                r#"{"jsonrpc":"2.0","id":"never asked","result":{}}"#,
                "broken None",
            ),
            ("{}", "broken Some(-32600)"),
            ("[]", "broken Some(-32600)"),
            (
                r#"[{"jsonrpc":"2.0","id":1,"method":"initialize"}]"#,
                "broken Some(-32600)",
            ),
            ("42", "broken Some(-32600)"),
            ("no json", "broken Some(-32700)"),
            ("", "broken Some(-32700)"),
        ];
        for (line, expected) in table {
            let found = match understand(line) {
                Message::Request { .. } => "request".to_owned(),
                Message::Notification { .. } => "notification".to_owned(),
                Message::Response { id, outcome } => format!("response {id} {}", outcome.is_ok()),
                Message::Broken(error) => {
                    format!("broken {:?}", error.map(|error| i32::from(error.code)))
                }
            };
            assert_eq!(found, expected, "{line}");
        }
        let deep = "[".repeat(100_000);
        assert!(matches!(understand(&deep), Message::Broken(Some(_))));
    }
}
