//! The registry as YAML: every way of writing it that people use, and any text at all.

use proptest::prelude::*;

use super::{AgentKind, tests::registry};
use crate::core::ids::AgentId;

fn ids(text: &str) -> Vec<String> {
    let (_, agents) = registry(text)
        .unwrap_or_else(|findings| panic!("this registry is right:\n{text}\n{findings:#?}"));
    agents.iter().map(|agent| agent.id.to_string()).collect()
}

/// The first complaint.
fn complaint(text: &str) -> String {
    let findings = registry(text).expect_err("this registry is wrong");
    findings[0].found.clone()
}

#[test]
fn block_flow_and_json_say_the_same() {
    let table = [
        "agents:\n  - id: a\n    kind: mock\n  - id: b\n    kind: mock\n",
        "agents:\n- id: a\n  kind: mock\n- id: b\n  kind: mock",
        "agents: [{id: a, kind: mock}, {id: b, kind: mock}]",
        r#"{"agents": [{"id": "a", "kind": "mock"}, {"id": "b", "kind": "mock"}]}"#,
        "---\nagents:\r\n  - {id: a, kind: mock}\r\n  - {id: b, kind: mock}\r\n",
        "# a comment\nagents: # another\n  - {id: a, kind: mock} # and one more\n\n  - {kind: mock, id: b}\n",
        "\u{feff}agents: [{id: a, kind: mock}, {id: b, kind: mock}]",
    ];
    for text in table {
        assert_eq!(ids(text), ["a", "b"], "{text}");
    }
}

#[test]
fn words_that_old_yaml_took_for_truth_values_are_words() {
    let text = "default: on\nagents: [{id: y, kind: mock, name: No}, {id: on, kind: mock}]";
    let (default, agents) = registry(text).unwrap();
    assert_eq!(default, AgentId::new("on"));
    assert_eq!(agents[0].id, AgentId::new("y"));
    assert_eq!(agents[0].name, "No");
}

#[test]
fn real_truth_values_and_numbers_are_no_ids() {
    for id in ["true", "1", "1.5", "null", "~", "[]", "{}", "-1"] {
        let found = complaint(&format!("agents: [{{id: {id}, kind: mock}}]"));
        assert!(found.starts_with("line 1: agents[0].id is "), "{found}");
    }
}

#[test]
fn quoted_numbers_are_ids() {
    assert_eq!(ids("agents: [{id: '1', kind: mock}]"), ["1"]);
}

#[test]
fn names_and_descriptions_may_be_in_any_language() {
    let text = "agents: [{id: a, kind: mock, name: Помощник, description: '  отвечает 🙂 '}]";
    let (_, agents) = registry(text).unwrap();
    assert_eq!(agents[0].name, "Помощник");
    assert_eq!(agents[0].description, "отвечает 🙂");
}

#[test]
fn an_anchor_can_share_users_between_agents() {
    let text = r#"
agents:
  - {id: a, kind: mock, users: &staff ["@*:example.org"]}
  - {id: b, kind: mock, users: *staff}
"#;
    let (_, agents) = registry(text).unwrap();
    assert_eq!(agents[1].users, ["@*:example.org"]);
}

#[test]
fn lines_are_those_of_the_file() {
    let text =
        "# 1\n\n# 3\nagents:\n  - id: a\n    kind: mock\n\n  - id: b\n    # 9\n    kind: magic\n";
    assert!(complaint(text).starts_with("line 10: agents[1].kind"));
}

#[test]
fn what_is_no_yaml_says_where() {
    let table = [
        ("agents: [", "line "),
        ("agents: [{id: a, kind: mock}]]", "line 1: "),
        ("agents:\n  - id: a\n kind: mock", "line 3: "),
        ("agents: *nothing", "line 1: "),
        ("agents: []\n---\nagents: []", "line "),
        ("a: 'unclosed", "line "),
    ];
    for (text, expected) in table {
        let found = complaint(text);
        assert!(found.starts_with(expected), "{text}\n{found}");
        assert!(
            found.contains("not understood as YAML: "),
            "{text}\n{found}"
        );
    }
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (outer, inner) in "bcdefgh".chars().zip("abcdefg".chars()) {
        let aliases = vec![format!("*{inner}"); 10].join(", ");
        text = format!("{text}{outer}: &{outer} [{aliases}]\n");
    }
    text.push_str("agents: *h\n");
    assert!(complaint(&text).contains("not understood as YAML"));
}

#[test]
fn a_delay_may_be_nothing_and_a_minute() {
    for (written, expected) in [("0", 0), ("60000", 60_000), ("0x10", 16)] {
        let text = format!("agents: [{{id: a, kind: mock, delay_ms: {written}}}]");
        let (_, agents) = registry(&text).unwrap();
        let AgentKind::Mock { delay } = agents[0].kind else {
            panic!("not a mock")
        };
        assert_eq!(delay.as_millis(), expected);
    }
}

proptest! {
    #[test]
    fn any_text_is_a_registry_or_gives_one_line_complaints(text in any::<String>()) {
        if let Err(findings) = registry(&text) {
            prop_assert!(!findings.is_empty());
            for finding in findings {
                prop_assert!(!finding.found.contains('\n'), "{:?}", finding);
            }
        }
    }

    #[test]
    fn any_shape_of_the_right_keys_is_a_registry_or_gives_complaints(
        values in proptest::collection::vec(
            prop_oneof![
                Just("mock"), Just("a"), Just("[]"), Just("{}"), Just("~"), Just("5"), Just("true"),
                Just("['@*:x']"), Just("[[a]]"), Just("{id: a}"), Just("''"), Just("acp"),
            ],
            7,
        )
    ) {
        let keys = ["id", "name", "kind", "description", "users", "delay_ms"];
        let fields: Vec<String> = keys
            .iter()
            .zip(&values)
            .map(|(key, value)| format!("{key}: {value}"))
            .collect();
        let text = format!("default: {}\nagents: [{{{}}}]", values[6], fields.join(", "));
        match registry(&text) {
            Ok((default, agents)) => prop_assert_eq!(&default, &agents[0].id),
            Err(findings) => prop_assert!(!findings.is_empty()),
        }
    }

    #[test]
    fn agents_come_out_as_they_went_in(
        ids_in in proptest::collection::btree_set("[a-zA-Z][a-zA-Z0-9._-]{0,20}x", 1..8)
    ) {
        let entries: Vec<String> = ids_in
            .iter()
            .map(|id| format!("  - {{id: {id}, kind: mock}}"))
            .collect();
        let out = ids(&format!("agents:\n{}\n", entries.join("\n")));
        prop_assert_eq!(out, ids_in.into_iter().collect::<Vec<_>>());
    }
}
