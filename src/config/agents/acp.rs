//! `kind: acp`: an agent that speaks the Agent Client Protocol.

use std::{collections::BTreeMap, path::PathBuf};

use url::Url;

use super::{fields::Fields, node::Node};
use crate::{
    config::{env::Env, secret::Secret},
    platform::acp::Reach,
};

/// Its own keys.
pub(super) const KEYS: [&str; 10] = [
    "command",
    "url",
    "token_env",
    "token_file",
    "env",
    "pass_env",
    "workspace",
    "cwd",
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
    let mode = fields.text("mode", MODE_EXPECTED).map(str::to_owned);
    let model = fields.text("model", MODEL_EXPECTED).map(str::to_owned);
    Some(AcpConfig {
        reach: reach?,
        workspace,
        is_per_chat,
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
mod tests {
    use super::*;
    use crate::config::{AgentKind, agents::parse};

    fn read(keys: &str, env: &Env) -> Result<AcpConfig, Vec<String>> {
        let text = format!("agents: [{{id: coder, kind: acp, {keys}}}]");
        match parse::registry(&text, env) {
            Ok((_, mut agents)) => match agents.remove(0).kind {
                AgentKind::Acp(config) => Ok(*config),
                other => panic!("another kind: {other:?}"),
            },
            Err(findings) => Err(findings
                .into_iter()
                .map(|finding| format!("{}; expected {}", finding.found, finding.expected))
                .collect()),
        }
    }

    fn environment_of(config: &AcpConfig) -> Vec<(&str, &str)> {
        let Reach::Command { environment, .. } = &config.reach else {
            panic!("no command: {config:?}");
        };
        let shown = environment.iter();
        shown
            .map(|(name, value)| (name.as_str(), value.expose()))
            .collect()
    }

    #[test]
    fn a_command_is_enough() {
        let config = read("command: [opencode, acp, 7]", &Env::default()).unwrap();
        let expected = Reach::Command {
            program: PathBuf::from("opencode"),
            arguments: vec!["acp".to_owned(), "7".to_owned()],
            environment: BTreeMap::new(),
        };
        assert_eq!(config.reach, expected);
        assert_eq!((config.workspace, config.is_per_chat), (None, true));
        assert_eq!((config.mode, config.model), (None, None));
    }

    #[test]
    fn a_program_in_a_folder_is_found_from_the_bots_own() {
        let env = Env::default().in_folder("/opt/bot");
        let config = read("command: [./agents/run.py]", &env).unwrap();
        let Reach::Command { program, .. } = config.reach else {
            panic!("no command");
        };
        assert_eq!(program, PathBuf::from("/opt/bot/agents/run.py"));
    }

    #[test]
    fn a_server_takes_a_token_from_elsewhere() {
        let env = Env::of([("AGENT_TOKEN", "s3cret\n")]);
        let keys = "url: 'ws://agents:8000/acp', token_env: AGENT_TOKEN, workspace: /srv, cwd: workspace, mode: code, \
                    model: big";
        let config = read(keys, &env).unwrap();
        let Reach::Url { url, token } = &config.reach else {
            panic!("no url");
        };
        assert_eq!(url.as_str(), "ws://agents:8000/acp");
        assert_eq!(token.as_ref().unwrap().expose(), "s3cret");
        assert_eq!(config.workspace.as_deref(), Some("/srv".as_ref()));
        assert!(!config.is_per_chat);
        assert_eq!(config.mode.as_deref(), Some("code"));
        assert_eq!(config.model.as_deref(), Some("big"));
        assert!(!format!("{config:?}").contains("s3cret"));
    }

    #[test]
    fn a_process_finds_a_small_environment_and_nothing_of_the_bots_secrets() {
        let env = Env::of([
            ("PATH", "/bin"),
            ("HOME", "/home/bot"),
            ("MATRIX_PASSWORD", "s3cret"),
            ("API_KEY", "sk-1"),
            ("OTHER", "x"),
        ]);
        let config = read(
            "command: [a], pass_env: [API_KEY], env: {LEVEL: 3, HOME: /tmp}",
            &env,
        )
        .unwrap();
        let expected = [
            ("API_KEY", "sk-1"),
            ("HOME", "/tmp"),
            ("LEVEL", "3"),
            ("PATH", "/bin"),
        ];
        assert_eq!(environment_of(&config), expected);
        assert!(!format!("{config:?}").contains("sk-1"));
    }

    fn assert_mistake(keys: &str, expected: &str) {
        let mistakes = read(keys, &Env::default()).expect_err(keys);
        assert_eq!(mistakes.len(), 1, "{keys}\n{mistakes:#?}");
        assert!(mistakes[0].starts_with(expected), "{keys}\n{}", mistakes[0]);
    }

    #[test]
    fn each_mistake_is_named_with_its_line_and_key() {
        for (keys, expected) in [
            (
                "mode: x",
                "line 1: agents[0].command is missing; expected a program",
            ),
            (
                "command: [a], url: 'ws://x'",
                "line 1: agents[0].command and url are both there",
            ),
            (
                "command: []",
                "line 1: agents[0].command is a list; expected a program",
            ),
            (
                "command: [' ']",
                "line 1: agents[0].command is a list; expected a program",
            ),
            ("command: run", "line 1: agents[0].command is \"run\""),
            ("command: [a, [b]]", "line 1: agents[0].command is a list"),
            (
                "command: [a], token_env: T",
                "line 1: token_env has no effect without url",
            ),
            (
                "url: 'ws://x', env: {A: b}",
                "line 1: env has no effect without command",
            ),
            (
                "url: 'ws://x', token_env: NOT_THERE",
                "line 1: agents[0].token_env names the variable",
            ),
            (
                "url: 'ws://x', token: abc",
                "line 1: there is no key agents[0].token;",
            ),
            ("url: 'http://x'", "line 1: agents[0].url cannot be used"),
            ("url: 'ws://u:p@x'", "line 1: agents[0].url cannot be used"),
        ] {
            assert_mistake(keys, expected);
        }
    }

    #[test]
    fn mistakes_in_what_the_agent_is_given_are_named_too() {
        for (keys, expected) in [
            ("command: [a], env: [A]", "line 1: agents[0].env is a list"),
            (
                "command: [a], env: {A: [b]}",
                "line 1: agents[0].env is a list",
            ),
            (
                "command: [a], env: {'A-B': c}",
                "line 1: env has the name \"A-B\"",
            ),
            (
                "command: [a], env: {MATRIX_PASSWORD: c}",
                "line 1: env has the name \"MATRIX_PASSWORD\"",
            ),
            (
                "command: [a], pass_env: [SURFACES_TOKEN]",
                "line 1: agents[0].pass_env is \"SURFACES_TOKEN\"",
            ),
            (
                "command: [a], pass_env: [NOT_THERE]",
                "line 1: agents[0].pass_env is \"NOT_THERE\"; expected a list of",
            ),
            (
                "command: [a], workspace: here",
                "line 1: agents[0].workspace is \"here\"",
            ),
            (
                "command: [a], cwd: home",
                "line 1: agents[0].cwd is \"home\"; expected chat",
            ),
            (
                "command: [a], mode: [x]",
                "line 1: agents[0].mode is a list",
            ),
        ] {
            assert_mistake(keys, expected);
        }
    }
}
