//! The keys of one YAML mapping: taken one by one, complaints collected with their line.

use crate::config::{
    agents::node::{Node, Value},
    names,
};

/// One mistake, without the name of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// Where and what.
    pub(super) found: String,
    /// What would be right.
    pub(super) expected: String,
}

/// A mapping whose keys are being taken.
pub(super) struct Fields<'a, 'f> {
    /// How the mapping is called: `agents[1]`; empty for the document itself.
    place: String,
    line: u64,
    entries: &'a [(String, Value)],
    findings: &'f mut Vec<Finding>,
}

impl<'a, 'f> Fields<'a, 'f> {
    /// The keys of `value`; a complaint where it has none.
    pub(super) fn of(
        value: &'a Value,
        place: String,
        expected: &str,
        findings: &'f mut Vec<Finding>,
    ) -> Option<Self> {
        let line = value.referenced.line();
        if let Node::Map(entries) = &value.value {
            return Some(Self {
                place,
                line,
                entries,
                findings,
            });
        }
        let subject = if place.is_empty() { "it" } else { &place };
        findings.push(Finding {
            found: format!("line {line}: {subject} is {}", value.value.describe()),
            expected: expected.to_owned(),
        });
        None
    }

    /// The value of a key, if it is there.
    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        let entry = self.entries.iter().find(|(name, _)| name == key)?;
        Some(&entry.1)
    }

    /// A text that is not blank. `None` where it is absent, or wrong and reported.
    pub(super) fn text(&mut self, key: &str, expected: &str) -> Option<&'a str> {
        let value = self.value(key)?;
        match &value.value {
            Node::Text(text) if !text.trim().is_empty() => Some(text.trim()),
            _ => {
                self.wrong(key, value, expected);
                None
            }
        }
    }

    /// A text that has to be there.
    pub(super) fn required_text(&mut self, key: &str, expected: &str) -> Option<&'a str> {
        if self.value(key).is_none() {
            self.missing(key, expected);
        }
        self.text(key, expected)
    }

    /// A whole number up to `max`.
    pub(super) fn number(&mut self, key: &str, max: u64, expected: &str) -> Option<u64> {
        let value = self.value(key)?;
        match value.value {
            Node::Number(number) if number <= max => Some(number),
            _ => {
                self.wrong(key, value, expected);
                None
            }
        }
    }

    /// A list; each item is the caller's to check.
    pub(super) fn list(&mut self, key: &str, expected: &str) -> Option<&'a [Value]> {
        let value = self.value(key)?;
        if let Node::List(items) = &value.value {
            return Some(items);
        }
        self.wrong(key, value, expected);
        None
    }

    /// Complains about every key that is not one of these.
    pub(super) fn only(&mut self, known: &[&str]) {
        for (name, value) in self.entries {
            if !known.contains(&name.as_str()) {
                let nearest = names::nearest(name, known.iter().copied()).unwrap_or_default();
                self.complain(
                    value.referenced.line(),
                    &format!("there is no key {}", self.path(name)),
                    format!("one of {}; perhaps {nearest}", known.join(", ")),
                );
            }
        }
    }

    /// Complains about the value of a key.
    pub(super) fn wrong(&mut self, key: &str, value: &Value, expected: impl Into<String>) {
        self.complain(
            value.referenced.line(),
            &format!("{} is {}", self.path(key), value.value.describe()),
            expected,
        );
    }

    /// Complains that a key is not there.
    pub(super) fn missing(&mut self, key: &str, expected: &str) {
        self.complain(
            self.line,
            &format!("{} is missing", self.path(key)),
            expected,
        );
    }

    /// Complains in free words.
    pub(super) fn complain(&mut self, line: u64, what: &str, expected: impl Into<String>) {
        self.findings.push(Finding {
            found: format!("line {line}: {what}"),
            expected: expected.into(),
        });
    }

    fn path(&self, key: &str) -> String {
        if self.place.is_empty() {
            return key.to_owned();
        }
        format!("{}.{key}", self.place)
    }
}
