//! `kind: openai`: a model behind the Chat Completions interface.

use std::time::Duration;

use url::Url;

use super::fields::Fields;
use crate::config::{env::Env, secret::Secret};

/// Its own keys.
pub(super) const KEYS: [&str; 11] = [
    "base_url",
    "model",
    "api_key_env",
    "api_key_file",
    "system_prompt",
    "system_prompt_file",
    "temperature",
    "max_tokens",
    "context_tokens",
    "images",
    "timeout",
];

const URL_EXPECTED: &str =
    "an http or https address without a user name, such as http://localhost:11434/v1";
const MODEL_EXPECTED: &str = "the model's name at that server, such as llama3.2";
const PROMPT_EXPECTED: &str = "what the model is told before every conversation";
const PROMPT_FILE_EXPECTED: &str = "the path of a text file with the system prompt";
const TEMPERATURE_EXPECTED: &str = "a number from 0 to 2, such as 0.7";
const MAX_TOKENS_EXPECTED: &str = "a number of tokens from 1 to 1000000";
const CONTEXT_EXPECTED: &str = "a number of tokens from 256 to 10000000";
const TIMEOUT_EXPECTED: &str = "a duration from 1s to 1h, such as 90s";

const MAX_TEMPERATURE: f64 = 2.0;
const MAX_ANSWER_TOKENS: u64 = 1_000_000;
const LEAST_CONTEXT_TOKENS: u64 = 256;
const MAX_CONTEXT_TOKENS: u64 = 10_000_000;
const DEFAULT_CONTEXT_TOKENS: u64 = 8_192;
const MAX_TIMEOUT: Duration = Duration::from_hours(1);
/// A server on a desk may load the model first.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(2);

/// How the model is reached, and what it is told and given.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenAiConfig {
    /// `base_url`: what `/chat/completions` is appended to; cut off where it was given.
    pub base_url: Url,
    /// `model`.
    pub model: String,
    /// `api_key_env` or `api_key_file`; servers at home need none.
    pub api_key: Option<Secret>,
    /// `system_prompt` or `system_prompt_file`.
    pub system_prompt: Option<String>,
    /// `temperature`; the server's default without it.
    pub temperature: Option<f64>,
    /// `max_tokens`: the longest answer; the server's default without it.
    pub max_tokens: Option<u64>,
    /// `context_tokens`: how much of a conversation is sent with a question, system prompt and question included.
    pub context_tokens: u64,
    /// `images`: whether the model looks at pictures.
    pub images: bool,
    /// `timeout`: how long the server may take to begin, and how long it may be silent after that.
    pub timeout: Duration,
}

// The temperature was read from text: it is a number, and equals itself.
impl Eq for OpenAiConfig {}

/// Takes the keys.
pub(super) fn parse(fields: &mut Fields<'_, '_>, env: &Env) -> Option<OpenAiConfig> {
    let base_url = base_url(fields);
    let model = fields.required_text("model", MODEL_EXPECTED);
    let api_key = fields.secret("api_key", env);
    let system_prompt = system_prompt(fields, env);
    let temperature = fields.fraction("temperature", MAX_TEMPERATURE, TEMPERATURE_EXPECTED);
    let max_tokens = tokens(
        fields,
        "max_tokens",
        1,
        MAX_ANSWER_TOKENS,
        MAX_TOKENS_EXPECTED,
    );
    let context_tokens = tokens(
        fields,
        "context_tokens",
        LEAST_CONTEXT_TOKENS,
        MAX_CONTEXT_TOKENS,
        CONTEXT_EXPECTED,
    );
    let images = fields.truth("images");
    let timeout = fields.duration("timeout", MAX_TIMEOUT, TIMEOUT_EXPECTED);
    Some(OpenAiConfig {
        base_url: base_url?,
        model: model?.to_owned(),
        api_key,
        system_prompt,
        temperature,
        max_tokens,
        context_tokens: context_tokens.unwrap_or(DEFAULT_CONTEXT_TOKENS),
        images: images.unwrap_or(false),
        timeout: timeout.unwrap_or(DEFAULT_TIMEOUT),
    })
}

fn base_url(fields: &mut Fields<'_, '_>) -> Option<Url> {
    let text = fields.required_text("base_url", URL_EXPECTED)?;
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if url.is_none() {
        // What stands there may hold a password.
        fields.unusable("base_url", URL_EXPECTED);
    }
    url.map(without_endpoint)
}

/// Documentation of servers often shows the whole address of the endpoint.
fn without_endpoint(mut url: Url) -> Url {
    let path = url.path().trim_end_matches('/');
    if let Some(base) = path.strip_suffix("/chat/completions") {
        let base = base.to_owned();
        url.set_path(&base);
    }
    url
}

fn system_prompt(fields: &mut Fields<'_, '_>, env: &Env) -> Option<String> {
    if let (Some(value), Some(_)) = (
        fields.value("system_prompt"),
        fields.value("system_prompt_file"),
    ) {
        fields.both_there(value, "system_prompt", "system_prompt_file");
        return None;
    }
    let inline = fields.text("system_prompt", PROMPT_EXPECTED);
    let prompt = match inline {
        Some(text) => text.to_owned(),
        None => fields.file("system_prompt_file", PROMPT_FILE_EXPECTED, env)?,
    };
    Some(prompt.trim().to_owned())
}

fn tokens(
    fields: &mut Fields<'_, '_>,
    key: &str,
    least: u64,
    most: u64,
    expected: &str,
) -> Option<u64> {
    let tokens = fields.number(key, most, expected)?;
    if tokens < least {
        let value = fields.value(key)?;
        fields.wrong(key, value, expected);
        return None;
    }
    Some(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AgentKind, agents::parse};

    const LEAST: &str = "id: gpt, kind: openai, base_url: 'http://localhost:11434/v1', model: m";

    fn read(more: &str, env: &Env) -> Result<OpenAiConfig, Vec<String>> {
        let text = format!("agents: [{{{LEAST}, {more}}}]");
        match parse::registry(&text, env) {
            Ok((_, mut agents)) => match agents.remove(0).kind {
                AgentKind::OpenAi(config) => Ok(*config),
                other => panic!("another kind: {other:?}"),
            },
            Err(findings) => Err(findings
                .into_iter()
                .map(|finding| format!("{}; expected {}", finding.found, finding.expected))
                .collect()),
        }
    }

    fn mistake(more: &str) -> String {
        let mut mistakes = read(more, &Env::default()).expect_err(more);
        assert_eq!(mistakes.len(), 1, "{mistakes:#?}");
        mistakes.remove(0)
    }

    #[test]
    fn an_address_and_a_model_are_enough() {
        let config = read("", &Env::default()).unwrap();
        assert_eq!(config.base_url.as_str(), "http://localhost:11434/v1");
        assert_eq!(config.model, "m");
        assert_eq!(config.api_key, None);
        assert_eq!(config.system_prompt, None);
        assert_eq!(config.context_tokens, DEFAULT_CONTEXT_TOKENS);
        assert!(!config.images);
    }

    #[test]
    fn all_keys_are_read_and_secrets_come_from_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("prompt.txt"), "\nBe brief.\n").unwrap();
        let env = Env::of([("MODEL_KEY", "sk-1\n")]).in_folder(folder.path());
        let more = "api_key_env: MODEL_KEY, system_prompt_file: prompt.txt, temperature: 0.5, max_tokens: 100, \
                    context_tokens: 4096, images: true, timeout: 30s";
        let config = read(more, &env).unwrap();
        assert_eq!(config.api_key.as_ref().unwrap().expose(), "sk-1");
        assert_eq!(config.system_prompt.as_deref(), Some("Be brief."));
        assert_eq!(config.temperature, Some(0.5));
        assert_eq!(
            (config.max_tokens, config.context_tokens),
            (Some(100), 4096)
        );
        assert!(config.images);
        assert_eq!(config.timeout, Duration::from_secs(30));
        assert!(!format!("{config:?}").contains("sk-1"));
    }

    #[test]
    fn a_key_in_a_file_is_read_without_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "sk-2\r\n").unwrap();
        let env = Env::default().in_folder(folder.path());
        let config = read("api_key_file: key", &env).unwrap();
        assert_eq!(config.api_key.unwrap().expose(), "sk-2");
    }

    #[test]
    fn each_mistake_is_named_with_its_line_and_key() {
        for (more, expected) in [
            (
                "api_key_env: NOT_THERE",
                "line 1: agents[0].api_key_env names the variable \"NOT_THERE\", which is not set",
            ),
            (
                "api_key_file: nowhere",
                "line 1: agents[0].api_key_file names the file \"nowhere\", which cannot be read",
            ),
            (
                "api_key_env: A, api_key_file: b",
                "line 1: agents[0].api_key_env and api_key_file are both",
            ),
            (
                "api_key: sk-1",
                "line 1: there is no key agents[0].api_key; expected one of",
            ),
            (
                "system_prompt: a, system_prompt_file: b",
                "line 1: agents[0].system_prompt and system_prompt_file",
            ),
            (
                "temperature: 3",
                "line 1: agents[0].temperature is the number 3",
            ),
            (
                "temperature: 2.5",
                "line 1: agents[0].temperature is the number 2.5",
            ),
            (
                "temperature: warm",
                "line 1: agents[0].temperature is \"warm\"",
            ),
            (
                "max_tokens: 0",
                "line 1: agents[0].max_tokens is the number 0",
            ),
            (
                "context_tokens: 100",
                "line 1: agents[0].context_tokens is the number 100",
            ),
            (
                "images: maybe",
                "line 1: agents[0].images is \"maybe\"; expected true or false",
            ),
            ("timeout: 2h", "line 1: agents[0].timeout is \"2h\""),
        ] {
            let mistake = mistake(more);
            assert!(mistake.starts_with(expected), "{more}\n{mistake}");
        }
    }

    #[test]
    fn an_address_with_the_whole_path_is_cut_to_its_base() {
        for (address, expected) in [
            ("http://x/v1/chat/completions", "http://x/v1"),
            ("http://x/v1/chat/completions/", "http://x/v1"),
            ("http://x/chat/completions", "http://x/"),
            ("http://x/v1/", "http://x/v1/"),
            ("http://x", "http://x/"),
        ] {
            let text =
                format!("agents: [{{id: a, kind: openai, model: m, base_url: '{address}'}}]");
            let (_, mut agents) = parse::registry(&text, &Env::default()).unwrap();
            let AgentKind::OpenAi(config) = agents.remove(0).kind else {
                panic!("another kind");
            };
            assert_eq!(config.base_url.as_str(), expected);
        }
    }

    #[test]
    fn an_address_that_cannot_be_used_is_not_repeated() {
        for address in [
            "ftp://x/v1",
            "localhost",
            "http://u:pw@x/v1",
            "http://x/?key=1",
        ] {
            let text =
                format!("agents: [{{id: a, kind: openai, model: m, base_url: '{address}'}}]");
            let findings = parse::registry(&text, &Env::default()).unwrap_err();
            assert_eq!(findings.len(), 1);
            assert_eq!(
                findings[0].found, "line 1: agents[0].base_url cannot be used",
                "{address}"
            );
        }
    }
}
