//! The body of a response: what was meant to be an answer, piece by piece, or a failure.

use std::{fmt::Write as _, time::Duration};

use futures_util::{StreamExt, stream, stream::BoxStream};
use reqwest::{Response, header::RETRY_AFTER};
use serde_json::Value;
use tokio::time::timeout;

use super::{
    failure::{self, Failure},
    sse::{self, Broken, Event},
    wire::{Piece, pieces},
};

/// The longest answer of a server that does not stream.
const LONGEST_BODY: usize = 4 << 20;
/// White space before an answer that is waited for the answer behind it.
const LONGEST_SPACE: usize = 64 << 10;

/// The pieces of an answer as they come.
pub(super) type Pieces = BoxStream<'static, Result<Piece, Failure>>;

/// The bytes of a body as they come.
type Bytes = BoxStream<'static, Result<Vec<u8>, Broken>>;

/// The answer, told by its first character: servers label it as they like. A silence longer than `patience` ends it.
pub(super) async fn answer(response: Response, patience: Duration) -> Result<Pieces, Failure> {
    let (first, bytes) = begun(bytes(response, patience)).await?;
    match first {
        None => Err(Failure::Unavailable("an empty answer came".to_owned())),
        Some('<') => Err(Failure::NoSuchEndpoint(
            "a web page came instead of an answer".to_owned(),
        )),
        Some('{') => of_body(&whole(bytes, LONGEST_BODY).await?),
        Some(_) => Ok(streamed(bytes)),
    }
}

/// The whole body as text, if it has at most so many bytes.
pub(super) async fn text(
    response: Response,
    most: usize,
    patience: Duration,
) -> Result<String, Failure> {
    whole(bytes(response, patience), most).await
}

/// How long the server asks to wait.
pub(super) fn wait_of(response: &Response) -> Option<Duration> {
    let header = response.headers().get(RETRY_AFTER)?;
    failure::wait_of(header.to_str().ok()?)
}

/// The answer of a server that does not stream.
fn of_body(body: &str) -> Result<Pieces, Failure> {
    let mut found = pieces(body).map_err(|_| no_answer())?;
    match found.first() {
        None => return Err(no_answer()),
        Some(Piece::Error(error)) => return Err(failure::of_error(error)),
        Some(_) => found.push(Piece::Done),
    }
    Ok(stream::iter(found.into_iter().map(Ok)).boxed())
}

fn streamed(bytes: Bytes) -> Pieces {
    sse::events(bytes)
        .map(|event| match event {
            Ok(event) => understood(&event),
            Err(broken) => vec![Err(Failure::Unavailable(broken.to_string()))],
        })
        .flat_map(stream::iter)
        .boxed()
}

fn understood(event: &Event) -> Vec<Result<Piece, Failure>> {
    if event.name == "error" {
        return vec![Ok(Piece::Error(error_in(&event.data)))];
    }
    match pieces(&event.data) {
        Ok(pieces) => pieces.into_iter().map(Ok).collect(),
        Err(_) => vec![Err(no_answer())],
    }
}

/// The error in an event of that name.
fn error_in(data: &str) -> Value {
    let error: Value = serde_json::from_str(data).unwrap_or_else(|_| Value::from(data));
    match error.get("error") {
        Some(inner) if !inner.is_null() => inner.clone(),
        _ => error,
    }
}

/// The parser's own words could repeat the answer.
fn no_answer() -> Failure {
    Failure::Unavailable("what the server sent is no piece of an answer".to_owned())
}

/// The first character that is no white space, once it has come, and all the bytes.
async fn begun(mut bytes: Bytes) -> Result<(Option<char>, Bytes), Failure> {
    let mut head = Vec::new();
    let mut first = None;
    while first.is_none() && head.len() < LONGEST_SPACE {
        let Some(chunk) = bytes.next().await else {
            break;
        };
        head.extend(chunk.map_err(|broken| Failure::Unavailable(broken.to_string()))?);
        let text = String::from_utf8_lossy(&head);
        first = text
            .trim_start_matches('\u{feff}')
            .trim_start()
            .chars()
            .next();
    }
    let all = stream::once(async { Ok(head) }).chain(bytes).boxed();
    Ok((first, all))
}

/// The bytes of the body; an error where there were none for too long.
fn bytes(response: Response, patience: Duration) -> Bytes {
    let body = Some(response.bytes_stream());
    stream::unfold(body, move |body| async move {
        let mut body = body?;
        match timeout(patience, body.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(bytes))) => Some((Ok(bytes.to_vec()), Some(body))),
            Ok(Some(Err(error))) => Some((Err(Broken::Connection(described(&error))), None)),
            Err(_) => Some((Err(Broken::Connection(silent(patience))), None)),
        }
    })
    .boxed()
}

async fn whole(mut bytes: Bytes, most: usize) -> Result<String, Failure> {
    let mut whole = Vec::new();
    while let Some(chunk) = bytes.next().await {
        whole.extend(chunk.map_err(|broken| Failure::Unavailable(broken.to_string()))?);
        if whole.len() > most {
            return Err(Failure::Unavailable(format!("more than {most} bytes came")));
        }
    }
    let text = String::from_utf8_lossy(&whole);
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

pub(super) fn silent(patience: Duration) -> String {
    format!("the server said nothing for {} s", patience.as_secs())
}

/// The whole chain of causes, in one line.
pub(super) fn described(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
