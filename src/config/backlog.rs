//! What becomes of messages that have to wait.

use std::time::Duration;

use crate::config::{problem::Reported, reader::Reader, units};

const DEFAULT_QUEUE_LIMIT: u32 = 100;
const DEFAULT_MAX_AGE: Duration = Duration::from_hours(24);

/// `SURFACES_BACKLOG_MAX_AGE`: messages that waited longer are not sent to the agent.
pub(super) fn max_age_from_env(reader: &mut Reader<'_>) -> Result<Duration, Reported> {
    reader.or(
        "SURFACES_BACKLOG_MAX_AGE",
        DEFAULT_MAX_AGE,
        "a duration from 1s up, such as 90s, 30m, 24h or 7d",
        units::duration,
    )
}

/// `SURFACES_QUEUE_LIMIT`: so many messages of one person may wait in a chat.
pub(super) fn queue_limit_from_env(reader: &mut Reader<'_>) -> Result<u32, Reported> {
    reader.or(
        "SURFACES_QUEUE_LIMIT",
        DEFAULT_QUEUE_LIMIT,
        "a number of messages from 1 up",
        |text| text.parse().ok().filter(|limit| *limit > 0),
    )
}
