//! One connection as an agent sees it: lines in, lines out, and an end.

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Messages that may wait on their way, each way. A full queue makes the sender wait.
pub(super) const WAITING: usize = 8;

/// The longest reason a close frame has room for, in bytes.
const LONGEST_REASON: usize = 123;

/// One connection as an agent sees it. Each line is one JSON-RPC message, without a line break.
#[derive(Debug)]
pub struct Conversation {
    /// What the client says. Nothing comes any more when it is gone.
    pub incoming: mpsc::Receiver<String>,
    /// What the agent says. Waits while the client is slow.
    pub outgoing: mpsc::Sender<String>,
    /// Cancelled when the agent is to stop, whatever it does.
    pub over: CancellationToken,
}

/// How a conversation ended: a WebSocket close code and a few words for the log and the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Farewell {
    /// A close code of RFC 6455.
    pub code: u16,
    /// At most 123 bytes.
    pub reason: String,
}

impl Farewell {
    /// The client went away, or said goodbye.
    pub fn client_gone() -> Self {
        Self::new(1000, "the client is gone")
    }

    /// The agent ended on its own, in order.
    pub fn agent_done() -> Self {
        Self::new(1000, "the agent ended")
    }

    /// The process is asked to end.
    pub fn shutting_down() -> Self {
        Self::new(1001, "shutting down")
    }

    /// The client sent what is no message.
    pub fn not_text() -> Self {
        Self::new(1003, "only text frames are understood")
    }

    /// A message is longer than the limit.
    pub fn too_long(limit: usize) -> Self {
        Self::new(1009, format!("a message is longer than {limit} bytes"))
    }

    /// The agent failed.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::new(1011, reason)
    }

    fn new(code: u16, reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        let mut end = reason.len().min(LONGEST_REASON);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        reason.truncate(end);
        Self { code, reason }
    }
}

/// An agent behind the gateway. One value serves all connections and keeps them apart.
#[async_trait]
pub trait ServedAgent: Send + Sync {
    /// Talks until one of both ends it. Nothing that was started for the conversation outlives the call.
    async fn converse(&self, conversation: Conversation) -> Farewell;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_fits_into_a_close_frame() {
        let farewell = Farewell::failed("ж".repeat(100));
        assert_eq!(farewell.reason, "ж".repeat(61));
        assert_eq!(Farewell::failed("short").reason, "short");
    }
}
