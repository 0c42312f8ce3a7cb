//! What can go wrong with a request, sorted by what to do next. Pure.

use std::{fmt::Write as _, time::Duration};

use serde_json::Value;

use crate::platform::Advice;

/// Longest piece of a server's own words in a log line.
const LONGEST_WORDS: usize = 200;

/// A request came to nothing, or an answer was cut off. The texts are for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// No usable answer: network, timeout, a 5xx. The same request may work in a moment.
    Unavailable(String),
    /// Too many requests.
    Busy {
        /// How long the server asks to wait.
        wait: Option<Duration>,
        detail: String,
    },
    /// The conversation does not fit into the model.
    TooLong(String),
    /// The server does not know a parameter of this name.
    Unknown {
        parameter: Parameter,
        detail: String,
    },
    /// It will not work until the operator changes something.
    Misconfigured(String),
}

/// Parameters that some servers refuse, and that can be done without or called otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameter {
    /// `stream_options`.
    StreamOptions,
    /// `max_tokens`, which newer models want as `max_completion_tokens`.
    MaxTokens,
}

impl Failure {
    pub(super) fn detail(&self) -> &str {
        match self {
            Self::Unavailable(detail)
            | Self::Busy { detail, .. }
            | Self::TooLong(detail)
            | Self::Unknown { detail, .. }
            | Self::Misconfigured(detail) => detail,
        }
    }

    pub(super) const fn advice(&self) -> Advice {
        match self {
            Self::Unavailable(_) | Self::Busy { wait: None, .. } => Advice::TryAgain,
            Self::Busy {
                wait: Some(wait), ..
            } => Advice::TryAgainIn(*wait),
            Self::TooLong(_) => Advice::BeginAnew,
            Self::Unknown { .. } | Self::Misconfigured(_) => Advice::TellOperator,
        }
    }
}

/// What a response with this status means.
pub(super) fn of_status(status: u16, wait: Option<Duration>, body: &str) -> Failure {
    let error = serde_json::from_str::<Value>(body).unwrap_or_default();
    let error = error.get("error").unwrap_or(&error);
    let detail = format!("{status}{}", words(status, error));
    let asks_for_less = is_too_long(error, body);
    match status {
        429 => Failure::Busy { wait, detail },
        413 => Failure::TooLong(detail),
        400 | 422 | 500 if asks_for_less => Failure::TooLong(detail),
        400 | 422 => match refused_parameter(error, body) {
            Some(parameter) => Failure::Unknown { parameter, detail },
            None => Failure::Misconfigured(detail),
        },
        408 | 425 | 500.. => Failure::Unavailable(detail),
        _ => Failure::Misconfigured(detail),
    }
}

/// What an error inside a stream means.
pub(super) fn of_error(error: &Value) -> Failure {
    let status = ["code", "status", "status_code"]
        .iter()
        .find_map(|key| number(error.get(key)?))
        .and_then(|status| u16::try_from(status).ok())
        .filter(|status| (400..600).contains(status));
    let body = error.to_string();
    match status {
        Some(status) => of_status(status, None, &body),
        None if is_too_long(error, &body) => Failure::TooLong(codes(error)),
        None if text(error, "type").contains("rate_limit")
            || text(error, "code").contains("rate_limit") =>
        {
            Failure::Busy {
                wait: None,
                detail: codes(error),
            }
        }
        None => Failure::Unavailable(format!("an error inside the answer{}", codes(error))),
    }
}

/// `Retry-After` in seconds. Dates are not worth the trouble: nobody sends them here.
pub(super) fn wait_of(retry_after: &str) -> Option<Duration> {
    let seconds: f64 = retry_after.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds.ceil()).ok()
}

// Names of errors and words for "too long" of OpenAI, vLLM, llama.cpp, LiteLLM, Ollama, Anthropic and Mistral gateways.
fn is_too_long(error: &Value, body: &str) -> bool {
    const CODES: [&str; 4] = [
        "context_length_exceeded",
        "exceed_context_size_error",
        "contextwindowexceedederror",
        "string_above_max_length",
    ];
    const WORDS: [&str; 8] = [
        "maximum context length",
        "context length exceeded",
        "context window",
        "context size",
        "prompt is too long",
        "input is too long",
        "too many tokens",
        "exceeds the model's context",
    ];
    let of = |key| text(error, key).to_lowercase();
    let (code, kind) = (of("code"), of("type"));
    let message = if error.is_string() || !error.is_object() {
        body.to_lowercase()
    } else {
        of("message")
    };
    CODES
        .iter()
        .any(|name| code.contains(name) || kind.contains(name) || message.contains(name))
        || WORDS.iter().any(|words| message.contains(words))
}

fn refused_parameter(error: &Value, body: &str) -> Option<Parameter> {
    let about = |name: &str| text(error, "param") == name || body.contains(name);
    if about("stream_options") {
        Some(Parameter::StreamOptions)
    } else if about("max_completion_tokens") {
        Some(Parameter::MaxTokens)
    } else {
        None
    }
}

/// The server's codes; and its words where they are about the operator's settings. Words about the request could repeat
/// what a person wrote.
fn words(status: u16, error: &Value) -> String {
    let codes = codes(error);
    if !matches!(status, 401 | 403 | 404 | 429) {
        return codes;
    }
    let message = error.as_str().unwrap_or_else(|| text(error, "message"));
    let message: String = message
        .chars()
        .filter(|character| !character.is_control())
        .take(LONGEST_WORDS)
        .collect();
    if message.is_empty() {
        return codes;
    }
    format!("{codes}: {message}")
}

fn codes(error: &Value) -> String {
    let mut codes = String::new();
    for key in ["type", "code", "param"] {
        let value = match error.get(key) {
            Some(Value::String(text)) => text.chars().take(80).collect(),
            Some(Value::Number(number)) => number.to_string(),
            _ => continue,
        };
        let _ = write!(codes, " {key}={value:?}");
    }
    codes
}

fn text<'a>(error: &'a Value, key: &str) -> &'a str {
    error.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(status: u16, body: &Value) -> Failure {
        of_status(status, None, &body.to_string())
    }

    #[test]
    fn each_status_has_its_own_outcome() {
        let body = json!({"error": {"message": "words", "type": "t", "code": "c"}});
        for (code, expected) in [
            (400, Advice::TellOperator),
            (401, Advice::TellOperator),
            (403, Advice::TellOperator),
            (404, Advice::TellOperator),
            (302, Advice::TellOperator),
            (413, Advice::BeginAnew),
            (429, Advice::TryAgain),
            (408, Advice::TryAgain),
            (500, Advice::TryAgain),
            (503, Advice::TryAgain),
            (529, Advice::TryAgain),
        ] {
            assert_eq!(status(code, &body).advice(), expected, "{code}");
        }
    }

    #[test]
    fn an_overflow_is_known_by_many_names() {
        for (code, body) in [
            (
                400,
                json!({"error": {"code": "context_length_exceeded", "message": "x"}}),
            ),
            (
                400,
                json!({"error": {"code": 400, "type": "exceed_context_size_error", "message": "the request exceeds the available context size"}}),
            ),
            (
                400,
                json!({"object": "error", "message": "This model's maximum context length is 4096 tokens."}),
            ),
            (
                400,
                json!({"error": {"message": "litellm.ContextWindowExceededError: prompt"}}),
            ),
            (
                400,
                json!({"error": {"message": "prompt is too long: 200001 tokens > 200000 maximum"}}),
            ),
            (
                500,
                json!({"error": "input is too long for the context size"}),
            ),
            (422, json!({"message": "too many tokens"})),
        ] {
            assert_eq!(status(code, &body).advice(), Advice::BeginAnew, "{body}");
        }
    }

    #[test]
    fn a_refused_parameter_is_named() {
        for (body, expected) in [
            (
                json!({"error": {"param": "stream_options", "message": "Unrecognized"}}),
                Parameter::StreamOptions,
            ),
            (
                json!({"detail": [{"loc": ["body", "stream_options"], "msg": "extra"}]}),
                Parameter::StreamOptions,
            ),
            (
                json!({"error": {"param": "max_tokens", "message": "Use 'max_completion_tokens' instead."}}),
                Parameter::MaxTokens,
            ),
        ] {
            let failure = status(400, &body);
            assert!(
                matches!(failure, Failure::Unknown { parameter, .. } if parameter == expected),
                "{failure:?}"
            );
        }
    }

    #[test]
    fn words_about_a_request_are_not_logged_and_words_about_settings_are() {
        let body =
            json!({"error": {"message": "said by a person", "type": "invalid_request_error"}});
        assert_eq!(
            status(400, &body).detail(),
            "400 type=\"invalid_request_error\""
        );
        assert_eq!(
            status(500, &body).detail(),
            "500 type=\"invalid_request_error\""
        );
        let body = json!({"error": {"message": "no model\nx", "code": "model_not_found"}});
        assert_eq!(
            status(404, &body).detail(),
            "404 code=\"model_not_found\": no modelx"
        );
        assert_eq!(of_status(502, None, "<html>secret</html>").detail(), "502");
    }

    #[test]
    fn an_error_inside_a_stream_is_sorted_by_its_codes() {
        for (error, expected) in [
            (json!({"code": 429, "message": "slow"}), Advice::TryAgain),
            (json!({"code": "401"}), Advice::TellOperator),
            (json!({"type": "rate_limit_error"}), Advice::TryAgain),
            (
                json!({"code": "context_length_exceeded"}),
                Advice::BeginAnew,
            ),
            (json!("overloaded"), Advice::TryAgain),
            (json!({"message": "?"}), Advice::TryAgain),
        ] {
            assert_eq!(of_error(&error).advice(), expected, "{error}");
        }
    }

    #[test]
    fn the_time_to_wait_is_read_in_seconds() {
        for (header, expected) in [
            ("7", Some(7)),
            ("0.2", Some(1)),
            (" 60 ", Some(60)),
            ("-1", None),
            ("soon", None),
            ("1e99", None),
        ] {
            assert_eq!(
                wait_of(header),
                expected.map(Duration::from_secs),
                "{header}"
            );
        }
    }
}
