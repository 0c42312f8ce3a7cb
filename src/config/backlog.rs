//! What becomes of messages that waited while the bot was down.

use std::time::Duration;

use crate::config::{problem::Reported, reader::Reader, units};

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
