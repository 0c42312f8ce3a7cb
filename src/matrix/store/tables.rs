//! The three tables operators read: all of them at once, and the changes of a plan in one transaction.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    Store, StoreError,
    rows::{ChatRow, RoomRow, Rows, UserRow},
};
use crate::matrix::reconcile::RowChanges;

impl Store {
    /// All rows of the three tables, by primary key.
    pub async fn rows(&self) -> Result<Rows, StoreError> {
        self.call(|connection| read_rows(connection)).await
    }

    /// Applies the changes if the rows are still these; tells whether they are.
    pub async fn write_rows_over(
        &self,
        changes: RowChanges,
        recorded: Rows,
    ) -> Result<bool, StoreError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            if read_rows(&transaction)? != recorded {
                return Ok(false);
            }
            write_changes(&transaction, &changes)?;
            transaction.commit()?;
            Ok(true)
        })
        .await
    }

    /// One row of `matrix_user`.
    pub async fn user_row(&self, user: &str) -> Result<Option<UserRow>, StoreError> {
        let user = user.to_owned();
        self.call(move |connection| {
            Ok(connection
                .prepare_cached("SELECT * FROM matrix_user WHERE user_id = ?1")?
                .query_row([user], user_row)
                .optional()?)
        })
        .await
    }

    /// One row of `matrix_room`.
    pub async fn room_row(&self, room: &str) -> Result<Option<RoomRow>, StoreError> {
        let room = room.to_owned();
        self.call(move |connection| {
            Ok(connection
                .prepare_cached("SELECT * FROM matrix_room WHERE room_id = ?1")?
                .query_row([room], room_row)
                .optional()?)
        })
        .await
    }

    /// The number of the user's next chat: behind all that exist, and all that are being made.
    pub async fn next_chat_number(&self, user: &str) -> Result<u32, StoreError> {
        let user = user.to_owned();
        self.call(move |connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT max(1, coalesce((SELECT next_chat_index FROM matrix_user WHERE user_id = ?1), 1),
                                1 + coalesce((SELECT max(plan ->> 'number') FROM provision
                                              WHERE owner = ?1 AND kind = 'chat'), 0))",
                )?
                .query_row([user], |row| row.get(0))?)
        })
        .await
    }

    /// The number behind all chats that the user ever had.
    pub async fn number_after_all_chats(&self, user: &str) -> Result<u32, StoreError> {
        let user = user.to_owned();
        self.call(move |connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT max(1, coalesce((SELECT next_chat_index FROM matrix_user WHERE user_id = ?1), 1),
                                1 + coalesce((SELECT max(CAST(substr(chat_id, 2) AS INTEGER)) FROM chat
                                              WHERE user_id = ?1 AND platform = 'matrix'), 0))",
                )?
                .query_row([user], |row| row.get(0))?)
        })
        .await
    }

    /// Applies all changes, or none.
    pub async fn write_rows(&self, changes: RowChanges) -> Result<(), StoreError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            write_changes(&transaction, &changes)?;
            Ok(transaction.commit()?)
        })
        .await
    }
}

fn read_rows(connection: &Connection) -> Result<Rows, StoreError> {
    Ok(Rows {
        users: all(
            connection,
            "SELECT * FROM matrix_user ORDER BY user_id",
            user_row,
        )?,
        rooms: all(
            connection,
            "SELECT * FROM matrix_room ORDER BY room_id",
            room_row,
        )?,
        chats: all(
            connection,
            "SELECT * FROM chat WHERE platform = 'matrix' ORDER BY user_id, chat_id",
            chat_row,
        )?,
    })
}

pub(super) fn write_changes(
    connection: &Connection,
    changes: &RowChanges,
) -> Result<(), StoreError> {
    let mut remove_chat = connection.prepare_cached(
        "DELETE FROM chat WHERE user_id = ?1 AND chat_id = ?2 AND platform = 'matrix'",
    )?;
    for (user_id, chat_id) in &changes.drop_chats {
        remove_chat.execute(params![user_id, chat_id])?;
    }
    let mut remove_user =
        connection.prepare_cached("DELETE FROM matrix_user WHERE user_id = ?1")?;
    for user_id in &changes.drop_users {
        remove_user.execute(params![user_id])?;
    }
    let mut remove_room =
        connection.prepare_cached("DELETE FROM matrix_room WHERE room_id = ?1")?;
    for room_id in &changes.drop_rooms {
        remove_room.execute(params![room_id])?;
    }
    let mut user = connection.prepare_cached(
        "REPLACE INTO matrix_user (user_id, space_id, display_name, next_chat_index, locale, default_agent, streaming)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for row in &changes.put_users {
        user.execute(params![
            row.user_id,
            row.space_id,
            row.display_name,
            row.next_chat_index,
            row.locale,
            row.default_agent,
            row.streaming
        ])?;
    }
    let mut room = connection.prepare_cached(
        "REPLACE INTO matrix_room (room_id, room_type, chat_id, display_name, matrix_user_id, space_id, agent_id,
                                   platform_chat_id, generation, gone)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for row in &changes.put_rooms {
        room.execute(params![
            row.room_id,
            row.room_type,
            row.chat_id,
            row.display_name,
            row.matrix_user_id,
            row.space_id,
            row.agent_id,
            row.platform_chat_id,
            row.generation,
            row.gone
        ])?;
    }
    let mut chat = connection.prepare_cached(
        "REPLACE INTO chat (user_id, chat_id, platform, surface_ref, name, status) VALUES (?1, ?2, 'matrix', ?3, ?4, ?5)",
    )?;
    for row in &changes.put_chats {
        chat.execute(params![
            row.user_id,
            row.chat_id,
            row.surface_ref,
            row.name,
            row.status
        ])?;
    }
    Ok(())
}

pub(super) fn all<T>(
    connection: &Connection,
    query: &str,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map([], read)?.collect::<Result<_, _>>()?;
    Ok(rows)
}

/// A number that someone edited by hand to something impossible counts as 0: the next reconcile writes the right one.
fn number(row: &Row<'_>, column: &str) -> rusqlite::Result<u32> {
    Ok(u32::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

pub(super) fn user_row(row: &Row<'_>) -> rusqlite::Result<UserRow> {
    Ok(UserRow {
        user_id: row.get("user_id")?,
        space_id: row.get("space_id")?,
        display_name: row.get("display_name")?,
        next_chat_index: number(row, "next_chat_index")?,
        locale: row.get("locale")?,
        default_agent: row.get("default_agent")?,
        streaming: row.get("streaming")?,
    })
}

pub(super) fn room_row(row: &Row<'_>) -> rusqlite::Result<RoomRow> {
    Ok(RoomRow {
        room_id: row.get("room_id")?,
        room_type: row.get("room_type")?,
        chat_id: row.get("chat_id")?,
        display_name: row.get("display_name")?,
        matrix_user_id: row.get("matrix_user_id")?,
        space_id: row.get("space_id")?,
        agent_id: row.get("agent_id")?,
        platform_chat_id: row.get("platform_chat_id")?,
        generation: number(row, "generation")?,
        gone: row.get::<_, i64>("gone")? != 0,
    })
}

pub(super) fn chat_row(row: &Row<'_>) -> rusqlite::Result<ChatRow> {
    Ok(ChatRow {
        user_id: row.get("user_id")?,
        chat_id: row.get("chat_id")?,
        surface_ref: row.get("surface_ref")?,
        name: row.get("name")?,
        status: row.get("status")?,
    })
}
