//! One thing that was checked, as it is shown.

use std::fmt;

use serde::Serialize;

/// What is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What was found.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl Trouble {
    /// Both in words.
    pub fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    name: String,
    ok: bool,
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Check {
    /// The check of `name` with what it found.
    pub fn of(name: impl Into<String>, finding: Result<String, Trouble>) -> Self {
        let name = name.into();
        match finding {
            Ok(what) => Self {
                name,
                ok: true,
                what,
                remedy: None,
            },
            Err(trouble) => Self {
                name,
                ok: false,
                what: trouble.what,
                remedy: Some(trouble.remedy),
            },
        }
    }

    /// Whether all is well.
    pub const fn holds(&self) -> bool {
        self.ok
    }
}

impl fmt::Display for Check {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.ok { "ok  " } else { "FAIL" };
        let mut text = format!("{mark} {}: {}", self.name, self.what);
        if let Some(remedy) = &self.remedy {
            text = format!("{text} - {remedy}");
        }
        // What a server said may hold line ends; a check is one line.
        let words: Vec<&str> = text.split(['\n', '\r']).map(str::trim).collect();
        formatter.write_str(&words.join(" "))
    }
}
