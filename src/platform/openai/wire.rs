//! The Chat Completions interface as JSON: what is sent, and what servers that call themselves compatible send back.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `POST /chat/completions`.
#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    pub(super) model: &'a str,
    pub(super) messages: &'a [Message],
    pub(super) stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_completion_tokens: Option<u64>,
}

/// Asks for the number of tokens at the end of a stream.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct StreamOptions {
    pub(super) include_usage: bool,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Message {
    pub(super) role: Role,
    pub(super) content: Content,
}

impl Message {
    pub(super) fn text(role: Role, text: impl Into<String>) -> Self {
        let content = Content::Text(text.into());
        Self { role, content }
    }
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    System,
    User,
    Assistant,
}

/// What is said. A text alone is sent as one: not every server knows parts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Part>),
}

/// A text or a picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part {
    Text { text: String },
    ImageUrl { image_url: ImageUrl },
}

/// A picture as a `data:` address.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct ImageUrl {
    pub(super) url: String,
}

/// One event of a stream, or a whole answer: choices hold a `delta` in the one and a `message` in the other.
#[derive(Debug, Default, Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Option<Delta>,
    #[serde(default)]
    message: Option<Delta>,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<Value>,
    #[serde(default)]
    refusal: Option<String>,
    /// Reasoning, as servers call it that keep it apart.
    #[serde(default)]
    reasoning_content: Option<Value>,
    #[serde(default)]
    reasoning: Option<Value>,
}

/// What the server counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Usage {
    #[serde(default)]
    pub(super) prompt_tokens: u64,
    #[serde(default)]
    pub(super) completion_tokens: u64,
}

/// What one event says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    /// More of the answer.
    Text(String),
    /// The answer as a whole, which some servers send once more at the end of a stream.
    Whole(String),
    /// Reasoning came beside the answer.
    Reasoning,
    /// The model says why it does not answer.
    Refusal(String),
    /// The answer is over.
    Finish(Finish),
    /// The tokens it took.
    Usage(Usage),
    /// Something failed on the server; its own words and codes.
    Error(Value),
    /// `[DONE]`.
    Done,
}

/// Why an answer is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    /// It is whole.
    Stop,
    /// `max_tokens`, or the end of the model's window.
    Length,
    /// The server's filter.
    Filter,
}

/// The pieces in the data of one event, or in a whole answer. A comment, even one that was sent as data, holds none. An
/// error is text that is not this interface at all.
pub(super) fn pieces(data: &str) -> Result<Vec<Piece>, serde_json::Error> {
    let mut pieces = Vec::new();
    let mut rest = data.trim_start();
    // One object as a rule; of servers that do not separate their events, several.
    while !rest.is_empty() {
        let read = if rest.starts_with(':') {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("data:") {
            "data:".len()
        } else if rest.starts_with("[DONE]") {
            pieces.push(Piece::Done);
            "[DONE]".len()
        } else {
            // An object and nothing else: a list would pass for one whose fields stand in order.
            let mut objects = serde_json::Deserializer::from_str(rest).into_iter();
            let object: serde_json::Map<String, Value> =
                objects.next().transpose()?.unwrap_or_default();
            pieces.extend(of_object(object)?);
            objects.byte_offset()
        };
        rest = rest[read..].trim_start();
    }
    Ok(pieces)
}

fn of_object(object: serde_json::Map<String, Value>) -> Result<Vec<Piece>, serde_json::Error> {
    if let Some(error) = bare_error(&object) {
        return Ok(vec![Piece::Error(error)]);
    }
    let chunk: Chunk = serde_json::from_value(Value::Object(object))?;
    let mut pieces = Vec::new();
    let mut error = chunk.error;
    // There is one choice: only one was asked for.
    if let Some(choice) = chunk.choices.unwrap_or_default().into_iter().next() {
        let is_whole = choice.delta.is_none();
        if let Some(delta) = choice.delta.or(choice.message) {
            let reasoning = [delta.reasoning_content, delta.reasoning];
            let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
            pieces.extend(
                reasoning
                    .iter()
                    .flatten()
                    .any(is_text)
                    .then_some(Piece::Reasoning),
            );
            let text = delta.content.as_ref().and_then(text_of);
            pieces.extend(text.map(if is_whole { Piece::Whole } else { Piece::Text }));
            let refusal = delta.refusal.filter(|refusal| !refusal.is_empty());
            pieces.extend(refusal.map(Piece::Refusal));
        }
        error = error.or(choice.error);
        match choice.finish_reason.as_deref() {
            Some("error") => error = error.or_else(|| Some(Value::from("finish_reason"))),
            Some(reason) => pieces.push(Piece::Finish(finish(reason))),
            None => {}
        }
    }
    pieces.extend(chunk.usage.map(Piece::Usage));
    if let Some(error) = error.filter(is_error) {
        pieces.retain(|piece| !matches!(piece, Piece::Finish(_)));
        pieces.push(Piece::Error(error));
    }
    Ok(pieces)
}

/// An error that stands where an event should be, without `error` around it.
fn bare_error(object: &serde_json::Map<String, Value>) -> Option<Value> {
    const KEYS: [&str; 6] = [
        "message",
        "detail",
        "msg",
        "error_code",
        "error_message",
        "errors",
    ];
    let is_answer = ["choices", "error", "usage"]
        .iter()
        .any(|key| object.contains_key(*key));
    let is_error = object.get("object").is_some_and(|kind| kind == "error")
        || KEYS
            .iter()
            .any(|key| object.get(*key).is_some_and(is_error));
    (is_error && !is_answer).then(|| Value::Object(object.clone()))
}

/// Some servers send the field with nothing in it.
fn is_error(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

/// A text, or a list of parts of which some are texts.
fn text_of(content: &Value) -> Option<String> {
    let text = match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter(|part| !is_reasoning(part))
            .filter_map(|part| part.get("text")?.as_str())
            .collect(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

fn is_reasoning(part: &Value) -> bool {
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    ["reasoning", "thinking", "thought"].contains(&kind)
}

fn finish(reason: &str) -> Finish {
    match reason {
        "length" | "max_tokens" => Finish::Length,
        "content_filter" => Finish::Filter,
        // No tools are offered, so a call of one is no more than an end.
        _ => Finish::Stop,
    }
}

#[cfg(test)]
mod tests;
