//! The agent registry: which agents there are, of which kind, and who may use them.

pub mod acp;
mod fields;
mod node;
pub mod openai;
mod parse;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod yaml_tests;

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    config::{
        env::Env,
        problem::{Problem, Reported},
        reader::Reader,
    },
    core::ids::AgentId,
    platform::Limits,
};

const NAME: &str = "MATRIX_AGENTS_CONFIG";
const DEFAULT_FILE: &str = "config/matrix-agents.yaml";

/// The pause between two pieces of a mock answer: long enough for a person to see that it streams.
const DEFAULT_MOCK_DELAY: Duration = Duration::from_millis(30);

/// All agents, at least one, and which of them serves a new chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    /// Serves a new chat.
    pub default: AgentId,
    /// In the order of the file; ids are unique.
    pub agents: Vec<AgentEntry>,
    /// Where it was read.
    pub source: RegistrySource,
}

/// Where a registry was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrySource {
    /// This file.
    File(PathBuf),
    /// No file was named and the default file is not there: a mock serves, which start-up has to say.
    Embedded,
}

/// One agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentEntry {
    /// Names it in commands and markers.
    pub id: AgentId,
    /// What people call it.
    pub name: String,
    /// A few words for lists; may be empty.
    pub description: String,
    /// User id patterns of those who may use it; empty means everybody.
    pub users: Vec<String>,
    /// `turn_limit` and `turns_at_once`.
    pub limits: Limits,
    /// What answers.
    pub kind: AgentKind,
}

/// What answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentKind {
    /// An echo inside the bot, for trying everything without an agent.
    Mock {
        /// `delay_ms`: the pause between two pieces of an answer.
        delay: Duration,
    },
    /// Anything that speaks the Agent Client Protocol.
    Acp(Box<acp::AcpConfig>),
    /// Any model behind the Chat Completions interface.
    OpenAi(Box<openai::OpenAiConfig>),
}

impl Registry {
    /// Reads the file anew; on failure, all problems of it.
    pub fn read(env: &Env) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::new(env);
        Self::from_env(&mut reader).map_err(|Reported| reader.into_problems())
    }

    /// Reads the file that `MATRIX_AGENTS_CONFIG` names.
    pub fn from_env(reader: &mut Reader<'_>) -> Result<Self, Reported> {
        let named = reader.optional(NAME, "a file", |text| Some(PathBuf::from(text)))?;
        let path = named.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
        match fs::read_to_string(reader.env().resolve(&path)) {
            Ok(text) => Self::parse(&text, &path, reader),
            Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => {
                Ok(Self::embedded())
            }
            Err(error) => Err(reader.report(Problem::new(
                NAME,
                format!("cannot read {:?}: {error}", path.display().to_string()),
                "a readable YAML file, or no such variable to use the built-in mock agent",
            ))),
        }
    }

    /// The registry of a bot that was told of no agents.
    pub fn embedded() -> Self {
        let id = AgentId::new("assistant");
        Self {
            default: id.clone(),
            agents: vec![AgentEntry {
                id,
                name: "Assistant".to_owned(),
                description: String::new(),
                users: Vec::new(),
                limits: Limits::default(),
                kind: AgentKind::Mock {
                    delay: DEFAULT_MOCK_DELAY,
                },
            }],
            source: RegistrySource::Embedded,
        }
    }

    fn parse(text: &str, path: &Path, reader: &mut Reader<'_>) -> Result<Self, Reported> {
        parse::registry(text, reader.env()).map_or_else(
            |findings| {
                for finding in findings {
                    let found = format!("{:?} {}", path.display().to_string(), finding.found);
                    reader.report(Problem::new(NAME, found, finding.expected));
                }
                Err(Reported)
            },
            |(default, agents)| {
                Ok(Self {
                    default,
                    agents,
                    source: RegistrySource::File(path.to_owned()),
                })
            },
        )
    }
}
