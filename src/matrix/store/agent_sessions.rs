//! Which session of an agent a context has.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, Row, params};

use super::{Store, StoreError};
use crate::{
    core::ids::{AgentId, PlatformChatId, RoomKey},
    platform::acp::{BookError, Held, SessionBook},
};

impl From<StoreError> for BookError {
    fn from(error: StoreError) -> Self {
        Self(Box::new(error))
    }
}

#[async_trait]
impl SessionBook for Store {
    async fn find(
        &self,
        agent: &AgentId,
        context: PlatformChatId,
    ) -> Result<Option<Held>, BookError> {
        let agent = agent.to_string();
        let found = self.call(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT session_id, room_id, folder, kept FROM agent_session WHERE agent_id = ?1 AND context = ?2",
            )?;
            let row = statement.query_row(params![agent, context.to_string()], held);
            Ok(row.optional()?)
        });
        Ok(found.await?)
    }

    async fn holders(
        &self,
        agent: &AgentId,
        session: &str,
    ) -> Result<Vec<(PlatformChatId, Held)>, BookError> {
        let (agent, session) = (agent.to_string(), session.to_owned());
        let found = self.call(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT session_id, room_id, folder, kept, context FROM agent_session
                 WHERE agent_id = ?1 AND session_id = ?2 ORDER BY context",
            )?;
            let rows = statement.query_map(params![agent, session], |row| {
                Ok((row.get::<_, String>(4)?, held(row)?))
            })?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        });
        // A row whose context was edited by hand into no context holds nothing.
        let rows = found.await?.into_iter();
        Ok(rows
            .filter_map(|(context, held)| Some((context.parse().ok()?, held)))
            .collect())
    }

    async fn note(
        &self,
        agent: &AgentId,
        context: PlatformChatId,
        held: &Held,
    ) -> Result<(), BookError> {
        let (agent, held) = (agent.to_string(), held.clone());
        let noted = self.call(move |connection| {
            let mut statement = connection.prepare_cached(
                "INSERT OR REPLACE INTO agent_session (agent_id, context, session_id, room_id, folder, kept)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            statement.execute(params![
                agent,
                context.to_string(),
                held.session,
                held.room.as_str(),
                held.folder,
                held.is_kept
            ])?;
            Ok(())
        });
        Ok(noted.await?)
    }

    async fn forget(&self, agent: &AgentId, context: PlatformChatId) -> Result<(), BookError> {
        let agent = agent.to_string();
        let forgotten = self.call(move |connection| {
            connection.execute(
                "DELETE FROM agent_session WHERE agent_id = ?1 AND context = ?2",
                params![agent, context.to_string()],
            )?;
            Ok(())
        });
        Ok(forgotten.await?)
    }
}

fn held(row: &Row<'_>) -> Result<Held, rusqlite::Error> {
    Ok(Held {
        session: row.get(0)?,
        room: RoomKey::new(row.get::<_, String>(1)?),
        folder: row.get(2)?,
        is_kept: row.get(3)?,
    })
}
