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
pub(super) struct Chunk {
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default, alias = "message")]
    delta: Option<Delta>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<Value>,
    #[serde(default)]
    refusal: Option<String>,
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

/// The pieces in the data of one event, or in a whole answer. An error is text that is not this interface at all.
pub(super) fn pieces(data: &str) -> Result<Vec<Piece>, serde_json::Error> {
    if data.trim() == "[DONE]" {
        return Ok(vec![Piece::Done]);
    }
    // An object and nothing else: a list would pass for one whose fields stand in order.
    let object: serde_json::Map<String, Value> = serde_json::from_str(data)?;
    let chunk: Chunk = serde_json::from_value(Value::Object(object))?;
    let mut pieces = Vec::new();
    if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
        return Ok(vec![Piece::Error(error)]);
    }
    // There is one choice: only one was asked for.
    if let Some(choice) = chunk.choices.unwrap_or_default().into_iter().next() {
        if let Some(delta) = choice.delta {
            pieces.extend(delta.content.as_ref().and_then(text_of).map(Piece::Text));
            let refusal = delta.refusal.filter(|refusal| !refusal.is_empty());
            pieces.extend(refusal.map(Piece::Refusal));
        }
        pieces.extend(
            choice
                .finish_reason
                .as_deref()
                .map(finish)
                .map(Piece::Finish),
        );
    }
    pieces.extend(chunk.usage.map(Piece::Usage));
    Ok(pieces)
}

/// A text, or a list of parts of which some are texts.
fn text_of(content: &Value) -> Option<String> {
    let text = match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part.get("text")?.as_str())
            .collect(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
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
mod tests {
    use serde_json::json;

    use super::*;

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    #[test]
    fn events_of_many_servers_are_understood() {
        for (data, expected) in [
            (
                json!({"choices": [{"delta": {"content": "Hi"}}]}),
                vec![text("Hi")],
            ),
            (
                json!({"choices": [{"delta": {"role": "assistant", "content": ""}}]}),
                vec![],
            ),
            (
                json!({"choices": [{"delta": {"content": null}, "finish_reason": "stop"}]}),
                vec![Piece::Finish(Finish::Stop)],
            ),
            (
                json!({"choices": [{"delta": {}, "finish_reason": "length"}]}),
                vec![Piece::Finish(Finish::Length)],
            ),
            (
                json!({"choices": [{"delta": {}, "finish_reason": "content_filter"}]}),
                vec![Piece::Finish(Finish::Filter)],
            ),
            (
                json!({"choices": [{"delta": {"tool_calls": []}, "finish_reason": "tool_calls"}]}),
                vec![Piece::Finish(Finish::Stop)],
            ),
            (
                json!({"choices": [{"delta": {"refusal": "No."}}]}),
                vec![Piece::Refusal("No.".to_owned())],
            ),
            (
                json!({"choices": [{"delta": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}}]}),
                vec![text("ab")],
            ),
            (
                json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}}),
                vec![Piece::Usage(Usage {
                    prompt_tokens: 3,
                    completion_tokens: 4,
                })],
            ),
            (json!({"choices": null}), vec![]),
            (
                json!({"error": {"code": 500}}),
                vec![Piece::Error(json!({"code": 500}))],
            ),
            (
                json!({"choices": [{"message": {"content": "Whole."}, "finish_reason": "stop"}]}),
                vec![text("Whole."), Piece::Finish(Finish::Stop)],
            ),
        ] {
            assert_eq!(pieces(&data.to_string()).unwrap(), expected, "{data}");
        }
        assert_eq!(pieces(" [DONE]").unwrap(), [Piece::Done]);
    }

    #[test]
    fn what_is_not_the_interface_is_an_error() {
        for data in ["", "{", "[]", "\"text\"", "{\"choices\": 5}", "<html>"] {
            assert!(pieces(data).is_err(), "{data}");
        }
    }

    #[test]
    fn a_text_alone_is_sent_as_one() {
        let message = Message::text(Role::User, "hi");
        assert_eq!(
            serde_json::to_value(message).unwrap(),
            json!({"role": "user", "content": "hi"})
        );
        let url = "data:image/png;base64,".to_owned();
        let parts = Content::Parts(vec![Part::ImageUrl {
            image_url: ImageUrl { url },
        }]);
        let expected =
            json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}]);
        assert_eq!(serde_json::to_value(parts).unwrap(), expected);
    }
}
