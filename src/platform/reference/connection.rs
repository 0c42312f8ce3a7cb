//! One client: the requests of the protocol, each carried out beside the others.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use agent_client_protocol::{
    schema::ProtocolVersion,
    v1::schema::{
        AgentCapabilities, CancelNotification, CloseSessionRequest, CloseSessionResponse,
        ContentBlock, ContentChunk, DeleteSessionRequest, DeleteSessionResponse, Error,
        Implementation, InitializeRequest, InitializeResponse, ListSessionsRequest,
        ListSessionsResponse, LoadSessionRequest, LoadSessionResponse, NewSessionRequest,
        NewSessionResponse, PromptRequest, PromptResponse, ResumeSessionRequest,
        ResumeSessionResponse, SessionCapabilities, SessionCloseCapabilities,
        SessionDeleteCapabilities, SessionInfo, SessionListCapabilities, SessionNotification,
        SessionResumeCapabilities, SessionUpdate,
    },
};
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    Claim, ReferenceAgent,
    files::Folder,
    peer::{Gone, Message, Peer, understand},
    session::Session,
    store::iso,
    turn::Turn,
};
use crate::platform::gateway::Farewell;

/// Requests of one client that are worked on at the same time.
const AT_ONCE: usize = 64;

/// Sessions of one client that are open at the same time.
const OPEN: usize = 1000;

/// One client. Clones share what is open.
#[derive(Clone)]
pub(super) struct Connection {
    agent: ReferenceAgent,
    peer: Peer,
    open: Arc<Mutex<BTreeMap<String, Folder>>>,
}

type Work = BoxFuture<'static, Result<(), Gone>>;

impl Connection {
    pub(super) fn new(agent: ReferenceAgent, outgoing: mpsc::Sender<String>) -> Self {
        Self {
            agent,
            peer: Peer::new(outgoing),
            open: Arc::default(),
        }
    }

    /// Serves until the client is gone. What is still worked on then is dropped: nobody would hear of it.
    pub(super) async fn serve(
        self,
        mut incoming: mpsc::Receiver<String>,
        over: CancellationToken,
    ) -> Farewell {
        let mut working = FuturesUnordered::<Work>::new();
        loop {
            tokio::select! {
                () = over.cancelled() => return Farewell::client_gone(),
                Some(done) = working.next(), if !working.is_empty() => {
                    if done == Err(Gone) {
                        return Farewell::client_gone();
                    }
                }
                line = incoming.recv() => match line {
                    Some(line) => working.extend(self.take(&line, working.len())),
                    None => return Farewell::client_gone(),
                },
            }
        }
    }

    /// Begins what a line asks for. Turns are claimed here, in the order of the lines, so that a cancellation that
    /// comes right behind its prompt finds it.
    fn take(&self, line: &str, working: usize) -> Option<Work> {
        match understand(line) {
            Message::Request { id, .. } if working >= AT_ONCE => {
                Some(self.respond(id, Err(refused("too many requests at once"))))
            }
            Message::Request { id, method, params } if method == "session/prompt" => {
                Some(match self.claimed(params) {
                    Ok((request, folder, claim)) => {
                        Box::pin(self.clone().prompt(id, request, folder, claim))
                    }
                    Err(error) => self.respond(id, Err(error)),
                })
            }
            Message::Request { id, method, params } => {
                let connection = self.clone();
                Some(Box::pin(async move {
                    let outcome = connection.call(&method, params).await;
                    connection.peer.respond(id, outcome).await
                }))
            }
            Message::Notification { method, params } => {
                if method == "session/cancel" {
                    self.cancel(params);
                }
                None
            }
            Message::Response { id, outcome } => {
                self.peer.answered(id, outcome);
                None
            }
            Message::Broken(error) => error.map(|error| self.respond(Value::Null, Err(error))),
        }
    }

    fn respond(&self, id: Value, outcome: Result<Value, Error>) -> Work {
        let peer = self.peer.clone();
        Box::pin(async move { peer.respond(id, outcome).await })
    }

    async fn call(&self, method: &str, params: Value) -> Result<Value, Error> {
        match method {
            "initialize" => read::<InitializeRequest>(params).and_then(|_| written(initialized())),
            "session/new" => written(self.new_session(read(params)?).await?),
            "session/load" => written(self.load(read(params)?).await?),
            "session/resume" => written(self.resume(read(params)?).await?),
            "session/list" => written(self.list(read(params)?).await?),
            "session/close" => written(self.close(read(params)?).await),
            "session/delete" => written(self.delete(read(params)?).await?),
            _ => Err(Error::method_not_found()),
        }
    }

    async fn new_session(&self, request: NewSessionRequest) -> Result<NewSessionResponse, Error> {
        let folder = self.folder(&request.cwd)?;
        let session = self
            .agent
            .sessions
            .create(request.cwd)
            .await
            .map_err(failed)?;
        self.opened(&session.id, folder)?;
        Ok(NewSessionResponse::new(session.id))
    }

    /// Opens a session and tells everything that was said in it.
    async fn load(&self, request: LoadSessionRequest) -> Result<LoadSessionResponse, Error> {
        let session = self.reopened(&request.session_id.0, request.cwd).await?;
        for turn in session.turns {
            for (said, update) in [
                (
                    turn.asked,
                    SessionUpdate::UserMessageChunk as fn(ContentChunk) -> SessionUpdate,
                ),
                (turn.answered, SessionUpdate::AgentMessageChunk),
            ] {
                let chunk = update(ContentChunk::new(ContentBlock::from(said)));
                let told = SessionNotification::new(session.id.clone(), chunk);
                self.peer
                    .update(told)
                    .await
                    .map_err(|Gone| Error::internal_error())?;
            }
        }
        Ok(LoadSessionResponse::new())
    }

    /// Opens a session without a word.
    async fn resume(&self, request: ResumeSessionRequest) -> Result<ResumeSessionResponse, Error> {
        self.reopened(&request.session_id.0, request.cwd).await?;
        Ok(ResumeSessionResponse::new())
    }

    async fn reopened(&self, id: &str, cwd: PathBuf) -> Result<Session, Error> {
        let folder = self.folder(&cwd)?;
        self.agent.stop_and_wait(id).await;
        let unknown = || Error::session_not_found(id.to_owned());
        let mut session = self.agent.sessions.find(id).await.ok_or_else(unknown)?;
        if session.cwd != cwd {
            session.cwd = cwd;
            session = self.agent.sessions.save(session).await.map_err(failed)?;
        }
        self.opened(id, folder)?;
        Ok(session)
    }

    async fn list(&self, request: ListSessionsRequest) -> Result<ListSessionsResponse, Error> {
        let page = self.agent.sessions.list(request.cwd, request.cursor).await;
        let (sessions, next) = page.map_err(failed)?;
        let infos = sessions
            .into_iter()
            .map(|session| {
                SessionInfo::new(session.id.clone(), session.cwd.clone())
                    .title(session.title())
                    .updated_at(iso(session.updated_ms))
            })
            .collect();
        Ok(ListSessionsResponse::new(infos).next_cursor(next))
    }

    /// Stops what runs in the session. It can be loaded again.
    async fn close(&self, request: CloseSessionRequest) -> CloseSessionResponse {
        let id = &*request.session_id.0;
        if self.open().remove(id).is_some() {
            self.agent.stop_and_wait(id).await;
        }
        CloseSessionResponse::new()
    }

    async fn delete(&self, request: DeleteSessionRequest) -> Result<DeleteSessionResponse, Error> {
        let id = &*request.session_id.0;
        self.open().remove(id);
        self.agent.stop_and_wait(id).await;
        self.agent.sessions.remove(id).await.map_err(failed)?;
        Ok(DeleteSessionResponse::new())
    }

    fn cancel(&self, params: Value) {
        if let Ok(request) = read::<CancelNotification>(params)
            && self.open().contains_key(&*request.session_id.0)
        {
            self.agent.stop(&request.session_id.0);
        }
    }

    /// What a prompt needs to begin: its session is open here, and no other turn of it is made.
    fn claimed(&self, params: Value) -> Result<(PromptRequest, Folder, Claim), Error> {
        let request: PromptRequest = read(params)?;
        let id = &*request.session_id.0;
        let folder = self.open().get(id).cloned();
        let folder = folder.ok_or_else(|| Error::session_not_found(id.to_owned()))?;
        let claim = self.agent.claim(id);
        let claim = claim.ok_or_else(|| refused("a turn of this session is being made"))?;
        Ok((request, folder, claim))
    }

    async fn prompt(
        self,
        id: Value,
        request: PromptRequest,
        folder: Folder,
        claim: Claim,
    ) -> Result<(), Gone> {
        let Some(session) = self.agent.sessions.find(&request.session_id.0).await else {
            let unknown = Error::session_not_found(request.session_id);
            return self.peer.respond(id, Err(unknown)).await;
        };
        let mut turn = Turn::new(
            self.peer.clone(),
            folder,
            session,
            self.agent.pace,
            &request.prompt,
        );
        let reason = turn.make(&claim.turn.stop).await?;
        let saved = self.agent.sessions.save(turn.into_session()).await;
        // Given back before the client knows that the turn is over: its next prompt may follow at once.
        drop(claim);
        let outcome = match saved {
            Ok(_) => written(PromptResponse::new(reason)),
            Err(error) => Err(failed(error)),
        };
        self.peer.respond(id, outcome).await
    }

    fn folder(&self, cwd: &Path) -> Result<Folder, Error> {
        let workspace = &self.agent.workspace;
        workspace.folder(cwd).ok_or_else(|| {
            refused(format!(
                "cwd must be an absolute path in {}",
                workspace.name().display()
            ))
        })
    }

    fn opened(&self, id: &str, folder: Folder) -> Result<(), Error> {
        let mut open = self.open();
        if open.len() >= OPEN && !open.contains_key(id) {
            return Err(refused("too many open sessions"));
        }
        open.insert(id.to_owned(), folder);
        Ok(())
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<String, Folder>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn initialized() -> InitializeResponse {
    let sessions = SessionCapabilities::new()
        .list(SessionListCapabilities::new())
        .delete(SessionDeleteCapabilities::new())
        .resume(SessionResumeCapabilities::new())
        .close(SessionCloseCapabilities::new());
    // Text and links to files are what every agent takes; this one takes no more.
    let capabilities = AgentCapabilities::new()
        .load_session(true)
        .session_capabilities(sessions);
    let name = Implementation::new("surfaces-reference-agent", env!("CARGO_PKG_VERSION"))
        .title("Reference agent".to_owned());
    InitializeResponse::new(ProtocolVersion::V1)
        .agent_capabilities(capabilities)
        .agent_info(name)
}

fn read<T: DeserializeOwned>(params: Value) -> Result<T, Error> {
    serde_json::from_value(params)
        .map_err(|error| Error::invalid_params().data(Value::from(error.to_string())))
}

fn written(result: impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(result).map_err(|_| Error::internal_error())
}

fn refused(why: impl Into<String>) -> Error {
    Error::invalid_params().data(Value::from(why.into()))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "this is what map_err hands over"
)]
fn failed(error: std::io::Error) -> Error {
    warn!(error = %error, "a session cannot be read or written: {error}");
    Error::internal_error().data(Value::from("the session cannot be read or written"))
}
