//! From YAML text to agents: pure, and with every mistake named at once.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    config::{
        agents::{
            AgentEntry, AgentKind, DEFAULT_MOCK_DELAY, acp,
            fields::{Fields, Finding},
            node::{Node, Value},
            openai,
        },
        env::Env,
        globs, units,
    },
    core::ids::AgentId,
    platform::Limits,
};

const AGENTS_EXPECTED: &str = "a list of at least one agent, such as [{id: assistant, kind: mock}]";
const AGENT_EXPECTED: &str = "an agent, such as {id: assistant, name: Assistant, kind: mock}";
const ID_EXPECTED: &str = "at most 64 letters, digits, dots, dashes and underscores";
const NAME_EXPECTED: &str = "a name; without the key, the id serves as one";
const DELAY_EXPECTED: &str = "milliseconds, from 0 to 60000";
const TURN_EXPECTED: &str = "a duration from 1s to 24h, such as 90s or 30m";
const AT_ONCE_EXPECTED: &str = "a number from 1 to 1000";
const KINDS_EXPECTED: &str = "mock, acp or openai";

/// The keys that an agent of any kind may have.
const COMMON_KEYS: [&str; 7] = [
    "id",
    "name",
    "kind",
    "description",
    "users",
    "turn_limit",
    "turns_at_once",
];
const MAX_TURN: Duration = Duration::from_hours(24);
const MAX_AT_ONCE: u64 = 1_000;
const MAX_DELAY_MS: u64 = 60_000;
const MAX_ID_BYTES: usize = 64;

/// The default agent and all agents, or everything that is wrong.
pub(super) fn registry(text: &str, env: &Env) -> Result<(AgentId, Vec<AgentEntry>), Vec<Finding>> {
    // An agent may be called `y` or `on`; only `true` and `false` are truth values.
    let options = serde_saphyr::options! { strict_booleans: true };
    let document: Value = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| vec![not_yaml(&error)])?;
    let mut findings = Vec::new();
    let mut lines = BTreeMap::new();
    let mut agents = Vec::new();
    for (index, value) in agent_values(&document, &mut findings).iter().enumerate() {
        let place = format!("agents[{index}]");
        let Some(mut fields) = Fields::of(value, place, AGENT_EXPECTED, &mut findings) else {
            continue;
        };
        agents.extend(agent(&mut fields, &mut lines, env));
    }
    let default = default_agent(&document, &lines, &mut findings)
        .or_else(|| agents.first().map(|agent| agent.id.clone()));
    match default {
        Some(default) if findings.is_empty() => Ok((default, agents)),
        _ => Err(findings),
    }
}

fn not_yaml(error: &serde_saphyr::Error) -> Finding {
    let message = error.without_snippet().to_string();
    let line = error.location().map_or_else(String::new, |location| {
        format!("line {}: ", location.line())
    });
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    Finding {
        found: format!("{line}not understood as YAML: {message}"),
        expected: "a YAML mapping with the keys default and agents".to_owned(),
    }
}

fn agent_values<'a>(document: &'a Value, findings: &mut Vec<Finding>) -> &'a [Value] {
    let Some(mut fields) = Fields::of(document, String::new(), AGENTS_EXPECTED, findings) else {
        return &[];
    };
    fields.only(&["default", "agents"]);
    match fields.value("agents") {
        None => fields.missing("agents", AGENTS_EXPECTED),
        Some(value) if matches!(&value.value, Node::List(items) if items.is_empty()) => {
            fields.complain(value.referenced.line(), "agents is empty", AGENTS_EXPECTED);
        }
        Some(_) => {}
    }
    fields.list("agents", AGENTS_EXPECTED).unwrap_or_default()
}

/// The agent that `default` names. Ids of agents with other mistakes count: one mistake, one complaint.
fn default_agent(
    document: &Value,
    lines: &BTreeMap<&str, u64>,
    findings: &mut Vec<Finding>,
) -> Option<AgentId> {
    // The document's shape was complained about before.
    let mut ignored = Vec::new();
    let fields = Fields::of(document, String::new(), AGENTS_EXPECTED, &mut ignored)?;
    let value = fields.value("default")?;
    if let Node::Text(id) = &value.value
        && lines.contains_key(id.as_str())
    {
        return Some(AgentId::new(id));
    }
    if lines.is_empty() {
        // Nothing could be right here, and what is wrong with the agents was said.
        return None;
    }
    let known: Vec<&str> = lines.keys().copied().collect();
    findings.push(Finding {
        found: format!(
            "line {}: default is {}",
            value.referenced.line(),
            value.value.describe()
        ),
        expected: format!("the id of one of the agents: {}", known.join(", ")),
    });
    None
}

fn agent<'a>(
    fields: &mut Fields<'a, '_>,
    lines: &mut BTreeMap<&'a str, u64>,
    env: &Env,
) -> Option<AgentEntry> {
    let id = agent_id(fields, lines);
    let name = fields.text("name", NAME_EXPECTED).or(id);
    let description = description(fields);
    let users = users(fields);
    let limits = limits(fields);
    let kind = kind(fields, env);
    Some(AgentEntry {
        id: AgentId::new(id?),
        name: name?.to_owned(),
        description,
        users,
        limits,
        kind: kind?,
    })
}

fn agent_id<'a>(
    fields: &mut Fields<'a, '_>,
    lines: &mut BTreeMap<&'a str, u64>,
) -> Option<&'a str> {
    let id = fields.required_text("id", ID_EXPECTED)?;
    let value = fields.value("id")?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    if id.len() > MAX_ID_BYTES || !id.bytes().all(allowed) {
        fields.wrong("id", value, ID_EXPECTED);
        return None;
    }
    let line = value.referenced.line();
    if let Some(first) = lines.get(id) {
        fields.wrong(
            "id",
            value,
            format!("an id of its own; the agent of line {first} has this one"),
        );
        return None;
    }
    lines.insert(id, line);
    Some(id)
}

/// Unlike other texts, a description may be empty.
fn description(fields: &mut Fields<'_, '_>) -> String {
    match fields
        .value("description")
        .map(|value| (value, &value.value))
    {
        None | Some((_, Node::Null)) => String::new(),
        Some((_, Node::Text(text))) => text.trim().to_owned(),
        Some((value, _)) => {
            fields.wrong("description", value, "a text");
            String::new()
        }
    }
}

fn users(fields: &mut Fields<'_, '_>) -> Vec<String> {
    let Some(items) = fields.list("users", &format!("a list of {}", globs::EXPECTED)) else {
        return Vec::new();
    };
    if items.is_empty()
        && let Some(value) = fields.value("users")
    {
        // An empty list could be meant as "nobody" and would be read as "everybody".
        fields.wrong(
            "users",
            value,
            "at least one pattern; leave the key out where everybody may use the agent",
        );
    }
    let mut users = Vec::new();
    for item in items {
        match &item.value {
            Node::Text(pattern) if globs::is_pattern(pattern) => users.push(pattern.clone()),
            _ => fields.wrong("users", item, globs::EXPECTED),
        }
    }
    users
}

fn limits(fields: &mut Fields<'_, '_>) -> Limits {
    let turn = fields.text("turn_limit", TURN_EXPECTED).map(|text| {
        units::duration(text).filter(|turn| (Duration::from_secs(1)..=MAX_TURN).contains(turn))
    });
    if let (Some(None), Some(value)) = (turn, fields.value("turn_limit")) {
        fields.wrong("turn_limit", value, TURN_EXPECTED);
    }
    let at_once = fields.number("turns_at_once", MAX_AT_ONCE, AT_ONCE_EXPECTED);
    if let (Some(0), Some(value)) = (at_once, fields.value("turns_at_once")) {
        fields.wrong("turns_at_once", value, AT_ONCE_EXPECTED);
    }
    Limits {
        turn: turn.flatten(),
        at_once: at_once.and_then(|number| usize::try_from(number).ok()),
    }
}

/// Complains about keys that neither every agent nor this kind has.
fn only(fields: &mut Fields<'_, '_>, own: &[&'static str]) {
    let keys: Vec<&str> = COMMON_KEYS.iter().chain(own).copied().collect();
    fields.only(&keys);
}

fn kind(fields: &mut Fields<'_, '_>, env: &Env) -> Option<AgentKind> {
    match fields.required_text("kind", KINDS_EXPECTED)? {
        "mock" => {
            only(fields, &["delay_ms"]);
            let delay = fields
                .number("delay_ms", MAX_DELAY_MS, DELAY_EXPECTED)
                .map_or(DEFAULT_MOCK_DELAY, Duration::from_millis);
            Some(AgentKind::Mock { delay })
        }
        "acp" => {
            only(fields, &acp::KEYS);
            acp::parse(fields, env).map(|acp| AgentKind::Acp(Box::new(acp)))
        }
        "openai" => {
            only(fields, &openai::KEYS);
            openai::parse(fields, env)
                .map(Box::new)
                .map(AgentKind::OpenAi)
        }
        _ => {
            let value = fields.value("kind")?;
            fields.wrong("kind", value, format!("a known kind: {KINDS_EXPECTED}"));
            None
        }
    }
}
