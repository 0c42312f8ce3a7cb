//! Contexts that are kept under a name, continued, and let go.

use agent_client_protocol::v1::schema::{CloseSessionRequest, ForkSessionRequest, SessionId};

use super::{AcpAgent, book::Held, connection::Connection, trouble::Trouble};
use crate::{
    core::{folder::chat_folder, ids::PlatformChatId},
    platform::{Advice, ContextRef, Saved},
};

impl AcpAgent {
    /// Keeps a copy where the agent can make one, else the session itself.
    pub(super) async fn keep(
        &self,
        context: &ContextRef,
        kept: PlatformChatId,
    ) -> Result<String, Trouble> {
        if let Some(held) = self.book.find(&self.id, kept).await? {
            return Ok(held.session);
        }
        let opened = self.open(context).await?;
        let connection = &opened.connection;
        let sessions = &connection.offers.session_capabilities;
        if sessions.fork.is_none() && sessions.resume.is_none() && !connection.offers.load_session {
            return Err(Trouble::cannot(
                "the agent neither copies nor continues sessions",
            ));
        }
        let original = &opened.session.id;
        let folder = opened.session.folder.clone();
        let session = if sessions.fork.is_some() {
            self.copy(connection, &original.0, &folder, kept).await?
        } else {
            original.0.to_string()
        };
        let held = Held {
            session: session.clone(),
            room: context.room.clone(),
            folder,
            is_kept: true,
        };
        self.book.note(&self.id, kept, &held).await?;
        Ok(session)
    }

    /// Lets a new context continue what was kept.
    pub(super) async fn continue_kept(
        &self,
        context: &ContextRef,
        saved: &Saved,
    ) -> Result<(), Trouble> {
        if self.book.find(&self.id, context.context).await?.is_some() {
            return Ok(());
        }
        let kept = match self.book.find(&self.id, saved.context).await? {
            Some(held) => held,
            None => Held {
                session: saved
                    .note
                    .clone()
                    .ok_or_else(|| Trouble::cannot("nobody knows the session that was kept"))?,
                room: saved.room.clone(),
                folder: self
                    .place
                    .folder_or(&chat_folder(&context.user, &saved.room)),
                is_kept: true,
            },
        };
        let connection = self.keeper.connection().await?;
        let held = if connection.offers.session_capabilities.fork.is_some() {
            let folder = self.place.folder(context);
            self.place.make(&folder).await;
            Held {
                session: self
                    .copy(&connection, &kept.session, &folder, context.context)
                    .await?,
                room: context.room.clone(),
                folder,
                is_kept: false,
            }
        } else {
            self.take_over(context, &kept.session).await?;
            Held {
                room: context.room.clone(),
                is_kept: false,
                ..kept
            }
        };
        self.book.note(&self.id, context.context, &held).await?;
        Ok(())
    }

    /// A session that cannot be copied has one chat at a time. The chat's own earlier context makes room for the new one.
    async fn take_over(&self, context: &ContextRef, session: &str) -> Result<(), Trouble> {
        let holders = self.book.holders(&self.id, session).await?;
        let is_elsewhere = |held: &Held| !held.is_kept && held.room != context.room;
        if holders.iter().any(|(_, held)| is_elsewhere(held)) {
            return Err(Trouble {
                detail: "another chat continues the kept session".to_owned(),
                advice: Advice::HeldElsewhere,
            });
        }
        for (holder, _) in holders.into_iter().filter(|(_, held)| !held.is_kept) {
            self.book.forget(&self.id, holder).await?;
            if let Some(connection) = self.keeper.current() {
                connection.closed(holder);
            }
        }
        Ok(())
    }

    async fn copy(
        &self,
        connection: &Connection,
        session: &str,
        folder: &str,
        for_context: PlatformChatId,
    ) -> Result<String, Trouble> {
        let request = ForkSessionRequest::new(SessionId::new(session), self.place.cwd(folder));
        let copy = connection.request("session/fork", request).await?;
        self.believed(&copy.session_id, &for_context.to_string())
            .await
    }

    /// Lets go of a context's session, and ends it upstream unless somebody else has it.
    pub(super) async fn let_go(&self, context: &ContextRef) -> Result<(), Trouble> {
        if let Some(turn) = self.turns.of(context.context) {
            turn.stop();
        }
        let held = self.book.find(&self.id, context.context).await?;
        self.book.forget(&self.id, context.context).await?;
        // An agent that cannot be reached now is not woken for that.
        let Some(connection) = self.keeper.current() else {
            return Ok(());
        };
        connection.closed(context.context);
        let Some(held) = held else { return Ok(()) };
        let is_free = self.book.holders(&self.id, &held.session).await?.is_empty();
        if is_free && connection.offers.session_capabilities.close.is_some() {
            let request = CloseSessionRequest::new(SessionId::new(held.session.as_str()));
            connection.request("session/close", request).await?;
        }
        Ok(())
    }
}
