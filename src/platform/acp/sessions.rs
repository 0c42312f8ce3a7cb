//! The session of a context: the open one, else the one it had, else a new one.

use std::{path::PathBuf, sync::Arc};

use agent_client_protocol::{
    ErrorCode,
    v1::schema::{
        ListSessionsRequest, LoadSessionRequest, NewSessionRequest, NewSessionResponse,
        ResumeSessionRequest, SessionId, SessionInfo,
    },
};

use super::{
    AcpAgent,
    book::Held,
    connection::{Connection, Fault},
    hearing::Session,
    trouble::Trouble,
    wishes::Offered,
};
use crate::platform::ContextRef;

/// The longest name of a session that is believed.
const LONGEST_ID: usize = 1_024;
/// So many pages of an agent's list are read.
const MOST_PAGES: usize = 20;

/// An open session.
pub(super) struct Opened {
    pub(super) connection: Arc<Connection>,
    pub(super) session: Arc<Session>,
    /// There was another one before, and it is gone.
    pub(super) begun_anew: bool,
}

impl AcpAgent {
    /// Opens the session of a context. An agent that cannot be reached changes nothing in the book.
    pub(super) async fn open(&self, context: &ContextRef) -> Result<Opened, Trouble> {
        let connection = self.keeper.connection().await?;
        if let Some(session) = connection.session(context.context) {
            return Ok(Opened {
                connection,
                session,
                begun_anew: false,
            });
        }
        let held = self.held(&connection, context).await?;
        let mut restored = None;
        if let Some(held) = &held {
            self.place.make(&held.folder).await;
            restored = self.restore(&connection, held).await?;
        }
        let (held, offered, begun_anew) = match (held, restored) {
            (Some(held), Some(offered)) => (held, offered, false),
            (before, _) => {
                let (held, offered) = self.begin(&connection, context).await?;
                (held, offered, before.is_some())
            }
        };
        self.opened(connection, context, &held, &offered, begun_anew)
            .await
    }

    /// Opens a new session for a context whose session cannot be used any more.
    pub(super) async fn open_anew(&self, context: &ContextRef) -> Result<Opened, Trouble> {
        let connection = self.keeper.connection().await?;
        connection.closed(context.context);
        let (held, offered) = self.begin(&connection, context).await?;
        self.opened(connection, context, &held, &offered, true)
            .await
    }

    async fn opened(
        &self,
        connection: Arc<Connection>,
        context: &ContextRef,
        held: &Held,
        offered: &Offered,
        begun_anew: bool,
    ) -> Result<Opened, Trouble> {
        self.wishes.grant(&connection, &held.session, offered).await;
        let session = Session::new(SessionId::new(held.session.as_str()), held.folder.clone());
        let session = connection.opened(context.context, session)?;
        self.book.note(&self.id, context.context, held).await?;
        Ok(Opened {
            connection,
            session,
            begun_anew,
        })
    }

    /// The session this context had: by the book, or else by the agent's own list.
    async fn held(
        &self,
        connection: &Connection,
        context: &ContextRef,
    ) -> Result<Option<Held>, Trouble> {
        if let Some(held) = self.book.find(&self.id, context.context).await? {
            return Ok(Some(held));
        }
        // Later generations were begun anew on purpose, and what a folder held before then is not theirs. In a folder
        // of all chats, nobody knows whose session is whose.
        let is_findable = context.generation == 0
            && self.place.is_per_chat()
            && connection.offers.session_capabilities.list.is_some();
        if !is_findable {
            return Ok(None);
        }
        let folder = self.place.folder(context);
        let cwd = self.place.cwd(&folder);
        for info in listed(connection, cwd).await? {
            let id = info.session_id.0.to_string();
            let is_free = connection.hearing.session(&id).is_none()
                && self.book.holders(&self.id, &id).await?.is_empty();
            if is_free {
                let chat = context.chat;
                tracing::info!(agent.id = %self.id, chat.id = %chat, "the agent still has a session of {chat}");
                return Ok(Some(Held {
                    session: id,
                    room: context.room.clone(),
                    folder,
                    is_kept: false,
                }));
            }
        }
        Ok(None)
    }

    /// Continues a session; `None` where the agent no longer can.
    async fn restore(
        &self,
        connection: &Connection,
        held: &Held,
    ) -> Result<Option<Offered>, Trouble> {
        let cwd = self.place.cwd(&held.folder);
        let id = held.session.as_str();
        if connection.offers.session_capabilities.resume.is_some() {
            let request = ResumeSessionRequest::new(SessionId::new(id), cwd.clone());
            match connection.request("session/resume", request).await {
                Ok(resumed) => {
                    return Ok(Some(Offered::new(resumed.modes, resumed.config_options)));
                }
                Err(fault) => self.unless_lost(fault)?,
            }
        }
        if connection.offers.load_session {
            // What the agent repeats of the conversation comes before its answer, and nobody listens yet.
            let _replay = connection.hearing.replay();
            let request = LoadSessionRequest::new(SessionId::new(id), cwd);
            match connection.request("session/load", request).await {
                Ok(loaded) => return Ok(Some(Offered::new(loaded.modes, loaded.config_options))),
                Err(fault) => self.unless_lost(fault)?,
            }
        }
        Ok(None)
    }

    /// An answer, even a refusal, is an answer; a login that is missing would be missing for a new session too.
    fn unless_lost(&self, fault: Fault) -> Result<(), Trouble> {
        match fault {
            Fault::Refused(code, trouble) if code != ErrorCode::AUTH_REQUIRED => {
                tracing::warn!(agent.id = %self.id, error = trouble.detail, "a session is gone");
                Ok(())
            }
            fault => Err(fault.into()),
        }
    }

    async fn begin(
        &self,
        connection: &Connection,
        context: &ContextRef,
    ) -> Result<(Held, Offered), Trouble> {
        let folder = self.place.folder(context);
        self.place.make(&folder).await;
        let begun = self
            .new_session(connection, self.place.cwd(&folder))
            .await?;
        let session = self
            .believed(&begun.session_id, &context.context.to_string())
            .await?;
        let held = Held {
            session,
            room: context.room.clone(),
            folder,
            is_kept: false,
        };
        Ok((held, Offered::new(begun.modes, begun.config_options)))
    }

    /// A new session. An agent whose login has run out is logged in once more, where the operator named a method.
    pub(super) async fn new_session(
        &self,
        connection: &Connection,
        cwd: PathBuf,
    ) -> Result<NewSessionResponse, Trouble> {
        let request = NewSessionRequest::new(cwd);
        match connection.request("session/new", request.clone()).await {
            Err(Fault::Refused(ErrorCode::AUTH_REQUIRED, refusal)) => {
                if !connection.log_in().await? {
                    return Err(refusal);
                }
                Ok(connection.request("session/new", request).await?)
            }
            answered => Ok(answered?),
        }
    }

    /// The name of a session that was just made. One that somebody else has would mix two chats.
    pub(super) async fn believed(
        &self,
        id: &SessionId,
        for_context: &str,
    ) -> Result<String, Trouble> {
        let id = id.0.to_string();
        if id.is_empty() || id.len() > LONGEST_ID {
            return Err(Trouble::lasting(
                "the agent gave a session without a usable name",
            ));
        }
        let holders = self.book.holders(&self.id, &id).await?;
        if holders
            .iter()
            .any(|(holder, _)| holder.to_string() != for_context)
        {
            return Err(Trouble::lasting(
                "the agent gave a session to one chat that another chat has",
            ));
        }
        Ok(id)
    }
}

/// The agent's sessions of exactly this folder, the latest first.
async fn listed(connection: &Connection, cwd: PathBuf) -> Result<Vec<SessionInfo>, Trouble> {
    let mut found = Vec::new();
    let mut cursor = None;
    for _ in 0..MOST_PAGES {
        let request = ListSessionsRequest::new()
            .cwd(cwd.clone())
            .cursor(cursor.take());
        let page = match connection.request("session/list", request).await {
            Ok(page) => page,
            Err(Fault::Refused(_, trouble)) => {
                tracing::warn!(
                    error = trouble.detail,
                    "an agent does not list its sessions"
                );
                break;
            }
            Err(lost) => return Err(lost.into()),
        };
        found.extend(page.sessions.into_iter().filter(|info| info.cwd == cwd));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    // Times are ISO 8601, which sort as texts.
    found.sort_by(|one, other| other.updated_at.cmp(&one.updated_at));
    Ok(found)
}
