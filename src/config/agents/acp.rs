//! `kind: acp`: an agent that speaks the Agent Client Protocol.

use std::{collections::BTreeMap, path::PathBuf};

use url::Url;

use super::{fields::Fields, node::Node};
use crate::{
    config::{env::Env, secret::Secret},
    platform::acp::Reach,
};

/// Its own keys.
pub(super) const KEYS: [&str; 12] = [
    "command",
    "url",
    "token_env",
    "token_file",
    "env",
    "pass_env",
    "workspace",
    "cwd",
    "linked_files",
    "auth",
    "mode",
    "model",
];

const COMMAND_EXPECTED: &str = "a program and its arguments, such as [opencode, acp], or else url";
const URL_EXPECTED: &str =
    "a ws or wss address without a user name, such as ws://localhost:8000/acp";
const ENV_EXPECTED: &str =
    "names and texts, such as {LOG_LEVEL: debug}; secrets go through pass_env";
const PASS_EXPECTED: &str = "a list of names of variables that are set for the bot";
const NAME_EXPECTED: &str =
    "letters, digits and underscores, and not one of the bot's own MATRIX_ or SURFACES_ variables";
const WORKSPACE_EXPECTED: &str = "the absolute path of the workspace as the agent sees it";
const CWD_EXPECTED: &str = "chat (each chat works in a folder of its own) or workspace";
const AUTH_EXPECTED: &str = "the id of one of the agent's login methods, which doctor lists";
const MODE_EXPECTED: &str = "one of the agent's modes";
const MODEL_EXPECTED: &str = "one of the agent's models";

/// What every child process is given of the bot's own environment. Nothing in it is a secret.
const PASSED_ALWAYS: [&str; 17] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TERM",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
];

/// How the agent is reached, and where it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcpConfig {
    /// `command` with `env` and `pass_env`, or `url` with `token_env` or `token_file`.
    pub reach: Reach,
    /// `workspace`: the shared folder as the agent sees it; as the bot sees it without the key.
    pub workspace: Option<PathBuf>,
    /// `cwd: chat`, the default, and not `cwd: workspace`.
    pub is_per_chat: bool,
    /// `linked_files`: a file that it links to in its words is sent.
    pub linked_files: bool,
    /// `auth`: the method by which it is logged in before its first session.
    pub auth: Option<String>,
    /// `mode` of its sessions.
    pub mode: Option<String>,
    /// `model` of its sessions.
    pub model: Option<String>,
}

/// Takes the keys.
pub(super) fn parse(fields: &mut Fields<'_, '_>, env: &Env) -> Option<AcpConfig> {
    let reach = reach(fields, env);
    let workspace = fields
        .text("workspace", WORKSPACE_EXPECTED)
        .map(PathBuf::from);
    if let (Some(path), Some(value)) = (&workspace, fields.value("workspace"))
        && !path.is_absolute()
    {
        fields.wrong("workspace", value, WORKSPACE_EXPECTED);
    }
    let is_per_chat = match fields.text("cwd", CWD_EXPECTED) {
        None | Some("chat") => true,
        Some("workspace") => false,
        Some(_) => {
            let value = fields.value("cwd")?;
            fields.wrong("cwd", value, CWD_EXPECTED);
            true
        }
    };
    let linked_files = fields.truth("linked_files").unwrap_or(false);
    let auth = fields.text("auth", AUTH_EXPECTED).map(str::to_owned);
    let mode = fields.text("mode", MODE_EXPECTED).map(str::to_owned);
    let model = fields.text("model", MODEL_EXPECTED).map(str::to_owned);
    Some(AcpConfig {
        reach: reach?,
        workspace,
        is_per_chat,
        linked_files,
        auth,
        mode,
        model,
    })
}

fn reach(fields: &mut Fields<'_, '_>, env: &Env) -> Option<Reach> {
    match (fields.value("command"), fields.value("url")) {
        (None, None) => {
            fields.missing("command", COMMAND_EXPECTED);
            None
        }
        (Some(command), Some(_)) => {
            fields.both_there(command, "command", "url");
            None
        }
        (Some(_), None) => {
            without(fields, &["token_env", "token_file"], "url");
            command(fields, env)
        }
        (None, Some(_)) => {
            without(fields, &["env", "pass_env"], "command");
            let url = url(fields);
            let token = fields.secret("token", env);
            Some(Reach::Url { url: url?, token })
        }
    }
}

/// Complains about keys that would have no effect.
fn without(fields: &mut Fields<'_, '_>, keys: &[&str], needed: &str) {
    for key in keys {
        if let Some(value) = fields.value(key) {
            let line = value.referenced.line();
            let what = format!("{key} has no effect without {needed}");
            fields.complain(line, &what, format!("{needed}, or no {key}"));
        }
    }
}

fn command(fields: &mut Fields<'_, '_>, env: &Env) -> Option<Reach> {
    let environment = environment(fields, env);
    let items = fields.list("command", COMMAND_EXPECTED)?;
    let mut words = Vec::new();
    for item in items {
        match &item.value {
            Node::Text(word) => words.push(word.clone()),
            Node::Number(number) => words.push(number.to_string()),
            _ => fields.wrong("command", item, COMMAND_EXPECTED),
        }
    }
    if words
        .first()
        .is_none_or(|program| program.trim().is_empty())
    {
        let value = fields.value("command")?;
        fields.wrong("command", value, COMMAND_EXPECTED);
        return None;
    }
    let program = words.remove(0);
    Some(Reach::Command {
        program: if program.contains('/') {
            // The agent starts in another folder than the bot.
            let path = env.resolve(&program);
            std::path::absolute(&path).unwrap_or(path)
        } else {
            PathBuf::from(program)
        },
        arguments: words,
        environment,
    })
}

fn url(fields: &mut Fields<'_, '_>) -> Option<Url> {
    let text = fields.text("url", URL_EXPECTED)?;
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "ws" | "wss")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
    });
    if url.is_none() {
        fields.unusable("url", URL_EXPECTED);
    }
    url
}

/// What the child process finds in its environment, and nothing else.
fn environment(fields: &mut Fields<'_, '_>, env: &Env) -> BTreeMap<String, Secret> {
    let of_the_bot = |name: &str| {
        let value = env.get(name)?;
        Some((name.to_owned(), Secret::new(value)))
    };
    let mut environment: BTreeMap<String, Secret> =
        PASSED_ALWAYS.into_iter().filter_map(of_the_bot).collect();
    for item in fields.list("pass_env", PASS_EXPECTED).unwrap_or_default() {
        match &item.value {
            Node::Text(name) if is_name(name) => match of_the_bot(name) {
                Some(variable) => environment.extend([variable]),
                None => fields.wrong("pass_env", item, PASS_EXPECTED),
            },
            _ => fields.wrong("pass_env", item, NAME_EXPECTED),
        }
    }
    if let Some(value) = fields.value("env") {
        let Node::Map(entries) = &value.value else {
            fields.wrong("env", value, ENV_EXPECTED);
            return environment;
        };
        for (name, value) in entries {
            let text = match &value.value {
                Node::Text(text) => Some(text.clone()),
                Node::Number(number) => Some(number.to_string()),
                _ => None,
            };
            match text {
                Some(text) if is_name(name) => {
                    environment.insert(name.clone(), Secret::new(text));
                }
                Some(_) => {
                    let what = format!("env has the name {name:?}");
                    fields.complain(value.referenced.line(), &what, NAME_EXPECTED);
                }
                None => fields.wrong("env", value, ENV_EXPECTED),
            }
        }
    }
    environment
}

/// Whether a child process may be given a variable of this name.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(is_plain)
        && !["MATRIX_", "SURFACES_"]
            .iter()
            .any(|own| name.starts_with(own))
}

#[cfg(test)]
mod tests;
