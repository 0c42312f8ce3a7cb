//! Registry files, right and wrong.

use std::{path::Path, time::Duration};

use super::{
    AgentEntry, AgentKind, DEFAULT_MOCK_DELAY, Registry, RegistrySource, fields::Finding, parse,
};
use crate::{
    config::{Env, Reader, tests::World},
    core::ids::AgentId,
    platform::Limits,
};

/// A registry with one mistake, and how the complaint begins.
const MISTAKES: &[(&str, &str)] = &[
    ("", "line "),
    ("just text", "line 1: it is \"just text\""),
    ("[]", "line 1: it is a list"),
    ("default: a", "line 1: agents is missing"),
    ("agents: []", "line 1: agents is empty"),
    ("agents: yes", "line 1: agents is "),
    ("agents:", "line 1: agents is nothing"),
    (
        "agents: [assistant]",
        "line 1: agents[0] is \"assistant\"; expected an agent",
    ),
    ("agents: [{kind: mock}]", "line 1: agents[0].id is missing"),
    (
        "agents: [{id: '', kind: mock}]",
        "line 1: agents[0].id is \"\"",
    ),
    (
        "agents: [{id: 7, kind: mock}]",
        "line 1: agents[0].id is the number 7",
    ),
    (
        "agents: [{id: 'a b', kind: mock}]",
        "line 1: agents[0].id is \"a b\"; expected at most 64",
    ),
    (
        "agents: [{id: a}]",
        "line 1: agents[0].kind is missing; expected mock",
    ),
    (
        "agents: [{id: a, kind: mock, name: [x]}]",
        "line 1: agents[0].name is a list",
    ),
    (
        "agents: [{id: a, kind: mock, name: ' '}]",
        "line 1: agents[0].name is \" \"",
    ),
    (
        "agents: [{id: a, kind: mock, description: {}}]",
        "line 1: agents[0].description is keys and values",
    ),
    (
        "agents:\n- id: a\n  kind: telepathy",
        "line 3: agents[0].kind is \"telepathy\"; expected a known kind: mock",
    ),
    (
        "agents: [{id: a, kind: mock, users: '@*:x'}]",
        "line 1: agents[0].users is \"@*:x\"; expected a list of user id patterns",
    ),
    (
        "agents: [{id: a, kind: mock, users: []}]",
        "line 1: agents[0].users is a list; expected at least one pattern",
    ),
    (
        "agents: [{id: a, kind: mock, users: [bob]}]",
        "line 1: agents[0].users is \"bob\"; expected user id patterns",
    ),
    (
        "agents: [{id: a, kind: mock, delay_ms: -1}]",
        "line 1: agents[0].delay_ms is a number below 0; expected milliseconds",
    ),
    (
        "agents: [{id: a, kind: mock, delay_ms: 99999}]",
        "line 1: agents[0].delay_ms is the number 99999",
    ),
    (
        "agents: [{id: a, kind: mock, delay_ms: soon}]",
        "line 1: agents[0].delay_ms is \"soon\"",
    ),
    (
        "agents: [{id: a, kind: mock, delayms: 1}]",
        "line 1: there is no key agents[0].delayms; expected one of id, name, kind, description, users, turn_limit, turns_at_once, delay_ms; perhaps delay_ms",
    ),
    (
        "default: b\nagents: [{id: a, kind: mock}]",
        "line 1: default is \"b\"; expected the id of one of the agents: a",
    ),
    (
        "default:\nagents: [{id: a, kind: mock}]",
        "line 1: default is nothing",
    ),
    (
        "agent: []\nagents: [{id: a, kind: mock}]",
        "line 1: there is no key agent; expected one of default, agents; perhaps agents",
    ),
    ("agents: [{id: a, kind: mock}\n", "line "),
    ("agents:\n  - id: a\n   kind: mock\n", "line "),
    (
        "agents: [{id: a, id: b, kind: mock}]",
        "line 1: not understood as YAML: ",
    ),
    ("agents: []\nagents: []", "line 2: not understood as YAML: "),
    ("agents:\n\t- id: a", "line 2: not understood as YAML: "),
];

/// Read without any variable set.
pub(super) fn registry(text: &str) -> Result<(AgentId, Vec<AgentEntry>), Vec<Finding>> {
    parse::registry(text, &Env::default())
}

/// Each mistake as `found; expected`.
fn mistakes(text: &str) -> Vec<String> {
    let findings = registry(text).expect_err("this registry is wrong");
    findings
        .into_iter()
        .map(|finding| format!("{}; expected {}", finding.found, finding.expected))
        .collect()
}

#[test]
fn all_keys_are_read() {
    let (default, agents) = registry(
        r#"
default: second
agents:
  - {id: first, kind: mock}
  - id: second
    name: "The Second"
    kind: mock
    description: Answers slowly
    delay_ms: 1000
    users: ["@*:example.org", "@bob:b.org"]
"#,
    )
    .unwrap();
    assert_eq!(default, AgentId::new("second"));
    assert_eq!(agents[0].name, "first", "the id stands in for a name");
    assert_eq!(agents[0].description, "");
    assert_eq!(agents[0].users, [""; 0]);
    let AgentKind::Mock { delay } = agents[0].kind else {
        panic!("not a mock")
    };
    assert_eq!(delay, DEFAULT_MOCK_DELAY);
    assert_eq!(agents[1].name, "The Second");
    assert_eq!(agents[1].description, "Answers slowly");
    assert_eq!(agents[1].users, ["@*:example.org", "@bob:b.org"]);
    let AgentKind::Mock { delay } = agents[1].kind else {
        panic!("not a mock")
    };
    assert_eq!(delay, Duration::from_secs(1));
}

#[test]
fn without_a_default_the_first_agent_serves() {
    let (default, _) = registry("agents: [{id: b, kind: mock}, {id: a, kind: mock}]").unwrap();
    assert_eq!(default, AgentId::new("b"));
}

#[test]
fn each_mistake_is_named_with_its_line() {
    for (text, expected) in MISTAKES {
        let mistakes = mistakes(text);
        assert_eq!(mistakes.len(), 1, "{text}\n{mistakes:#?}");
        assert!(mistakes[0].starts_with(expected), "{text}\n{}", mistakes[0]);
        assert!(!mistakes[0].contains('\n'), "{}", mistakes[0]);
    }
}

#[test]
fn an_agent_may_have_limits_of_its_own() {
    let text =
        "agents: [{id: a, kind: mock, turn_limit: 90s, turns_at_once: 4}, {id: b, kind: mock}]";
    let (_, agents) = registry(text).unwrap();
    let limits = Limits {
        turn: Some(Duration::from_secs(90)),
        at_once: Some(4),
    };
    assert_eq!(agents[0].limits, limits);
    assert_eq!(agents[1].limits, Limits::default());
    for (wrong, expected) in [
        (
            "turn_limit: soon",
            "line 1: agents[0].turn_limit is \"soon\"",
        ),
        ("turn_limit: 48h", "line 1: agents[0].turn_limit is \"48h\""),
        (
            "turns_at_once: 0",
            "line 1: agents[0].turns_at_once is the number 0",
        ),
        (
            "turns_at_once: 5000",
            "line 1: agents[0].turns_at_once is the number 5000",
        ),
    ] {
        let mistakes = mistakes(&format!("agents: [{{id: a, kind: mock, {wrong}}}]"));
        assert!(mistakes[0].starts_with(expected), "{mistakes:?}");
    }
}

#[test]
fn two_agents_of_one_id_are_told_apart_by_line() {
    assert_eq!(
        mistakes("agents:\n- {id: a, kind: mock}\n- {id: b, kind: mock}\n- {id: a, kind: mock}"),
        [
            "line 4: agents[2].id is \"a\"; expected an id of its own; the agent of line 2 has this one"
        ]
    );
}

#[test]
fn all_mistakes_of_a_file_are_named_at_once() {
    let mistakes = mistakes(
        r"
default: nobody
colour: red
agents:
  - {kind: mock}
  - {id: a, kind: magic}
  - {id: a, kind: mock, users: [x, y]}
  - 5
",
    );
    assert_eq!(mistakes.len(), 8, "{mistakes:#?}");
}

#[test]
fn a_default_whose_agent_has_another_mistake_is_no_second_mistake() {
    let mistakes = mistakes("default: a\nagents: [{id: a, kind: magic}]");
    assert_eq!(mistakes.len(), 1, "{mistakes:#?}");
}

#[test]
fn the_default_file_is_read_where_it_is_there() {
    let config = World::new()
        .file(
            "config/matrix-agents.yaml",
            "agents: [{id: filed, kind: mock}]",
        )
        .config();
    assert_eq!(config.agents.default, AgentId::new("filed"));
    assert_eq!(
        config.agents.source,
        RegistrySource::File("config/matrix-agents.yaml".into())
    );
}

#[test]
fn without_a_file_a_mock_serves_and_says_so() {
    let registry = World::new().config().agents;
    assert_eq!(registry, Registry::embedded());
    assert_eq!(registry.source, RegistrySource::Embedded);
    assert_eq!(registry.agents[0].name, "Assistant");
}

#[test]
fn a_file_that_is_named_has_to_be_there() {
    let problem = World::new()
        .with("MATRIX_AGENTS_CONFIG", "config/matrix-agents.yaml")
        .problem();
    assert!(
        problem.starts_with(
            "MATRIX_AGENTS_CONFIG: cannot read \"config/matrix-agents.yaml\": No such file"
        ),
        "{problem}"
    );
}

#[test]
fn a_default_file_that_cannot_be_read_is_not_passed_over() {
    let problem = World::new()
        .file("config/matrix-agents.yaml/x", "")
        .problem();
    assert!(problem.contains("Is a directory"), "{problem}");
}

#[test]
fn a_mistake_names_the_variable_and_the_file() {
    let problem = World::new()
        .with("MATRIX_AGENTS_CONFIG", "my.yaml")
        .file("my.yaml", "agents: []")
        .problem();
    assert!(
        problem.starts_with("MATRIX_AGENTS_CONFIG: \"my.yaml\" line 1: agents is empty; expected"),
        "{problem}"
    );
}

#[test]
fn the_registry_that_is_shipped_equals_the_embedded_one() {
    let env = Env::of::<&str, &str>([]).in_folder(Path::new(env!("CARGO_MANIFEST_DIR")));
    let shipped = Registry::from_env(&mut Reader::new(&env)).unwrap();
    assert_eq!(shipped.agents, Registry::embedded().agents);
    assert_eq!(shipped.default, Registry::embedded().default);
    assert_ne!(shipped.source, RegistrySource::Embedded);
}
