//! A server that answers by a script and keeps what it was asked.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Response, Uri},
    routing::{get, post},
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::cli::doctor::fixtures::serve;

/// One response.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// These chunks of a stream, which then ends.
    Stream(Vec<Vec<u8>>),
    /// The same under another media type.
    Typed(&'static str, Vec<Vec<u8>>),
    /// These chunks, and then the connection breaks.
    Cut(Vec<Vec<u8>>),
    /// These chunks, and then nothing for ever.
    Hang(Vec<Vec<u8>>),
    /// No answer at all.
    Never,
    /// A status with headers and a body.
    Status(u16, Vec<(&'static str, &'static str)>, String),
    /// The connection is closed before anything is said.
    Gone,
}

/// An answer in these pieces, ended as it should be.
pub(super) fn says(pieces: &[&str]) -> Reply {
    Reply::Stream(chunks(pieces, Some("stop"), true))
}

/// Pieces of an answer as a server sends them, with a reason to finish and `[DONE]`.
pub(super) fn chunks(pieces: &[&str], finish: Option<&str>, done: bool) -> Vec<Vec<u8>> {
    let event = |data: &Value| format!("data: {data}\n\n").into_bytes();
    let text = |text: &&str| event(&json!({"choices": [{"index": 0, "delta": {"content": text}}]}));
    let mut chunks: Vec<_> = pieces.iter().map(text).collect();
    let end = |reason| event(&json!({"choices": [{"delta": {}, "finish_reason": reason}]}));
    chunks.extend(finish.map(end));
    chunks.extend(done.then(|| b"data: [DONE]\n\n".to_vec()));
    chunks
}

/// These bytes as one chunk of a stream, whatever they are.
pub(super) fn raw(text: &str) -> Reply {
    Reply::Stream(vec![text.as_bytes().to_vec()])
}

pub(super) fn status(status: u16, body: &Value) -> Reply {
    let json = vec![("content-type", "application/json")];
    Reply::Status(status, json, body.to_string())
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) authorization: Option<String>,
    pub(super) body: Value,
}

/// The server.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) address: String,
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    replies: VecDeque<Reply>,
    asked: Vec<Asked>,
    models: u16,
    listed: Vec<&'static str>,
    /// The list of models is shown for a key alone.
    is_guarded: bool,
}

impl Peer {
    /// Answers with these, one after the other, and then with "Fine.".
    pub(super) async fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let script = Arc::new(Mutex::new(Script {
            replies: replies.into_iter().collect(),
            asked: Vec::new(),
            models: 200,
            listed: Vec::new(),
            is_guarded: false,
        }));
        let router = Router::new()
            .route("/v1/chat/completions", post(answer))
            .route("/v1/models", get(models))
            .with_state(Arc::clone(&script));
        Self {
            address: format!("http://{}/v1", serve(router).await),
            script,
        }
    }

    /// `GET /models` has this status.
    pub(super) fn lists_models_with(&self, status: u16) {
        lock(&self.script).models = status;
    }

    /// `GET /models` has these, for anybody or for a key alone.
    pub(super) fn lists(&self, models: &[&'static str], is_guarded: bool) {
        let mut script = lock(&self.script);
        script.listed = models.to_vec();
        script.is_guarded = is_guarded;
    }

    /// The address without its `/v1`.
    pub(super) fn root(&self) -> &str {
        self.address.trim_end_matches("/v1")
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        lock(&self.script).asked.clone()
    }

    /// The messages of the last request, as `role: text`.
    pub(super) fn conversation(&self) -> Vec<String> {
        let asked = self.asked();
        let messages = asked.last().unwrap().body["messages"]
            .as_array()
            .unwrap()
            .clone();
        let shown = |message: &Value| {
            let content = message["content"].as_str().unwrap_or("(parts)");
            format!("{}: {content}", message["role"].as_str().unwrap())
        };
        messages.iter().map(shown).collect()
    }
}

fn lock(script: &Mutex<Script>) -> std::sync::MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn models(State(script): State<Arc<Mutex<Script>>>, headers: HeaderMap) -> Response<Body> {
    let script = lock(&script);
    let is_refused = script.is_guarded && !headers.contains_key("authorization");
    let listed = script
        .listed
        .iter()
        .map(|name| json!({"id": name, "object": "model"}));
    let list = json!({"object": "list", "data": listed.collect::<Vec<_>>()});
    Response::builder()
        .status(if is_refused { 401 } else { script.models })
        .header("location", "/elsewhere")
        .body(Body::from(list.to_string()))
        .unwrap()
}

async fn answer(
    State(script): State<Arc<Mutex<Script>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let reply = {
        let mut script = lock(&script);
        let authorization = headers.get("authorization");
        script.asked.push(Asked {
            path: uri.path().to_owned(),
            authorization: authorization.map(|value| value.to_str().unwrap().to_owned()),
            body: serde_json::from_slice(&body).unwrap(),
        });
        script
            .replies
            .pop_front()
            .unwrap_or_else(|| says(&["Fine."]))
    };
    let mut media_type = "text/event-stream; charset=utf-8";
    let body = match reply {
        Reply::Status(status, headers, body) => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            return response.body(Body::from(body)).unwrap();
        }
        Reply::Never => std::future::pending().await,
        Reply::Gone => panic!("the connection is closed"),
        Reply::Stream(chunks) => stream::iter(chunks).map(Ok).boxed(),
        Reply::Typed(other, chunks) => {
            media_type = other;
            stream::iter(chunks).map(Ok).boxed()
        }
        Reply::Cut(chunks) => {
            let cut = stream::once(async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Err(std::io::Error::other("cut"))
            });
            stream::iter(chunks).map(Ok).chain(cut).boxed()
        }
        Reply::Hang(chunks) => stream::iter(chunks)
            .map(Ok)
            .chain(stream::pending())
            .boxed(),
    };
    Response::builder()
        .header("content-type", media_type)
        .body(Body::from_stream(body))
        .unwrap()
}
