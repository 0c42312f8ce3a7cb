//! Messages that are neither words nor one file, put into words for an agent: what they are, and what they say.

use serde_json::Value;

use crate::matrix::batch::TimelineItem;

/// Files of a gallery, and answers of a poll, that are named.
const MOST_NAMED: usize = 20;
/// Longest name of any of them, in characters.
const LONGEST_NAME: usize = 200;

/// The message in words; `None` where nothing of it can be read. `body` is its text.
pub(super) fn described(item: &TimelineItem, body: &str) -> Option<String> {
    let content = &item.content;
    let msgtype = content.get("msgtype").and_then(Value::as_str);
    match (item.event_type.as_str(), msgtype) {
        ("m.sticker", _) => headed("A sticker", body),
        ("m.poll.start" | "org.matrix.msc3381.poll.start", _) => poll(content),
        (_, Some("m.location")) => location(content, body),
        (_, Some("m.gallery" | "dm.filament.gallery")) => gallery(content, body),
        (_, Some("")) => headed("A message of no type", body),
        (_, Some(msgtype)) => headed(
            &format!("A message of the type {}", one_line(msgtype)),
            body,
        ),
        _ => None,
    }
}

/// Nothing where there is no text.
fn headed(heading: &str, text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| format!("[{heading}:]\n{text}"))
}

/// A heading that says something by itself, and the text below it, where there is one.
fn above(heading: &str, text: &str) -> String {
    format!("[{heading}]\n{}", text.trim())
        .trim_end()
        .to_owned()
}

fn location(content: &Value, body: &str) -> Option<String> {
    let newer = ["m.location", "org.matrix.msc3488.location"]
        .iter()
        .find_map(|key| content.get(key)?.get("uri"));
    let place = content.get("geo_uri").or(newer).and_then(Value::as_str);
    let is_place = |uri: &&str| {
        uri.len() <= 200
            && uri.starts_with("geo:")
            && uri.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match place.filter(is_place) {
        Some(place) => Some(above(&format!("A location: {place}"), body)),
        None => headed("A location", body),
    }
}

fn gallery(content: &Value, body: &str) -> Option<String> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(one_line);
    let items = content.get("itemtypes").and_then(Value::as_array);
    let names: Vec<String> = items
        .into_iter()
        .flatten()
        .filter_map(|item| text(item, "filename").or_else(|| text(item, "body")))
        .take(MOST_NAMED)
        .collect();
    if names.is_empty() {
        return headed("A gallery", body);
    }
    let heading = format!(
        "A gallery of files that were not handed over: {}",
        names.join(", ")
    );
    Some(above(&heading, body))
}

fn poll(content: &Value) -> Option<String> {
    let poll = ["m.poll", "m.poll.start", "org.matrix.msc3381.poll.start"]
        .iter()
        .find_map(|key| content.get(key))?;
    let question = text_in(poll.get("question")?)?;
    let answers = poll.get("answers").and_then(Value::as_array);
    let lines: Vec<String> = (1..)
        .zip(
            answers
                .into_iter()
                .flatten()
                .filter_map(text_in)
                .take(MOST_NAMED),
        )
        .map(|(number, answer)| format!("{number}. {}", one_line(answer)))
        .collect();
    headed(
        "A poll",
        &format!("{}\n{}", question.trim(), lines.join("\n")),
    )
}

/// The plain text of an extensible event, in its final form or in the one before.
fn text_in(value: &Value) -> Option<&str> {
    let plain = |entry: &&Value| {
        let kind = entry.get("mimetype").and_then(Value::as_str);
        kind.is_none_or(|kind| kind == "text/plain")
    };
    let newer = || {
        let entries = value.get("m.text")?.as_array()?;
        entries.iter().find(plain)?.get("body")?.as_str()
    };
    let older = || value.get("org.matrix.msc1767.text")?.as_str();
    newer()
        .or_else(older)
        .or_else(|| value.get("body")?.as_str())
}

fn one_line(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(LONGEST_NAME)
        .collect();
    line.trim().to_owned()
}
