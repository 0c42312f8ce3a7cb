//! When people were told that they may not use the bot.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use matrix_sdk::ruma::{EventId, UserId};
use rusqlite::params;

use super::{Store, StoreError};

/// The least time between two refusals of one person that are told.
const REFUSED_EVERY: Duration = Duration::from_hours(24);

impl Store {
    /// Whether the user is to be told, in answer to this event, that they may not use the bot: at most once a day. The
    /// same event has the same answer again after a crash.
    pub async fn may_refuse(
        &self,
        user: &UserId,
        event: &EventId,
        now: SystemTime,
    ) -> Result<bool, StoreError> {
        let (user, event) = (user.to_string(), event.to_string());
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let now = seconds(now.duration_since(UNIX_EPOCH).unwrap_or_default());
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            // A clock that was set back does not silence anybody for longer than a day.
            transaction
                .prepare_cached(
                    "INSERT INTO refusal (user_id, event_id, told_at) VALUES (?1, ?2, ?3)
                     ON CONFLICT (user_id) DO UPDATE SET event_id = excluded.event_id, told_at = excluded.told_at
                     WHERE abs(excluded.told_at - told_at) >= ?4",
                )?
                .execute(params![user, event, now, seconds(REFUSED_EVERY)])?;
            let is_this = transaction
                .prepare_cached("SELECT 1 FROM refusal WHERE user_id = ?1 AND event_id = ?2")?
                .exists([&user, &event])?;
            transaction.commit()?;
            Ok(is_this)
        })
        .await
    }
}
