//! Whom an agent means: its messages find the session they are for, or nobody.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use agent_client_protocol::{
    Error, UntypedMessage,
    v1::{
        Dispatch, Responder,
        schema::{
            MessageId, RequestPermissionOutcome, RequestPermissionRequest,
            RequestPermissionResponse, SessionId, SessionNotification, SessionUpdate,
        },
    },
};
use serde::Deserialize;
use serde_json::Value;
use tokio::{sync::Notify, time::Instant};

use super::{
    gate::Gate,
    mailbox::{Mailbox, Reply},
};

/// One session of this connection.
pub(super) struct Session {
    pub(super) id: SessionId,
    /// Where the agent works in it, relative to the workspace.
    pub(super) folder: String,
    /// Held while a prompt is answered: one at a time.
    pub(super) floor: Arc<tokio::sync::Mutex<()>>,
    turn: Mutex<Option<Arc<Mailbox>>>,
    tokens: Mutex<Option<u64>>,
    messages: Mutex<Messages>,
    /// When the agent last said something in it.
    heard_at: Mutex<Option<Instant>>,
    heard: Notify,
    /// It was opened again after a turn that did not end, and no turn has ended in it since.
    is_doubtful: AtomicBool,
}

/// The latest message of the running turn, and that of the turn before.
#[derive(Default)]
struct Messages {
    current: Option<MessageId>,
    former: Option<MessageId>,
}

impl Session {
    pub(super) fn new(id: SessionId, folder: String) -> Self {
        Self {
            id,
            folder,
            floor: Arc::default(),
            turn: Mutex::default(),
            tokens: Mutex::default(),
            messages: Mutex::default(),
            heard_at: Mutex::default(),
            heard: Notify::new(),
            is_doubtful: AtomicBool::default(),
        }
    }

    /// What is said from now on is this turn's.
    pub(super) fn begin(&self, turn: Arc<Mailbox>) {
        let mut messages = lock(&self.messages);
        if let Some(message) = messages.current.take() {
            messages.former = Some(message);
        }
        *lock(&self.turn) = Some(turn);
    }

    /// Whether the update belongs to a message of the turn before, and comes too late.
    fn is_late(&self, update: &SessionUpdate) -> bool {
        let SessionUpdate::AgentMessageChunk(chunk) = update else {
            return false;
        };
        let Some(message) = &chunk.message_id else {
            return false;
        };
        let mut messages = lock(&self.messages);
        if messages.former.as_ref() == Some(message) {
            return true;
        }
        messages.current = Some(message.clone());
        false
    }

    fn note_heard(&self) {
        *lock(&self.heard_at) = Some(Instant::now());
        self.heard.notify_one();
    }

    /// Resolves when the agent says something in this session. For one listener.
    pub(super) async fn heard(&self) {
        self.heard.notified().await;
    }

    /// Whether the agent said something in this session within this time.
    pub(super) fn was_heard_within(&self, time: Duration) -> bool {
        lock(&self.heard_at).is_some_and(|heard| heard.elapsed() < time)
    }

    /// Whether a second turn that does not end shows that the session cannot be used any more.
    pub(super) fn is_doubtful(&self) -> bool {
        self.is_doubtful.load(Ordering::Relaxed)
    }

    /// Remembers whether the session has yet to show that its turns end.
    pub(super) fn set_doubtful(&self, is_doubtful: bool) {
        self.is_doubtful.store(is_doubtful, Ordering::Relaxed);
    }

    /// What is said from now on is nobody's, unless another turn has begun.
    pub(super) fn finish(&self, turn: &Arc<Mailbox>) {
        let mut current = lock(&self.turn);
        if current
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, turn))
        {
            *current = None;
        }
    }

    /// Tokens in use, as far as the agent told.
    pub(super) fn tokens(&self) -> Option<u64> {
        *lock(&self.tokens)
    }
}

/// All sessions of one connection.
pub(super) struct Hearing {
    gate: Arc<Gate>,
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    replays: AtomicUsize,
    questions: AtomicU64,
    /// Makes the names of questions differ between connections.
    name: String,
}

impl Hearing {
    pub(super) fn new(gate: Arc<Gate>) -> Self {
        Self {
            gate,
            sessions: Mutex::default(),
            replays: AtomicUsize::default(),
            questions: AtomicU64::default(),
            name: uuid::Uuid::new_v4().simple().to_string(),
        }
    }

    /// From now on the session is known. `false` where it already was: no two chats share one.
    pub(super) fn add(&self, session: &Arc<Session>) -> bool {
        let mut sessions = lock(&self.sessions);
        let id = session.id.0.to_string();
        if sessions.contains_key(&id) {
            return false;
        }
        sessions.insert(id, Arc::clone(session));
        true
    }

    /// The session is no longer known.
    pub(super) fn remove(&self, id: &SessionId) {
        lock(&self.sessions).remove(&*id.0);
    }

    /// The session with this id.
    pub(super) fn session(&self, id: &str) -> Option<Arc<Session>> {
        lock(&self.sessions).get(id).cloned()
    }

    /// While the value lives, what nobody waits for is a replay and no offence.
    pub(super) fn replay(&self) -> Replay<'_> {
        self.replays.fetch_add(1, Ordering::Relaxed);
        Replay(&self.replays)
    }

    /// Takes one message of the agent; never waits.
    pub(super) fn take(
        &self,
        message: Dispatch<UntypedMessage, UntypedMessage>,
    ) -> Result<(), Error> {
        match message {
            Dispatch::Response(result, router) => router.route_with_result(result),
            Dispatch::Notification(message) => {
                if message.method == "session/update" {
                    self.update(&message.params);
                }
                Ok(())
            }
            Dispatch::Request(message, responder) => {
                if message.method == "session/request_permission" {
                    return self.permission(message.params, responder);
                }
                // Files and terminals were not offered.
                responder.respond_with_error(Error::method_not_found())
            }
        }
    }

    fn update(&self, params: &Value) {
        let Ok(SessionNotification {
            session_id, update, ..
        }) = SessionNotification::deserialize(params)
        else {
            return self.unknown(params);
        };
        let session = self.session(&session_id.0);
        if let Some(session) = &session {
            if let SessionUpdate::UsageUpdate(usage) = &update {
                *lock(&session.tokens) = Some(usage.used);
                return;
            }
            if session.is_late(&update) {
                return;
            }
            session.note_heard();
        }
        let turn = session.and_then(|session| lock(&session.turn).clone());
        match turn {
            Some(turn) => turn.hear(update),
            None if is_speech(&update) && self.replays.load(Ordering::Relaxed) == 0 => {
                self.gate.stray();
            }
            None => {}
        }
    }

    /// Kinds of updates that this version does not know are as good as none, but for a piece of an answer.
    fn unknown(&self, params: &Value) {
        let kind = &params["update"]["sessionUpdate"];
        let session = params["sessionId"]
            .as_str()
            .filter(|_| kind == "agent_message_chunk");
        let session = session.and_then(|id| self.session(id));
        if let Some(session) = session
            && let Some(turn) = &*lock(&session.turn)
        {
            session.note_heard();
            turn.hear_unknown();
        }
    }

    fn permission(&self, params: Value, responder: Responder<Value>) -> Result<(), Error> {
        let Ok(request) = serde_json::from_value::<RequestPermissionRequest>(params) else {
            return responder.respond_with_error(Error::invalid_params());
        };
        let reply: Reply = Box::new(move |outcome| {
            let response = serde_json::to_value(RequestPermissionResponse::new(outcome))
                .map_err(|_| Error::internal_error());
            // A connection that is gone needs no answer.
            let _ = responder.respond_with_result(response);
        });
        let session = self.session(&request.session_id.0);
        let Some(turn) = session.and_then(|session| lock(&session.turn).clone()) else {
            self.gate.stray();
            reply(RequestPermissionOutcome::Cancelled);
            return Ok(());
        };
        let number = self.questions.fetch_add(1, Ordering::Relaxed);
        turn.ask(format!("{}-{number}", self.name), &request, reply);
        Ok(())
    }
}

/// Whether somebody ought to listen.
fn is_speech(update: &SessionUpdate) -> bool {
    matches!(
        update,
        SessionUpdate::AgentMessageChunk(_)
            | SessionUpdate::AgentThoughtChunk(_)
            | SessionUpdate::UserMessageChunk(_)
            | SessionUpdate::ToolCall(_)
            | SessionUpdate::ToolCallUpdate(_)
    )
}

/// A session is being loaded.
pub(super) struct Replay<'a>(&'a AtomicUsize);

impl Drop for Replay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
