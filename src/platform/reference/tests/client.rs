//! A client that speaks the protocol by hand.

use std::path::Path;

use serde_json::{Value, json};

use crate::platform::gateway::tests::Client;

pub(super) struct AcpClient {
    socket: Client,
    next: u64,
}

/// A turn as the client saw it.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) pieces: usize,
    pub(super) links: Vec<Value>,
    pub(super) calls: Vec<String>,
    pub(super) stop: String,
    pub(super) question: Option<Value>,
}

impl AcpClient {
    pub(super) fn new(socket: Client) -> Self {
        Self { socket, next: 0 }
    }

    pub(super) async fn say_raw(&mut self, line: &str) {
        self.socket.say(line).await;
    }

    pub(super) async fn hear(&mut self) -> Value {
        serde_json::from_str(&self.socket.hear().await).unwrap()
    }

    async fn request(&mut self, method: &str, params: Value) -> u64 {
        self.next += 1;
        let request =
            json!({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params});
        self.say_raw(&request.to_string()).await;
        self.next
    }

    /// A request that is answered before anything else is said.
    pub(super) async fn call(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.request(method, params).await;
        let mut answer = self.hear().await;
        assert_eq!(answer["id"], id, "{answer}");
        match answer.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(answer["result"].take()),
        }
    }

    pub(super) async fn new_session(&mut self, cwd: &Path) -> String {
        let made = self
            .call("session/new", json!({"cwd": cwd, "mcpServers": []}))
            .await
            .unwrap();
        made["sessionId"].as_str().unwrap().to_owned()
    }

    /// Begins a turn; the blocks are a text, or whole content blocks.
    pub(super) async fn begin(&mut self, session: &str, text: &str) -> u64 {
        self.begin_with(session, json!([{"type": "text", "text": text}]))
            .await
    }

    pub(super) async fn begin_with(&mut self, session: &str, prompt: Value) -> u64 {
        self.request(
            "session/prompt",
            json!({"sessionId": session, "prompt": prompt}),
        )
        .await
    }

    /// One update, whatever it is.
    pub(super) async fn update(&mut self) -> Value {
        let message = self.hear().await;
        assert_eq!(message["method"], "session/update", "{message}");
        message
    }

    pub(super) async fn cancel(&mut self, session: &str) {
        let cancel =
            json!({"jsonrpc": "2.0", "method": "session/cancel", "params": {"sessionId": session}});
        self.say_raw(&cancel.to_string()).await;
    }

    /// Listens until the turn is over, or asks something.
    pub(super) async fn finish(&mut self, id: u64) -> Answer {
        let mut answer = Answer::default();
        loop {
            let message = self.hear().await;
            if message["id"] == id && message.get("method").is_none() {
                answer.stop = message["result"]["stopReason"]
                    .as_str()
                    .expect("a reason")
                    .to_owned();
                return answer;
            }
            if message["method"] == "session/request_permission" {
                answer.question = Some(message);
                return answer;
            }
            let update = &message["params"]["update"];
            match update["sessionUpdate"].as_str().unwrap() {
                "agent_message_chunk" if update["content"]["type"] == "resource_link" => {
                    answer.links.push(update["content"].clone());
                }
                "agent_message_chunk" => {
                    answer.pieces += 1;
                    answer.text += update["content"]["text"].as_str().unwrap();
                }
                "tool_call" => answer.calls.push(format!(
                    "{} {}",
                    update["kind"].as_str().unwrap(),
                    update["title"]
                )),
                "tool_call_update" => answer
                    .calls
                    .push(update["status"].as_str().unwrap().to_owned()),
                other => panic!("{other}"),
            }
        }
    }

    pub(super) async fn ask(&mut self, session: &str, text: &str) -> Answer {
        let id = self.begin(session, text).await;
        self.finish(id).await
    }

    /// Answers a permission question with an outcome.
    pub(super) async fn permit(&mut self, question: &Value, outcome: Value) {
        let answer =
            json!({"jsonrpc": "2.0", "id": question["id"], "result": {"outcome": outcome}});
        self.say_raw(&answer.to_string()).await;
    }
}
