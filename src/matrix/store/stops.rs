//! Which turn a `!stop` ended.

use matrix_sdk::ruma::{EventId, OwnedEventId};
use rusqlite::{Connection, OptionalExtension};

use super::{Store, StoreError};

impl Store {
    /// The command ends this turn. One that ended another turn before goes on meaning that one.
    pub async fn stop_turn(&self, command: &EventId, turn: &EventId) -> Result<(), StoreError> {
        let (command, turn) = (command.to_string(), turn.to_string());
        self.call(move |connection| {
            connection
                .prepare_cached("INSERT OR IGNORE INTO stop (command, turn) VALUES (?1, ?2)")?
                .execute([command, turn])?;
            Ok(())
        })
        .await
    }

    /// The turn that this command ended.
    pub async fn stopped_by(&self, command: &EventId) -> Result<Option<OwnedEventId>, StoreError> {
        let command = command.to_string();
        self.call(move |connection| {
            let turn: Option<String> = connection
                .prepare_cached("SELECT turn FROM stop WHERE command = ?1")?
                .query_row([command], |row| row.get(0))
                .optional()?;
            Ok(turn.and_then(|turn| turn.try_into().ok()))
        })
        .await
    }

    /// Whether a command ended the turn.
    pub async fn is_stopped(&self, turn: &EventId) -> Result<bool, StoreError> {
        let turn = turn.to_string();
        self.call(move |connection| {
            Ok(connection
                .prepare_cached("SELECT 1 FROM stop WHERE turn = ?1")?
                .exists([turn])?)
        })
        .await
    }
}

/// The command is finished with.
pub(super) fn forget(connection: &Connection, command: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM stop WHERE command = ?1")?
        .execute([command])?;
    Ok(())
}
