//! What an agent's process writes to its standard error. It goes to the log only as long as the process knows nothing of
//! any conversation: after that, a line may repeat what people said.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Requests that come before any conversation.
const WITHOUT_WORDS: [&str; 2] = [r#""initialize""#, r#""authenticate""#];

/// Whether the process may know what people said. Clones share the answer.
#[derive(Clone, Debug, Default)]
pub(super) struct ErrorOutput {
    knows_words: Arc<AtomicBool>,
}

impl ErrorOutput {
    /// To be called with each message before the process gets it.
    pub(super) fn before(&self, message: &str) {
        // Inside of a JSON text, the quotation marks would be escaped.
        if !WITHOUT_WORDS.iter().any(|name| message.contains(name)) {
            self.knows_words.store(true, Ordering::Relaxed);
        }
    }

    /// Whether what it writes now may be logged.
    pub(super) fn may_be_logged(&self) -> bool {
        !self.knows_words.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_logged_until_the_process_hears_of_a_conversation() {
        let output = ErrorOutput::default();
        assert!(output.may_be_logged());
        output.before(r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#);
        output.before(r#"{"jsonrpc":"2.0","id":2,"method":"authenticate","params":{}}"#);
        assert!(output.clone().may_be_logged());
        let prompt = r#"{"method":"session/prompt","params":{"text":"\"initialize\""}}"#;
        output.before(prompt);
        assert!(!output.clone().may_be_logged());
    }
}
