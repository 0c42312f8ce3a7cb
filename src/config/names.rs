//! The variables the bot knows, and what to say about others that look like its own.

use std::{cmp::Reverse, fmt};

use crate::config::env::Env;

/// Every variable that is read anywhere in the bot.
pub const KNOWN: [&str; 25] = [
    "MATRIX_HOMESERVER",
    "MATRIX_USER_ID",
    "MATRIX_PASSWORD",
    "MATRIX_PASSWORD_FILE",
    "MATRIX_ACCESS_TOKEN",
    "MATRIX_ACCESS_TOKEN_FILE",
    "MATRIX_DEVICE_ID",
    "MATRIX_DB_PATH",
    "MATRIX_STORE_PATH",
    "MATRIX_AGENTS_CONFIG",
    "SURFACES_WORKSPACE_DIR",
    "SURFACES_INITIAL_SYNC",
    "SURFACES_LOCALE",
    "SURFACES_BRAND",
    "SURFACES_ALLOWED_USERS",
    "SURFACES_HTTP_ADDR",
    "SURFACES_LOG_FORMAT",
    "SURFACES_MAX_UPLOAD_BYTES",
    "SURFACES_USER_QUOTA_BYTES",
    "SURFACES_BACKLOG_MAX_AGE",
    "SURFACES_QUEUE_LIMIT",
    "SURFACES_PERMISSION_TIMEOUT",
    "SURFACES_PLATFORM_AGENT_TOKEN",
    "SURFACES_PLATFORM_AGENT_TOKEN_FILE",
    "SURFACES_PLATFORM_AGENT_DATA_DIR",
];

/// Names that start like this belong to the bot.
const PREFIXES: [&str; 2] = ["MATRIX_", "SURFACES_"];

/// Something that is not wrong enough to stop, and probably not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A variable with one of the bot's prefixes that nothing reads.
    UnknownName {
        /// As it is set.
        name: String,
        /// The known name that looks most like it.
        nearest: &'static str,
    },
    /// A variable that is set and has no effect beside another.
    WithoutEffect {
        /// The variable.
        name: &'static str,
        /// Why nothing comes of it.
        reason: &'static str,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownName { name, nearest } => write!(
                formatter,
                "{name}: no such variable; the nearest known one is {nearest}"
            ),
            Self::WithoutEffect { name, reason } => {
                write!(formatter, "{name}: has no effect: {reason}")
            }
        }
    }
}

/// Whether a variable belongs to the bot, known or not.
pub fn is_ours(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether the bot reads this variable.
pub fn is_known(name: &str) -> bool {
    KNOWN.contains(&name) || name == "RUST_LOG" || is_for_tests(name)
}

/// Whether a build for tests reads this variable.
#[cfg(feature = "boundaries")]
fn is_for_tests(name: &str) -> bool {
    name == crate::boundary::DIE_AT
}

/// Other builds have no such variables.
#[cfg(not(feature = "boundaries"))]
const fn is_for_tests(_: &str) -> bool {
    false
}

/// A warning for each variable that looks like the bot's own and is not.
pub fn unknown_names(env: &Env) -> Vec<Warning> {
    env.names()
        .filter(|name| is_ours(name) && !is_known(name))
        .map(|name| Warning::UnknownName {
            name: name.to_owned(),
            nearest: nearest(name, KNOWN).unwrap_or(KNOWN[0]),
        })
        .collect()
}

/// The candidate that takes the fewest changes to reach; of two, the one that shares the longer beginning.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates.into_iter().min_by_key(|candidate| {
        let shared = name
            .bytes()
            .zip(candidate.bytes())
            .take_while(|(left, right)| left == right)
            .count();
        (
            strsim::damerau_levenshtein(name, candidate),
            Reverse(shared),
        )
    })
}
