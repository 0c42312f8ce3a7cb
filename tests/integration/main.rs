//! The bot as people meet it, on a homeserver in memory: one file for each capability. No network, no sleeping.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may end the test, as tests themselves may"
)]

mod access;
#[cfg(feature = "boundaries")]
mod boundaries;
mod commands;
mod consent;
mod contract;
mod control;
#[cfg(feature = "boundaries")]
mod dead_letters;
mod departure;
mod drift;
mod edits;
mod evictions;
mod exactly_once;
mod files_ahead;
mod files_in;
mod files_out;
mod first_sync;
mod following;
mod gaps;
mod hostile;
mod isolation;
mod kinds;
mod late;
mod layers;
mod long_answers;
mod manual;
mod mentions;
mod onboarding;
mod permissions;
mod queues;
mod quotes;
mod replies;
mod restart;
mod saves;
mod shipping;
mod shutdown;
mod strangers;
mod support;
mod transcripts;
mod unreadable;
mod waits;
