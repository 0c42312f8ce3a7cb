//! Reads variables for the sections and collects every problem on the way.

use std::fs;

use crate::config::{
    env::Env,
    names,
    problem::{Problem, Reported},
    secret::Secret,
};

/// The environment, and what was found wrong with it so far.
pub struct Reader<'a> {
    env: &'a Env,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// Starts with what the environment itself has to complain about.
    pub fn new(env: &'a Env) -> Self {
        Self {
            env,
            problems: env.problems().to_vec(),
        }
    }

    /// The environment, for relative paths.
    pub const fn env(&self) -> &'a Env {
        self.env
    }

    /// Every problem so far.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// Adds a problem.
    pub fn report(&mut self, problem: Problem) -> Reported {
        self.problems.push(problem);
        Reported
    }

    /// The variable as it stands, an empty one included.
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        debug_assert!(
            names::is_known(name),
            "{name} is not in the list of known names"
        );
        self.env.get(name)
    }

    /// A variable that has to be set.
    pub fn required<T>(
        &mut self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Reported> {
        match self.optional(name, expected, parse)? {
            Some(value) => Ok(value),
            None => Err(self.report(Problem::not_set(name, expected))),
        }
    }

    /// A variable with a default.
    pub fn or<T>(
        &mut self,
        name: &str,
        default: T,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Reported> {
        Ok(self.optional(name, expected, parse)?.unwrap_or(default))
    }

    /// A variable that may be absent. An empty one counts as absent: compose files pass `NAME=${NAME:-}`.
    pub fn optional<T>(
        &mut self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Reported> {
        let Some(text) = self
            .raw(name)
            .map(str::trim)
            .filter(|text| !text.is_empty())
        else {
            return Ok(None);
        };
        match parse(text) {
            Some(value) => Ok(Some(value)),
            None => Err(self.report(Problem::bad_value(name, text, expected))),
        }
    }

    /// A secret from `NAME` or from the file that `NAME_FILE` names. An empty `NAME_FILE` names none.
    pub fn secret(&mut self, name: &str) -> Result<Option<Secret>, Reported> {
        let file_name = format!("{name}_FILE");
        let file = self.raw(&file_name).filter(|path| !path.trim().is_empty());
        match (self.raw(name), file) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(self.report(Problem::new(
                format!("{name}, {file_name}"),
                "both are set",
                "only one of them",
            ))),
            (Some(text), None) => self.non_empty(name, "set, but empty", text),
            (None, Some(path)) => match fs::read_to_string(self.env.resolve(path)) {
                Ok(text) => self.non_empty(&file_name, &format!("{path:?} is empty"), &text),
                Err(error) => Err(self.report(Problem::new(
                    file_name,
                    format!("cannot read {path:?}: {error}"),
                    "a text file that the bot may read, with nothing but the secret in it",
                ))),
            },
        }
    }

    fn non_empty(
        &mut self,
        name: &str,
        complaint: &str,
        text: &str,
    ) -> Result<Option<Secret>, Reported> {
        let text = text.trim_end_matches(['\r', '\n']);
        if text.trim().is_empty() {
            return Err(self.report(Problem::new(
                name,
                complaint,
                "the secret, or no such variable at all",
            )));
        }
        Ok(Some(Secret::new(text)))
    }
}
