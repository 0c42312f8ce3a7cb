//! What an agent may send at all: counted, before the protocol's own machinery sees it, which has no limits.

use std::sync::{
    OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use agent_client_protocol::{RawJsonRpcMessage, TransportFrame};
use tokio_util::sync::CancellationToken;

/// So many messages in a row may be no protocol: programs print banners and warnings where they should not.
const MOST_GARBAGE: usize = 1_000;
/// So many requests of an agent may wait for their answers.
const MOST_REQUESTS: usize = 256;
/// So many updates may come that belong to no running answer.
const MOST_STRAYS: usize = 5_000;

/// One connection's counters, and its end.
#[derive(Default)]
pub(super) struct Gate {
    garbage: AtomicUsize,
    requests: AtomicUsize,
    strays: AtomicUsize,
    reason: OnceLock<String>,
    over: CancellationToken,
}

impl Gate {
    /// The message, if it is one that may pass.
    pub(super) fn admit(&self, text: &str) -> Option<TransportFrame> {
        if text.trim().is_empty() {
            return None;
        }
        let frame = TransportFrame::parse_json(text);
        let TransportFrame::Single(message) = &frame else {
            let garbage = self.garbage.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::debug!(garbage, "an agent sent what is no JSON-RPC message");
            if garbage >= MOST_GARBAGE {
                self.close(format!(
                    "it sent {garbage} messages in a row that are no JSON-RPC"
                ));
            }
            return None;
        };
        self.garbage.store(0, Ordering::Relaxed);
        if matches!(message, RawJsonRpcMessage::Request(_))
            && self.requests.fetch_add(1, Ordering::Relaxed) >= MOST_REQUESTS
        {
            self.close(format!(
                "more than {MOST_REQUESTS} of its requests wait for an answer"
            ));
        }
        Some(frame)
    }

    /// A message went out to the agent.
    pub(super) fn sent(&self, frame: &TransportFrame) {
        if matches!(
            frame,
            TransportFrame::Single(RawJsonRpcMessage::Response(_))
        ) {
            let less = |requests: usize| requests.checked_sub(1);
            let _ = self
                .requests
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
    }

    /// An update came that nobody waits for.
    pub(super) fn stray(&self) {
        let strays = self.strays.fetch_add(1, Ordering::Relaxed) + 1;
        if strays.is_power_of_two() {
            tracing::warn!(
                strays,
                "an agent said something outside of every running answer; it is dropped"
            );
        }
        if strays >= MOST_STRAYS {
            self.close(format!(
                "it said {strays} things outside of every running answer"
            ));
        }
    }

    /// Ends the connection; the first reason is the one that is told.
    pub(super) fn close(&self, reason: impl Into<String>) {
        let _ = self.reason.set(reason.into());
        self.over.cancel();
    }

    /// Resolves when the connection is to end, or has ended.
    pub(super) async fn closed(&self) {
        self.over.cancelled().await;
    }

    /// Whether it is over.
    pub(super) fn is_closed(&self) -> bool {
        self.over.is_cancelled()
    }

    /// Why it is over.
    pub(super) fn reason(&self) -> String {
        let reason = self.reason.get().map(String::as_str);
        format!(
            "the connection ended: {}",
            reason.unwrap_or("no reason is known")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str =
        r#"{"jsonrpc":"2.0","id":1,"method":"session/request_permission","params":{}}"#;
    const UPDATE: &str = r#"{"jsonrpc":"2.0","method":"session/update","params":{}}"#;

    #[test]
    fn only_messages_of_the_protocol_pass() {
        let gate = Gate::default();
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        for (text, passes) in [
            (REQUEST, true),
            (UPDATE, true),
            (r#"{"jsonrpc":"2.0","id":7,"result":null}"#, true),
            (
                r#"{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"x"}}"#,
                true,
            ),
            ("", false),
            ("Welcome to the agent!", false),
            ("17", false),
            ("[]", false),
            (r#"[{"jsonrpc":"2.0","id":7,"result":null}]"#, false),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"a","result":null}"#,
                false,
            ),
            (r#"{"jsonrpc":"2.0","#, false),
            (deep.as_str(), false),
        ] {
            assert_eq!(gate.admit(text).is_some(), passes, "{text}");
        }
        assert!(!gate.is_closed());
    }

    #[test]
    fn garbage_without_an_end_ends_the_connection_and_a_banner_does_not() {
        let gate = Gate::default();
        for _ in 0..3 {
            (0..MOST_GARBAGE - 1).for_each(|_| assert!(gate.admit("noise").is_none()));
            assert!(gate.admit(UPDATE).is_some());
        }
        assert!(!gate.is_closed());
        (0..MOST_GARBAGE).for_each(|_| assert!(gate.admit("noise").is_none()));
        assert!(gate.is_closed());
        assert!(
            gate.reason().contains("1000 messages in a row"),
            "{}",
            gate.reason()
        );
    }

    #[test]
    fn requests_count_until_they_are_answered() {
        let gate = Gate::default();
        let answer = TransportFrame::parse_json(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
        for _ in 0..10 * MOST_REQUESTS {
            gate.admit(REQUEST);
            gate.sent(&answer);
        }
        gate.sent(&answer);
        (0..MOST_REQUESTS).for_each(|_| drop(gate.admit(REQUEST)));
        assert!(!gate.is_closed());
        gate.admit(REQUEST);
        assert!(gate.is_closed());
    }

    #[test]
    fn the_first_reason_is_told() {
        let gate = Gate::default();
        (0..MOST_STRAYS).for_each(|_| gate.stray());
        gate.close("later");
        assert!(
            gate.reason().contains("outside of every running answer"),
            "{}",
            gate.reason()
        );
    }
}
