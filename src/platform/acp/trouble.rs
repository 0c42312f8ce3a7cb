//! What goes wrong between the bot and an ACP agent, and what the caller does about it.

use agent_client_protocol::{Error, ErrorCode};

use super::book::BookError;
use crate::{
    core::ids::AgentId,
    platform::{Advice, PlatformError},
};

/// The longest part of a foreign error text that reaches the log.
const LONGEST_DETAIL: usize = 300;
/// Requests about a conversation: an error text that answers them may repeat what was said in it.
const WITH_WORDS: [&str; 4] = [
    "session/prompt",
    "session/load",
    "session/resume",
    "session/fork",
];

/// A failure before it is known which agent it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// For the log.
    pub(super) detail: String,
    /// For the caller.
    pub(super) advice: Advice,
}

impl Trouble {
    /// It may work in a moment.
    pub(super) fn passing(detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            advice: Advice::TryAgain,
        }
    }

    /// It will not work before the operator changes something.
    pub(super) fn lasting(detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            advice: Advice::TellOperator,
        }
    }

    /// The agent cannot do that.
    pub(super) fn cannot(detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            advice: Advice::CannotDo,
        }
    }

    /// It will not work before the operator logs the agent in.
    pub(super) fn login(detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            advice: Advice::LogIn,
        }
    }

    /// The agent has been started and is not ready yet.
    pub(super) fn starting() -> Self {
        Self {
            detail: "the agent is still starting".to_owned(),
            advice: Advice::StillStarting,
        }
    }

    /// What the agent answered to a request.
    pub(super) fn refused(request: &str, error: &Error) -> Self {
        let code = error.code.value();
        let mut detail = format!("{request} was answered with the error {code}");
        if !WITH_WORDS.contains(&request) {
            let words = one_line(&error.message, LONGEST_DETAIL);
            detail = format!("{detail}: {words}");
        }
        if error.code == ErrorCode::AUTH_REQUIRED {
            return Self::login(detail);
        }
        Self::passing(detail)
    }

    /// With the name of the agent.
    pub(super) fn of(self, agent: &AgentId) -> PlatformError {
        PlatformError {
            agent: agent.clone(),
            detail: self.detail,
            advice: self.advice,
        }
    }
}

impl From<BookError> for Trouble {
    fn from(error: BookError) -> Self {
        Self::passing(format!("{error}: {}", error.0))
    }
}

/// Foreign text as one line without control characters, at most `longest` characters.
pub(super) fn one_line(text: &str, longest: usize) -> String {
    let mut words = String::new();
    for word in text.split(|character: char| character.is_whitespace() || character.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
        if words.len() > 4 * longest {
            break;
        }
    }
    if words.chars().count() <= longest {
        return words;
    }
    let kept: String = words.chars().take(longest.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_becomes_one_short_line() {
        for (text, expected) in [
            ("plain", "plain"),
            (" two\n\tlines\u{0} ", "two lines"),
            ("", ""),
            ("0123456789", "0123456789"),
            ("0123456789a", "012345678…"),
            ("ёжик ёжик ёжик", "ёжик ёжик…"),
        ] {
            assert_eq!(one_line(text, 10), expected);
        }
    }

    #[test]
    fn an_error_about_a_conversation_is_not_quoted_and_one_about_the_agent_is() {
        let error = Error::new(-32603, "said by a person");
        for request in ["session/prompt", "session/load", "session/resume"] {
            let detail = Trouble::refused(request, &error).detail;
            assert_eq!(
                detail,
                format!("{request} was answered with the error -32603")
            );
        }
        let detail = Trouble::refused("session/new", &error).detail;
        assert!(detail.ends_with("said by a person"), "{detail}");
    }

    #[test]
    fn a_missing_login_is_for_the_operator_and_other_refusals_pass() {
        let login = Trouble::refused("session/new", &Error::auth_required());
        assert_eq!(login.advice, Advice::LogIn);
        let other = Trouble::refused("session/prompt", &Error::internal_error());
        assert_eq!(other.advice, Advice::TryAgain);
        assert_eq!(
            other.detail,
            "session/prompt was answered with the error -32603"
        );
    }
}
