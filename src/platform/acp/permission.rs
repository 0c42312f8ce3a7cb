//! What an agent asks permission for, as a person reads it: all of it, however long. Pure.

use agent_client_protocol::v1::schema::{
    PermissionOptionKind, RequestPermissionRequest, ToolCallUpdateFields,
};
use serde_json::{Map, Value};

use super::trouble::one_line;
use crate::platform::{PermissionMeaning, PermissionOption, PermissionQuestion};

/// The longest question that is one line, in characters.
const LONGEST_LINE: usize = 200;
/// The longest label of an option, in characters.
const LONGEST_LABEL: usize = 100;
/// Options that are shown; an agent that offers more means no person.
const MOST_OPTIONS: usize = 20;
/// Members of a tool's input that say what would be run: shown first, and whole.
const RUN: [&str; 8] = [
    "command",
    "cmd",
    "script",
    "code",
    "args",
    "arguments",
    "argv",
    "stdin",
];
/// Members of a tool's input that say what it would touch: shown without their name.
const TOUCHED: [&str; 5] = ["filePath", "file_path", "path", "url", "uri"];
/// The longest value of any other member that is shown, in characters; of a longer one, its length is.
const LONGEST_MEMBER: usize = 1_000;

/// The question as a person reads it; `None` where nothing could be chosen.
pub(super) fn question(
    id: String,
    request: &RequestPermissionRequest,
) -> Option<PermissionQuestion> {
    let options: Vec<PermissionOption> = request
        .options
        .iter()
        .take(MOST_OPTIONS)
        .map(|option| PermissionOption {
            id: option.option_id.0.to_string(),
            label: one_line(&option.name, LONGEST_LABEL),
            meaning: match option.kind {
                PermissionOptionKind::AllowOnce => PermissionMeaning::Allow,
                PermissionOptionKind::AllowAlways => PermissionMeaning::AllowAlways,
                PermissionOptionKind::RejectAlways => PermissionMeaning::RejectAlways,
                _ => PermissionMeaning::Reject,
            },
        })
        .collect();
    (!options.is_empty()).then(|| PermissionQuestion {
        id,
        title: title(&request.tool_call.fields),
        options,
    })
}

/// What the tool is, and what it would do: a person who is asked has to see both. One line where they fit into one; else
/// the first line names the tool, and the others are what it would do.
fn title(fields: &ToolCallUpdateFields) -> String {
    let title = fields.title.as_deref().or(fields.name.as_deref());
    let title = visible(title.unwrap_or_default().trim());
    let mut told: Vec<String> = Vec::new();
    for detail in details(fields) {
        if !title.contains(&detail) && !told.contains(&detail) {
            told.push(detail);
        }
    }
    let named = Some(title.clone()).filter(|title| !title.is_empty());
    let line = named.into_iter().chain(told.iter().cloned());
    let line = line.collect::<Vec<_>>().join(": ");
    if line.chars().count() <= LONGEST_LINE && !line.contains('\n') && told.len() <= 1 {
        return line;
    }
    let first = one_line(&title, LONGEST_LINE);
    let whole = Some(title).filter(|title| *title != first);
    let lines: Vec<String> = Some(first).into_iter().chain(whole).chain(told).collect();
    lines.join("\n")
}

/// What the tool would do, most important first.
fn details(fields: &ToolCallUpdateFields) -> Vec<String> {
    let mut details = Vec::new();
    let mut others = Vec::new();
    match &fields.raw_input {
        Some(Value::Object(input)) => {
            details.extend(run(input));
            let touched = TOUCHED.iter().filter_map(|key| input.get(*key)?.as_str());
            details.extend(touched.map(visible));
            others = members(input);
        }
        Some(Value::Null) | None => {}
        Some(input) => details.push(shown(input)),
    }
    let locations = fields.locations.iter().flatten();
    details.extend(locations.map(|location| visible(&location.path.display().to_string())));
    details.extend(others);
    details
}

/// What would be run, as it would be typed.
fn run(input: &Map<String, Value>) -> Option<String> {
    let parts: Vec<String> = RUN
        .iter()
        .filter_map(|key| input.get(*key))
        .filter(|value| !value.is_null())
        .map(shown)
        .collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// The other members of a tool's input, by name.
fn members(input: &Map<String, Value>) -> Vec<String> {
    let is_told = |key: &str, value: &Value| {
        RUN.contains(&key) || TOUCHED.contains(&key) && value.is_string() || value.is_null()
    };
    let others = input.iter().filter(|(key, value)| !is_told(key, value));
    others
        .map(|(key, value)| {
            let (key, text) = (visible(key), shown(value));
            match text.chars().count() {
                0..=LONGEST_MEMBER => format!("{key}: {text}"),
                length => format!("{key}: ({length} characters)"),
            }
        })
        .collect()
}

/// A text as it is, words as a command line, and anything else as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => visible(text),
        Value::Array(words) if words.iter().all(Value::is_string) => {
            let words = words.iter().filter_map(Value::as_str).map(quoted);
            visible(&words.collect::<Vec<_>>().join(" "))
        }
        value => visible(&value.to_string()),
    }
}

/// A word of a command line, as it would be typed.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "_@%+=:,./-".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The text with every character seen: those that show nothing, or turn the direction of others, by their number.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_hidden(letter) {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    shown
}

fn is_hidden(letter: char) -> bool {
    let shows_nothing = matches!(
        letter,
        '\u{ad}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
    );
    shows_nothing || letter.is_control() && !matches!(letter, '\n' | '\t')
}

#[cfg(test)]
mod tests;
