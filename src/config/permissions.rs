//! What agents may ask of people.

use std::time::Duration;

use crate::config::{problem::Reported, reader::Reader, units};

const DEFAULT_TIMEOUT: Duration = Duration::from_mins(5);

/// `SURFACES_PERMISSION_TIMEOUT`: an agent's question that nobody answered for so long means no.
pub(super) fn timeout_from_env(reader: &mut Reader<'_>) -> Result<Duration, Reported> {
    reader.or(
        "SURFACES_PERMISSION_TIMEOUT",
        DEFAULT_TIMEOUT,
        "a duration from 1s up, such as 90s, 5m or 1h",
        units::duration,
    )
}
