//! One living connection to an agent: what it offers, its sessions, and requests that end in time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use agent_client_protocol::{
    Agent, Error, ErrorCode, JsonRpcRequest, is_connection_terminated,
    is_incoming_transport_closed,
    schema::ProtocolVersion,
    v1::{
        ConnectionTo,
        schema::{
            AgentCapabilities, AuthenticateRequest, CancelNotification, Implementation,
            InitializeRequest, SessionId,
        },
    },
};
use tokio::time::timeout;

use super::{
    gate::Gate,
    hearing::{Hearing, Session},
    login::Logins,
    trouble::Trouble,
};
use crate::core::ids::PlatformChatId;

/// How long a new agent may take to say what it can do. Some download their program first; no question waits that long.
const INTRODUCTION: Duration = Duration::from_mins(15);
/// How long an agent may take to log in.
const LOGIN: Duration = Duration::from_mins(5);
/// How long an agent may take to open, load, list, copy or close a session.
const PATIENCE: Duration = Duration::from_mins(1);

/// Why a request has no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// The agent answered with an error.
    Refused(ErrorCode, Trouble),
    /// The connection is gone, or as good as that.
    Lost(Trouble),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(_, trouble) | Fault::Lost(trouble) => trouble,
        }
    }
}

/// The connection, shared by all chats of the agent.
pub(super) struct Connection {
    pub(super) wire: ConnectionTo<Agent>,
    pub(super) offers: AgentCapabilities,
    pub(super) hearing: Arc<Hearing>,
    pub(super) gate: Arc<Gate>,
    logins: Logins,
    open: Mutex<HashMap<PlatformChatId, Arc<Session>>>,
}

impl Connection {
    /// Introduces the two to each other, and logs the agent in by the method `login` where one is named. The bot offers
    /// the agent neither files nor a terminal: it has its own.
    pub(super) async fn introduce(
        wire: ConnectionTo<Agent>,
        hearing: Arc<Hearing>,
        gate: Arc<Gate>,
        login: Option<String>,
    ) -> Result<Self, Trouble> {
        let request = InitializeRequest::new(ProtocolVersion::V1).client_info(Implementation::new(
            env!("CARGO_PKG_NAME"),
            env!("CARGO_PKG_VERSION"),
        ));
        let response = timeout(INTRODUCTION, wire.send_request(request).block_task())
            .await
            .map_err(|_| Trouble::passing("the agent does not introduce itself"))?
            .map_err(|error| {
                if is_lost(&error) {
                    return Trouble::passing(gate.reason());
                }
                Trouble {
                    advice: crate::platform::Advice::TellOperator,
                    ..Trouble::refused("initialize", &error)
                }
            })?;
        if response.protocol_version != ProtocolVersion::V1 {
            return Err(Trouble::lasting(format!(
                "the agent speaks version {} of the protocol, and the bot version 1",
                response.protocol_version
            )));
        }
        let connection = Self {
            wire,
            offers: response.agent_capabilities,
            hearing,
            gate,
            logins: Logins::new(login, &response.auth_methods),
            open: Mutex::default(),
        };
        connection.log_in().await?;
        Ok(connection)
    }

    /// Logs the agent in by the method that the operator chose. `false` where there is none to use.
    pub(super) async fn log_in(&self) -> Result<bool, Trouble> {
        let Some(method) = self.logins.method()? else {
            return Ok(false);
        };
        let request = self.wire.send_request(AuthenticateRequest::new(method));
        match timeout(LOGIN, request.block_task()).await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(error)) => Err(match self.fault("authenticate", &error) {
                Fault::Refused(ErrorCode::AUTH_REQUIRED, trouble) | Fault::Lost(trouble) => trouble,
                Fault::Refused(_, trouble) => self.logins.explained(&trouble),
            }),
            Err(_) => Err(Trouble::passing(format!(
                "authenticate was not answered within {} s",
                LOGIN.as_secs()
            ))),
        }
    }

    /// Asks and waits, not for ever.
    pub(super) async fn request<R: JsonRpcRequest>(
        &self,
        name: &str,
        request: R,
    ) -> Result<R::Response, Fault> {
        let answer = timeout(PATIENCE, self.wire.send_request(request).block_task()).await;
        match answer {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.fault(name, &error)),
            Err(_) => Err(Fault::Lost(Trouble::passing(format!(
                "{name} was not answered within {} s",
                PATIENCE.as_secs()
            )))),
        }
    }

    /// What an error of a request means.
    pub(super) fn fault(&self, name: &str, error: &Error) -> Fault {
        if self.gate.is_closed() || is_lost(error) {
            return Fault::Lost(Trouble::passing(self.gate.reason()));
        }
        let mut trouble = Trouble::refused(name, error);
        if error.code == ErrorCode::AUTH_REQUIRED {
            trouble = self.logins.explained(&trouble);
        }
        Fault::Refused(error.code, trouble)
    }

    /// The session of a context that is open on this connection.
    pub(super) fn session(&self, context: PlatformChatId) -> Option<Arc<Session>> {
        self.open().get(&context).cloned()
    }

    /// The session is open from now on. An agent that gives one session to two chats is not believed.
    pub(super) fn opened(
        &self,
        context: PlatformChatId,
        session: Session,
    ) -> Result<Arc<Session>, Trouble> {
        let session = Arc::new(session);
        if !self.hearing.add(&session) {
            return Err(Trouble::lasting(
                "the agent gave a session to one chat that another chat has",
            ));
        }
        self.open().insert(context, Arc::clone(&session));
        Ok(session)
    }

    /// The context has no session here any more.
    pub(super) fn closed(&self, context: PlatformChatId) -> Option<Arc<Session>> {
        let session = self.open().remove(&context)?;
        self.hearing.remove(&session.id);
        Some(session)
    }

    /// Asks the agent to end what it does in this session.
    pub(super) fn cancel(&self, session: &SessionId) {
        // A connection that is gone has ended it.
        let _ = self
            .wire
            .send_notification(CancelNotification::new(session.clone()));
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<PlatformChatId, Arc<Session>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_lost(error: &Error) -> bool {
    is_connection_terminated(error) || is_incoming_transport_closed(error)
}
