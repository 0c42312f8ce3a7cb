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
    /// The key, or none, is not enough.
    BadKey(String),
    /// The server has no such model.
    NoSuchModel(String),
    /// Nothing answers questions at this address.
    NoSuchEndpoint(String),
    /// It will not work until the operator changes something else.
    Misconfigured(String),
}

/// Parameters that some servers refuse, and that can be done without or called otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameter {
    /// `stream_options`.
    StreamOptions,
    /// `max_tokens`, which newer models want as `max_completion_tokens`.
    MaxTokens,
    /// `temperature`.
    Temperature,
    /// `stream`.
    Stream,
}

impl Parameter {
    /// In the order of their declaration.
    pub(super) const ALL: [Self; 4] = [
        Self::StreamOptions,
        Self::MaxTokens,
        Self::Temperature,
        Self::Stream,
    ];
}

impl Failure {
    pub(super) fn detail(&self) -> &str {
        match self {
            Self::Unavailable(detail)
            | Self::Busy { detail, .. }
            | Self::TooLong(detail)
            | Self::Unknown { detail, .. }
            | Self::BadKey(detail)
            | Self::NoSuchModel(detail)
            | Self::NoSuchEndpoint(detail)
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
            Self::Unknown { .. }
            | Self::BadKey(_)
            | Self::NoSuchModel(_)
            | Self::NoSuchEndpoint(_)
            | Self::Misconfigured(_) => Advice::TellOperator,
        }
    }
}

/// What a response with this status means.
pub(super) fn of_status(status: u16, wait: Option<Duration>, body: &str) -> Failure {
    let error = serde_json::from_str::<Value>(body).unwrap_or_default();
    let error = error.get(0).unwrap_or(&error);
    let error = error.get("error").unwrap_or(error);
    let detail = format!("{status}{}", words(status, error));
    let asks_for_less = is_too_long(error, body);
    match status {
        429 if has_code(error, &["insufficient_quota"]) => Failure::Misconfigured(detail),
        429 => Failure::Busy { wait, detail },
        401 | 403 => Failure::BadKey(detail),
        413 => Failure::TooLong(detail),
        400 | 422 | 500 if asks_for_less => Failure::TooLong(detail),
        400 | 422 => match refused_parameter(error, body) {
            Some(parameter) => Failure::Unknown { parameter, detail },
            None if message_of(error).contains("api key") => Failure::BadKey(detail),
            None if is_about_the_model(error) => Failure::NoSuchModel(detail),
            None => Failure::Misconfigured(detail),
        },
        404 | 405 if is_about_the_model(error) => Failure::NoSuchModel(detail),
        404 | 405 => Failure::NoSuchEndpoint(detail),
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
        // LM Studio says so in a response with status 200.
        None if message_of(error).contains("unexpected endpoint") => Failure::NoSuchEndpoint(
            format!("an error in a response with status 200{}", codes(error)),
        ),
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

/// Whether the model can only be asked with more room for its reasoning: its answer is cut before the first word.
pub(super) fn is_cut_at_once(status: u16, body: &str) -> bool {
    status == 400 && body.contains("model output limit was reached")
}

// Words of OpenAI, vLLM, Ollama, LiteLLM, OpenRouter, Groq, Mistral and DeepSeek.
fn is_about_the_model(error: &Value) -> bool {
    const CODES: [&str; 2] = ["model_not_found", "invalid_model"];
    const WORDS: [&str; 8] = [
        "not found",
        "not exist",
        "no such model",
        "unknown model",
        "invalid model",
        "not a valid model",
        "not available",
        "not supported",
    ];
    let message = message_of(error);
    let is_named = message.contains("model") && WORDS.iter().any(|words| message.contains(words));
    has_code(error, &CODES) || is_named || message.contains("no endpoints found")
}

fn has_code(error: &Value, codes: &[&str]) -> bool {
    ["code", "type"]
        .iter()
        .any(|key| codes.contains(&text(error, key)))
}

/// The server's own words, in small letters.
fn message_of(error: &Value) -> String {
    let message = error.as_str().unwrap_or_else(|| text(error, "message"));
    message.to_lowercase()
}

fn refused_parameter(error: &Value, body: &str) -> Option<Parameter> {
    let about = |name: &str| text(error, "param") == name || body.contains(name);
    let is_param = |name: &str| text(error, "param") == name;
    if about("stream_options") {
        Some(Parameter::StreamOptions)
    } else if about("max_completion_tokens") {
        Some(Parameter::MaxTokens)
    } else if is_param("temperature") {
        Some(Parameter::Temperature)
    } else if is_param("stream") {
        Some(Parameter::Stream)
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
mod tests;
