//! The agent's side of a connection, played by a test line by line.

use async_trait::async_trait;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf},
    sync::mpsc,
    time::timeout,
};

use super::LIMIT;
use crate::platform::acp::{
    lines,
    link::{Dial, Link, Nothing},
    trouble::Trouble,
};

/// Hands the other end of each link to the test.
pub(super) struct DuplexDial(pub(super) mpsc::UnboundedSender<Peer>);

#[async_trait]
impl Dial for DuplexDial {
    async fn dial(&self) -> Result<Link, Trouble> {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let (reader, writer) = tokio::io::split(far);
        let peer = Peer {
            lines: BufReader::new(reader).lines(),
            writer,
        };
        if self.0.send(peer).is_err() {
            return Err(Trouble::passing("the test is over"));
        }
        let (reader, writer) = tokio::io::split(near);
        Ok(Link {
            incoming: lines::read(BufReader::new(reader)).boxed(),
            outgoing: Box::pin(lines::write(writer)),
            has_pulse: false,
            far_end: Box::new(Nothing),
        })
    }
}

/// The agent as a test plays it. Dropping it ends the connection.
pub(super) struct Peer {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    writer: WriteHalf<DuplexStream>,
}

impl Peer {
    /// The next message; nothing where the bot closed the connection.
    pub(super) async fn hear(&mut self) -> Option<Value> {
        let line = timeout(LIMIT, self.lines.next_line()).await;
        let line = line.expect("no message in time").unwrap()?;
        Some(serde_json::from_str(&line).unwrap())
    }

    /// The next message, which must be of this method.
    pub(super) async fn expect(&mut self, method: &str) -> Value {
        let message = self.hear().await.expect("the connection is closed");
        assert_eq!(message["method"], method, "{message}");
        message
    }

    /// Answers the next message, which must be of this method; returns its parameters.
    pub(super) async fn answer(&mut self, method: &str, result: Value) -> Value {
        let request = self.expect(method).await;
        self.result(&request, result).await;
        request["params"].clone()
    }

    /// Refuses the next message, which must be of this method.
    pub(super) async fn refuse(&mut self, method: &str) -> Value {
        self.refuse_with(method, -32602, "no such session").await
    }

    /// Refuses the next message, which must be of this method, with this error.
    pub(super) async fn refuse_with(&mut self, method: &str, code: i64, message: &str) -> Value {
        let request = self.expect(method).await;
        let error = json!({"code": code, "message": message});
        self.send(&json!({"jsonrpc": "2.0", "id": request["id"], "error": error}))
            .await;
        request["params"].clone()
    }

    pub(super) async fn introduce(&mut self, capabilities: Value) {
        let result = json!({"protocolVersion": 1, "agentCapabilities": capabilities});
        self.answer("initialize", result).await;
    }

    pub(super) async fn result(&mut self, request: &Value, result: Value) {
        self.send(&json!({"jsonrpc": "2.0", "id": request["id"], "result": result}))
            .await;
    }

    /// Ends a turn.
    pub(super) async fn end(&mut self, prompt: &Value, reason: &str) {
        self.result(prompt, json!({"stopReason": reason})).await;
    }

    pub(super) async fn update(&mut self, session: &str, update: Value) {
        let params = json!({"sessionId": session, "update": update});
        self.send(&json!({"jsonrpc": "2.0", "method": "session/update", "params": params}))
            .await;
    }

    /// A piece of the answer.
    pub(super) async fn say(&mut self, session: &str, text: &str) {
        let content = json!({"type": "text", "text": text});
        let update = json!({"sessionUpdate": "agent_message_chunk", "content": content});
        self.update(session, update).await;
    }

    /// A piece of this message of the answer.
    pub(super) async fn say_in(&mut self, session: &str, message: &str, text: &str) {
        let content = json!({"type": "text", "text": text});
        let update = json!({"sessionUpdate": "agent_message_chunk", "content": content, "messageId": message});
        self.update(session, update).await;
    }

    /// A piece of the answer that is no text.
    pub(super) async fn show(&mut self, session: &str, content: Value) {
        let update = json!({"sessionUpdate": "agent_message_chunk", "content": content});
        self.update(session, update).await;
    }

    /// Asks for permission to run a command.
    pub(super) async fn ask(&mut self, id: u64, session: &str) {
        let options = json!([
            {"optionId": "once", "name": "Allow", "kind": "allow_once"},
            {"optionId": "never", "name": "Never", "kind": "reject_always"},
            {"optionId": "no", "name": "Reject", "kind": "reject_once"},
        ]);
        let call =
            json!({"toolCallId": "call", "title": "Run", "rawInput": {"command": "rm -r /"}});
        let params = json!({"sessionId": session, "toolCall": call, "options": options});
        self.send(&json!({
            "jsonrpc": "2.0", "id": id, "method": "session/request_permission", "params": params
        }))
        .await;
    }

    pub(super) async fn send(&mut self, message: &Value) {
        self.raw(&format!("{message}\n")).await;
    }

    /// Anything at all. A bot that closed the connection meanwhile is no failure of the peer.
    pub(super) async fn raw(&mut self, text: &str) {
        let written = timeout(LIMIT, self.writer.write_all(text.as_bytes())).await;
        let _ = written.expect("the bot does not read");
    }
}
