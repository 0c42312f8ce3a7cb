//! The requests that a server is sent, and where.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use reqwest::{Method, RequestBuilder, Response, StatusCode, redirect::Policy};
use tokio::time::timeout;

use super::{
    failure::{self, Failure, Parameter},
    habits::Habits,
    response::{self, Pieces, described, silent},
    wire::{Finish, Message, Piece, Request, StreamOptions},
};
use crate::config::{Secret, agents::openai::OpenAiConfig};

/// How long a connection may take to be made.
const CONNECTS_WITHIN: Duration = Duration::from_secs(10);
/// The longest error that is looked at.
const LONGEST_ERROR: usize = 64 << 10;

/// A model at its address.
pub(super) struct Endpoint {
    /// An error where the system cannot make one.
    client: Result<reqwest::Client, String>,
    config: OpenAiConfig,
    pub(super) habits: Habits,
}

impl Endpoint {
    pub(super) fn new(config: OpenAiConfig) -> Self {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECTS_WITHIN)
            // The key is for this server and no other.
            .redirect(Policy::none())
            .build()
            .map_err(|error| described(&error));
        Self {
            client,
            habits: Habits::of(&config.model),
            config,
        }
    }

    pub(super) const fn config(&self) -> &OpenAiConfig {
        &self.config
    }

    /// Asks once.
    pub(super) async fn ask(&self, messages: &[Message]) -> Result<Pieces, Failure> {
        self.ask_for(messages, self.config.max_tokens).await
    }

    /// Asks once for so many tokens at most. Where nothing answers at the configured address, it is tried with `/v1`,
    /// which is easily forgotten.
    pub(super) async fn ask_for(
        &self,
        messages: &[Message],
        max_tokens: Option<u64>,
    ) -> Result<Pieces, Failure> {
        let asked = self.ask_at(&self.base(), messages, max_tokens).await;
        if !matches!(asked, Err(Failure::NoSuchEndpoint(_))) || self.has_version() {
            return asked;
        }
        let below = format!("{}/v1", self.base());
        let again = self.ask_at(&below, messages, max_tokens).await;
        if let Err(Failure::NoSuchEndpoint(_) | Failure::Unavailable(_)) = again {
            return asked;
        }
        tracing::info!(
            base_url = below,
            "Chat Completions are found below /v1 of base_url"
        );
        self.habits.found_under_v1();
        again
    }

    async fn ask_at(
        &self,
        base: &str,
        messages: &[Message],
        max_tokens: Option<u64>,
    ) -> Result<Pieces, Failure> {
        let takes = |parameter| self.habits.takes(parameter);
        let streams = takes(Parameter::Stream);
        let counts = streams && takes(Parameter::StreamOptions);
        let request = Request {
            model: &self.config.model,
            messages,
            stream: streams,
            stream_options: counts.then_some(StreamOptions {
                include_usage: true,
            }),
            temperature: self
                .config
                .temperature
                .filter(|_| takes(Parameter::Temperature)),
            max_tokens: max_tokens.filter(|_| takes(Parameter::MaxTokens)),
            max_completion_tokens: max_tokens.filter(|_| !takes(Parameter::MaxTokens)),
        };
        let post = self.anonymous(Method::POST, &format!("{base}/chat/completions"))?;
        let response = self.response(self.with_key(post).json(&request)).await?;
        let status = response.status().as_u16();
        if response.status().is_success() {
            return response::answer(response, self.config.timeout).await;
        }
        let wait = response::wait_of(&response);
        let body = self.body(response, LONGEST_ERROR).await.unwrap_or_default();
        if failure::is_cut_at_once(status, &body) {
            let cut = [Piece::Finish(Finish::Length), Piece::Done];
            return Ok(stream::iter(cut.map(Ok)).boxed());
        }
        Err(failure::of_status(status, wait, &body))
    }

    /// Does without a parameter from here on; `false` where that changes nothing.
    pub(super) fn do_without(&self, parameter: Parameter) -> bool {
        self.habits.do_without(parameter)
    }

    /// Where questions go, for operators.
    pub(super) fn address(&self) -> String {
        format!("{}/chat/completions", self.base())
    }

    /// The text without the key: some servers repeat the one that they refuse.
    pub(super) fn without_key(&self, text: &str) -> String {
        match self.config.api_key.as_ref().map(Secret::expose) {
            Some(key) => text.replace(key, "[secret]"),
            None => text.to_owned(),
        }
    }

    /// Whether the server answers and takes the key. Servers without a list of models are as good as others.
    pub(super) async fn look(&self) -> Result<(), Failure> {
        let response = self.response(self.request(Method::GET, "models")?).await?;
        let status = response.status();
        match status {
            // LiteLLM refuses a key with 400 where it has no database of keys.
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(self.refusal(response).await)
            }
            _ if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED => {
                Err(self.refusal(response).await)
            }
            _ if status.is_redirection() => Err(Failure::Misconfigured(format!(
                "{status}: the server is elsewhere; base_url must lead to it directly"
            ))),
            _ => Ok(()),
        }
    }

    pub(super) fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, Failure> {
        Ok(self.with_key(self.anonymous_request(method, path)?))
    }

    /// A request without the key.
    pub(super) fn anonymous_request(
        &self,
        method: Method,
        path: &str,
    ) -> Result<RequestBuilder, Failure> {
        self.anonymous(method, &format!("{}/{path}", self.base()))
    }

    fn anonymous(&self, method: Method, address: &str) -> Result<RequestBuilder, Failure> {
        match &self.client {
            Ok(client) => Ok(client.request(method, address)),
            Err(error) => Err(Failure::Misconfigured(error.clone())),
        }
    }

    fn with_key(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.config.api_key {
            Some(key) => request.bearer_auth(key.expose()),
            None => request,
        }
    }

    /// Without a slash at its end.
    fn base(&self) -> String {
        let base = self.config.base_url.as_str().trim_end_matches('/');
        let version = if self.habits.is_under_v1() { "/v1" } else { "" };
        format!("{base}{version}")
    }

    /// Whether the address ends in a version, such as `/v1` or `/v1beta`.
    fn has_version(&self) -> bool {
        let base = self.base();
        let last = base.rsplit('/').next().unwrap_or_default();
        let number = last.strip_prefix('v').unwrap_or_default();
        number.starts_with(|digit: char| digit.is_ascii_digit())
    }

    pub(super) async fn response(&self, request: RequestBuilder) -> Result<Response, Failure> {
        match timeout(self.config.timeout, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_builder() => Err(Failure::Misconfigured(described(&error))),
            Ok(Err(error)) => Err(Failure::Unavailable(described(&error))),
            Err(_) => Err(Failure::Unavailable(silent(self.config.timeout))),
        }
    }

    async fn refusal(&self, response: Response) -> Failure {
        let (status, wait) = (response.status().as_u16(), response::wait_of(&response));
        let body = self.body(response, LONGEST_ERROR).await.unwrap_or_default();
        failure::of_status(status, wait, &body)
    }

    /// The whole body as text.
    pub(super) async fn body(&self, response: Response, most: usize) -> Result<String, Failure> {
        response::text(response, most, self.config.timeout).await
    }
}
