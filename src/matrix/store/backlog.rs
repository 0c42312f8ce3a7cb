//! Messages that grew too old: one of them stands for the others, so that one notice tells of all.

use matrix_sdk::ruma::{EventId, OwnedEventId};
use rusqlite::params;

use super::{Store, StoreError};

impl Store {
    /// From here on `event` stands for these messages too, which are done. Tells for how many messages it stands, with
    /// itself and those of an earlier call.
    pub async fn stand_for(
        &self,
        event: &EventId,
        others: Vec<OwnedEventId>,
    ) -> Result<u64, StoreError> {
        let event = event.to_string();
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let mut more = 0;
            for other in &others {
                more += transaction
                    .prepare_cached(
                        "UPDATE journal SET state = 'done', item = NULL WHERE event_id = ?1 AND state = 'pending'",
                    )?
                    .execute([other.as_str()])?;
            }
            let count: i64 = transaction
                .prepare_cached(
                    "UPDATE journal SET stands_for = stands_for + ?2 WHERE event_id = ?1 RETURNING stands_for",
                )?
                .query_row(params![event, i64::try_from(more).unwrap_or(0)], |row| row.get(0))?;
            transaction.commit()?;
            Ok(u64::try_from(count).unwrap_or(1))
        })
        .await
    }
}
