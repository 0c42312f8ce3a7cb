//! Registry entries of the kind `acp`, right and wrong.

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
    assert_eq!((config.mode, config.model, config.auth), (None, None, None));
    assert!(!config.linked_files);
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
                model: big, linked_files: true, auth: api-key";
    let config = read(keys, &env).unwrap();
    let Reach::Url { url, token } = &config.reach else {
        panic!("no url");
    };
    assert_eq!(url.as_str(), "ws://agents:8000/acp");
    assert_eq!(token.as_ref().unwrap().expose(), "s3cret");
    assert_eq!(config.workspace.as_deref(), Some("/srv".as_ref()));
    assert!(!config.is_per_chat);
    assert!(config.linked_files);
    assert_eq!(config.mode.as_deref(), Some("code"));
    assert_eq!(config.model.as_deref(), Some("big"));
    assert_eq!(config.auth.as_deref(), Some("api-key"));
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
