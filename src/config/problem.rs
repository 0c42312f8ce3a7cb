//! What is wrong with the configuration, in words an operator can act on.

use std::fmt;

/// Values longer than this are cut where they are shown.
const SHOWN_CHARS: usize = 120;

/// One thing to put right before the bot can start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The variable, or variables, or the file it is about.
    pub name: String,
    /// What was read. Never a secret's value.
    pub found: String,
    /// What would be right.
    pub expected: String,
}

impl Problem {
    /// A problem in free words.
    pub fn new(
        name: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            found: found.into(),
            expected: expected.into(),
        }
    }

    /// A variable that has to be there.
    pub fn not_set(name: &str, expected: &str) -> Self {
        Self::new(name, "not set", expected)
    }

    /// A variable with a value that cannot be used; the value is shown.
    pub fn bad_value(name: &str, value: &str, expected: &str) -> Self {
        Self::new(name, format!("read {}", quoted(value)), expected)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}: {}; expected {}",
            self.name, self.found, self.expected
        )
    }
}

/// The value in quotes, on one line, cut where it is long.
pub(super) fn quoted(value: &str) -> String {
    let mut shown: String = value.chars().take(SHOWN_CHARS).collect();
    if shown.len() < value.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// A problem was added to the list; the caller has nothing more to say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reported;
