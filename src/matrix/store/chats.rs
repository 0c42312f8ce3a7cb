//! [`ChatStore`] over the three tables.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Store, StoreError, tables::user_row};
use crate::core::{
    chat::{Chat, ChatStatus, ChatStore, ChatStoreError, Locale, Owner},
    ids::{AgentId, RoomKey, UserKey},
};

const CHATS: &str = "SELECT r.matrix_user_id, r.chat_id, r.room_id, r.space_id, c.name, r.agent_id, r.platform_chat_id,
            r.generation, c.status
     FROM matrix_room r
     JOIN chat c ON c.user_id = r.matrix_user_id AND c.chat_id = r.chat_id AND c.platform = 'matrix'
                AND c.surface_ref = r.room_id
     WHERE r.room_type = 'chat'";

/// The words of the `status` column.
pub(super) const fn status_word(status: ChatStatus) -> &'static str {
    match status {
        ChatStatus::Active => "active",
        ChatStatus::Archived => "archived",
        ChatStatus::Gone => "gone",
    }
}

/// A row that is not whole (edited by hand since the last reconcile) is no chat.
fn chat(row: &Row<'_>) -> rusqlite::Result<Option<Chat>> {
    let text = |index: usize| row.get::<_, Option<String>>(index);
    let status = match text(8)?.as_deref() {
        Some("active") => ChatStatus::Active,
        Some("archived") => ChatStatus::Archived,
        Some("gone") => ChatStatus::Gone,
        _ => return Ok(None),
    };
    let (Some(owner), Some(id), Some(room), Some(space), Some(agent), Some(context)) =
        (text(0)?, text(1)?, text(2)?, text(3)?, text(5)?, text(6)?)
    else {
        return Ok(None);
    };
    let (Ok(id), Ok(context)) = (id.parse(), context.parse()) else {
        return Ok(None);
    };
    Ok(Some(Chat {
        owner: UserKey::new(owner),
        id,
        room: RoomKey::new(room),
        space: RoomKey::new(space),
        name: text(4)?.unwrap_or_default(),
        agent: AgentId::new(agent),
        context,
        generation: u32::try_from(row.get::<_, i64>(7)?).unwrap_or(0),
        status,
    }))
}

fn owner(connection: &Connection, user: &str) -> Result<Option<Owner>, StoreError> {
    let row = connection
        .prepare_cached(
            "SELECT * FROM matrix_user WHERE user_id = ?1 AND EXISTS
             (SELECT 1 FROM matrix_room r WHERE r.room_id = matrix_user.space_id AND r.gone = 0)",
        )?
        .query_row([user], user_row)
        .optional()?;
    Ok(row.and_then(|row| {
        Some(Owner {
            user: UserKey::new(row.user_id),
            space: RoomKey::new(row.space_id?),
            locale: row.locale.as_deref().and_then(Locale::from_code),
            default_agent: row.default_agent.map(AgentId::new),
            streaming: row.streaming,
        })
    }))
}

fn failed(error: StoreError) -> ChatStoreError {
    ChatStoreError(Box::new(error))
}

#[async_trait]
impl ChatStore for Store {
    async fn owner(&self, user: &UserKey) -> Result<Option<Owner>, ChatStoreError> {
        let user = user.as_str().to_owned();
        self.call(move |connection| owner(connection, &user))
            .await
            .map_err(failed)
    }

    async fn chat_in(&self, room: &RoomKey) -> Result<Option<Chat>, ChatStoreError> {
        let room = room.as_str().to_owned();
        self.call(move |connection| {
            let found = connection
                .prepare_cached(&format!("{CHATS} AND r.room_id = ?1"))?
                .query_row([room], chat)
                .optional()?;
            Ok(found.flatten())
        })
        .await
        .map_err(failed)
    }

    async fn chats_of(&self, user: &UserKey) -> Result<Vec<Chat>, ChatStoreError> {
        let user = user.as_str().to_owned();
        self.call(move |connection| {
            let mut statement =
                connection.prepare_cached(&format!("{CHATS} AND r.matrix_user_id = ?1"))?;
            let chats: Vec<Option<Chat>> = statement
                .query_map([user], chat)?
                .collect::<Result<_, _>>()?;
            let mut chats: Vec<Chat> = chats.into_iter().flatten().collect();
            chats.sort_by_key(|chat| chat.id);
            Ok(chats)
        })
        .await
        .map_err(failed)
    }

    async fn save_chat(&self, chat: &Chat) -> Result<(), ChatStoreError> {
        let chat = chat.clone();
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            transaction.execute(
                "UPDATE matrix_room SET agent_id = ?2, platform_chat_id = ?3, generation = ?4
                 WHERE room_id = ?1",
                params![
                    chat.room.as_str(),
                    chat.agent.as_str(),
                    chat.context.to_string(),
                    chat.generation
                ],
            )?;
            transaction.execute(
                "UPDATE chat SET status = ?3
                 WHERE user_id = ?1 AND chat_id = ?2 AND platform = 'matrix' AND status <> 'gone'",
                params![
                    chat.owner.as_str(),
                    chat.id.to_string(),
                    status_word(chat.status)
                ],
            )?;
            Ok(transaction.commit()?)
        })
        .await
        .map_err(failed)
    }

    async fn save_owner(&self, owner: &Owner) -> Result<(), ChatStoreError> {
        let owner = owner.clone();
        self.call(move |connection| {
            connection.execute(
                "UPDATE matrix_user SET locale = ?2, default_agent = ?3, streaming = ?4 WHERE user_id = ?1",
                params![
                    owner.user.as_str(),
                    owner.locale.map(Locale::code),
                    owner.default_agent.as_ref().map(AgentId::as_str),
                    owner.streaming
                ],
            )?;
            Ok(())
        })
        .await
        .map_err(failed)
    }
}
