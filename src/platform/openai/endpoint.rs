//! One request and its response: what was meant to be an answer, piece by piece, or a failure.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::{Stream, StreamExt, stream, stream::BoxStream};
use reqwest::{
    Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
    redirect::Policy,
};
use tokio::time::timeout;

use super::{
    failure::{self, Failure, Parameter},
    sse::{self, Broken},
    wire::{Message, Piece, Request, StreamOptions, pieces},
};
use crate::config::agents::openai::OpenAiConfig;

/// How long a connection may take to be made.
const CONNECTS_WITHIN: Duration = Duration::from_secs(10);
/// The longest answer of a server that does not stream.
const LONGEST_BODY: usize = 4 << 20;
/// The longest error that is looked at.
const LONGEST_ERROR: usize = 64 << 10;

/// The pieces of an answer as they come.
pub(super) type Pieces = BoxStream<'static, Result<Piece, Failure>>;

/// A model at its address.
pub(super) struct Endpoint {
    /// `None` where the system cannot make one.
    client: Result<reqwest::Client, String>,
    config: OpenAiConfig,
    counts_tokens: AtomicBool,
    knows_max_tokens: AtomicBool,
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
            config,
            counts_tokens: AtomicBool::new(true),
            knows_max_tokens: AtomicBool::new(true),
        }
    }

    pub(super) const fn config(&self) -> &OpenAiConfig {
        &self.config
    }

    /// Asks once.
    pub(super) async fn ask(&self, messages: &[Message]) -> Result<Pieces, Failure> {
        let config = &self.config;
        let knows_max_tokens = self.knows_max_tokens.load(Ordering::Relaxed);
        let counts_tokens = self.counts_tokens.load(Ordering::Relaxed);
        let request = Request {
            model: &config.model,
            messages,
            stream: true,
            stream_options: counts_tokens.then_some(StreamOptions {
                include_usage: true,
            }),
            temperature: config.temperature,
            max_tokens: config.max_tokens.filter(|_| knows_max_tokens),
            max_completion_tokens: config.max_tokens.filter(|_| !knows_max_tokens),
        };
        let request = self
            .request(reqwest::Method::POST, "chat/completions")?
            .json(&request);
        let response = self.response(request).await?;
        if !response.status().is_success() {
            return Err(self.refusal(response).await);
        }
        match media_type(&response).as_str() {
            "application/json" => self.whole(response).await,
            "text/html" => Err(Failure::Misconfigured(
                "a web page came instead of an answer".to_owned(),
            )),
            _ => Ok(streamed(response, config.timeout)),
        }
    }

    /// Does without a parameter from here on; `false` where that changes nothing.
    pub(super) fn do_without(&self, parameter: Parameter) -> bool {
        let flag = match parameter {
            Parameter::StreamOptions => &self.counts_tokens,
            Parameter::MaxTokens => &self.knows_max_tokens,
        };
        flag.swap(false, Ordering::Relaxed)
    }

    /// Whether the server answers and takes the key. Servers without a list of models are as good as others.
    pub(super) async fn look(&self) -> Result<(), Failure> {
        let response = self
            .response(self.request(reqwest::Method::GET, "models")?)
            .await?;
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

    fn request(
        &self,
        method: reqwest::Method,
        path: &str,
    ) -> Result<reqwest::RequestBuilder, Failure> {
        let client = self
            .client
            .as_ref()
            .map_err(|error| Failure::Misconfigured(error.clone()))?;
        let base = self.config.base_url.as_str().trim_end_matches('/');
        let request = client.request(method, format!("{base}/{path}"));
        Ok(match &self.config.api_key {
            Some(key) => request.bearer_auth(key.expose()),
            None => request,
        })
    }

    async fn response(&self, request: reqwest::RequestBuilder) -> Result<Response, Failure> {
        match timeout(self.config.timeout, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_builder() => Err(Failure::Misconfigured(described(&error))),
            Ok(Err(error)) => Err(Failure::Unavailable(described(&error))),
            Err(_) => Err(Failure::Unavailable(silent(self.config.timeout))),
        }
    }

    async fn refusal(&self, response: Response) -> Failure {
        let status = response.status().as_u16();
        let header = response.headers().get(RETRY_AFTER);
        let wait = header.and_then(|value| failure::wait_of(value.to_str().ok()?));
        let body = body(response, LONGEST_ERROR, self.config.timeout)
            .await
            .unwrap_or_default();
        failure::of_status(status, wait, &body)
    }

    /// The answer of a server that does not stream.
    async fn whole(&self, response: Response) -> Result<Pieces, Failure> {
        let body = body(response, LONGEST_BODY, self.config.timeout).await?;
        let mut found = understood(&body)?;
        found.push(Ok(Piece::Done));
        Ok(stream::iter(found).boxed())
    }
}

fn streamed(response: Response, patience: Duration) -> Pieces {
    sse::data(bytes(response, patience))
        .map(|data| match data {
            Ok(data) => understood(&data).unwrap_or_else(|failure| vec![Err(failure)]),
            Err(broken) => vec![Err(Failure::Unavailable(broken.to_string()))],
        })
        .flat_map(stream::iter)
        .boxed()
}

fn understood(data: &str) -> Result<Vec<Result<Piece, Failure>>, Failure> {
    match pieces(data) {
        Ok(pieces) => Ok(pieces.into_iter().map(Ok).collect()),
        // The parser's own words could repeat the answer.
        Err(_) => Err(Failure::Unavailable(
            "what the server sent is no piece of an answer".to_owned(),
        )),
    }
}

/// The bytes of the body; an error where there were none for too long.
fn bytes(
    response: Response,
    patience: Duration,
) -> impl Stream<Item = Result<impl AsRef<[u8]>, Broken>> + Send {
    stream::unfold(Some(response.bytes_stream()), move |body| async move {
        let mut body = body?;
        match timeout(patience, body.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(bytes))) => Some((Ok(bytes), Some(body))),
            Ok(Some(Err(error))) => Some((Err(Broken::Connection(described(&error))), None)),
            Err(_) => Some((Err(Broken::Connection(silent(patience))), None)),
        }
    })
}

async fn body(response: Response, most: usize, patience: Duration) -> Result<String, Failure> {
    let mut whole = Vec::new();
    let mut bytes = std::pin::pin!(bytes(response, patience));
    while let Some(chunk) = bytes.next().await {
        let chunk = chunk.map_err(|broken| Failure::Unavailable(broken.to_string()))?;
        whole.extend_from_slice(chunk.as_ref());
        if whole.len() > most {
            return Err(Failure::Unavailable(format!("more than {most} bytes came")));
        }
    }
    Ok(String::from_utf8_lossy(&whole).into_owned())
}

fn media_type(response: &Response) -> String {
    let header = response.headers().get(CONTENT_TYPE);
    let text = header
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    text.split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

fn silent(patience: Duration) -> String {
    format!("the server said nothing for {} s", patience.as_secs())
}

/// The whole chain of causes, in one line.
fn described(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
