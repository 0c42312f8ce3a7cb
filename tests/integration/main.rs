//! The bot as people meet it, on a homeserver in memory: one file for each capability. No network, no sleeping.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may end the test, as tests themselves may"
)]

mod onboarding;
mod support;
