//! Sets of Matrix users, written as patterns.

use matrix_sdk::ruma::{ServerName, UserId};
use wildmatch::WildMatch;

/// What a pattern looks like, for error messages.
pub const EXPECTED: &str = "user id patterns such as @*:example.org or @alice:example.org (* is any text, ? any character)";

/// Who may use the bot.
#[derive(Clone, Debug, PartialEq)]
pub struct AllowedUsers(Vec<WildMatch>);

impl AllowedUsers {
    /// Everybody on this server.
    pub fn on_server(server: &ServerName) -> Self {
        Self(vec![WildMatch::new(&format!("@*:{server}"))])
    }

    /// Comma-separated patterns, at least one.
    pub fn parse(text: &str) -> Option<Self> {
        let patterns: Vec<&str> = text
            .split(',')
            .map(str::trim)
            .filter(|pattern| !pattern.is_empty())
            .collect();
        if patterns.is_empty() || !patterns.iter().all(|pattern| is_pattern(pattern)) {
            return None;
        }
        Some(Self(patterns.into_iter().map(WildMatch::new).collect()))
    }

    /// Whether this user is one of them.
    pub fn allows(&self, user: &UserId) -> bool {
        self.0.iter().any(|pattern| pattern.matches(user.as_str()))
    }
}

/// Whether a user id can look like this at all: a pattern that never matches locks people out silently.
pub fn is_pattern(text: &str) -> bool {
    let Some((local, server)) = text.strip_prefix('@').and_then(|rest| rest.split_once(':')) else {
        return text == "*";
    };
    let clean = |part: &str| !part.is_empty() && !part.contains(['@', ',', ' ', '\t', '/']);
    clean(server) && !local.is_empty() && !local.contains(['@', ',', ' ', '\t'])
}
