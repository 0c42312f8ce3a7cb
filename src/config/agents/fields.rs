//! The keys of one YAML mapping: taken one by one, complaints collected with their line.

use std::{fs, time::Duration};

use crate::config::{
    agents::node::{Node, Value},
    env::Env,
    names,
    secret::Secret,
    units,
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

    /// A number up to `max`, with a fraction or without.
    pub(super) fn fraction(&mut self, key: &str, max: f64, expected: &str) -> Option<f64> {
        let value = self.value(key)?;
        let number = match value.value {
            Node::Number(number) => u32::try_from(number).ok().map(f64::from),
            Node::Fraction(number) => Some(number),
            _ => None,
        };
        let number = number.filter(|number| (0.0..=max).contains(number));
        if number.is_none() {
            self.wrong(key, value, expected);
        }
        number
    }

    /// `true` or `false`.
    pub(super) fn truth(&mut self, key: &str) -> Option<bool> {
        let value = self.value(key)?;
        if let Node::Truth(truth) = value.value {
            return Some(truth);
        }
        self.wrong(key, value, "true or false");
        None
    }

    /// A duration from a second up to `max`, such as `90s`.
    pub(super) fn duration(
        &mut self,
        key: &str,
        max: Duration,
        expected: &str,
    ) -> Option<Duration> {
        let text = self.text(key, expected)?;
        let duration = units::duration(text).filter(|duration| *duration <= max);
        if let (None, Some(value)) = (duration, self.value(key)) {
            self.wrong(key, value, expected);
        }
        duration
    }

    /// A secret that never stands in the file itself: `{stem}_env` names the variable that holds it, `{stem}_file` the
    /// file. `None` where there is neither key, or something is wrong with them.
    pub(super) fn secret(&mut self, stem: &str, env: &Env) -> Option<Secret> {
        let (by_env, by_file) = (format!("{stem}_env"), format!("{stem}_file"));
        if let (Some(value), Some(_)) = (self.value(&by_env), self.value(&by_file)) {
            self.both_there(value, &by_env, &by_file);
            return None;
        }
        let secret = match self.text(&by_env, "the name of an environment variable") {
            Some(name) => self.variable(&by_env, name, env),
            None => self.file(&by_file, "the path of a file with the secret", env),
        }?;
        let secret = secret.trim_end_matches(['\r', '\n']);
        Some(Secret::new(secret))
    }

    fn variable(&mut self, key: &str, name: &str, env: &Env) -> Option<String> {
        let found = env.get(name).filter(|value| !value.trim().is_empty());
        if found.is_none() {
            let line = self.line_of(key);
            let what = format!(
                "{} names the variable {name:?}, which is not set",
                self.path(key)
            );
            self.complain(line, &what, "the name of a variable that holds the secret");
        }
        found.map(str::to_owned)
    }

    /// The text of the file that the key names; blank is as good as missing.
    pub(super) fn file(&mut self, key: &str, expected: &str, env: &Env) -> Option<String> {
        let path = self.text(key, expected)?;
        let problem = match fs::read_to_string(env.resolve(path)) {
            Ok(text) if !text.trim().is_empty() => return Some(text),
            Ok(_) => "is empty".to_owned(),
            Err(error) => format!("cannot be read: {error}"),
        };
        let line = self.line_of(key);
        let what = format!(
            "{} names the file {path:?}, which {problem}",
            self.path(key)
        );
        self.complain(line, &what, expected);
        None
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

    /// Complains about a value that must not be repeated: it may hold a secret.
    pub(super) fn unusable(&mut self, key: &str, expected: &str) {
        let line = self.line_of(key);
        let what = format!("{} cannot be used", self.path(key));
        self.complain(line, &what, expected);
    }

    /// Complains about two keys of which only one may be there.
    pub(super) fn both_there(&mut self, value: &Value, key: &str, other: &str) {
        let what = format!("{} and {other} are both there", self.path(key));
        self.complain(value.referenced.line(), &what, "only one of them");
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

    fn line_of(&self, key: &str) -> u64 {
        let value = self.value(key);
        value.map_or(self.line, |value| value.referenced.line())
    }

    fn path(&self, key: &str) -> String {
        if self.place.is_empty() {
            return key.to_owned();
        }
        format!("{}.{key}", self.place)
    }
}
