//! What the bot relies on in a homeserver and its client, as cases that run twice: over the fakes here, and over the real
//! client on a real homeserver in the test target `real_client`. A fake that succeeds where the real client fails, or the
//! other way round, fails here.

pub(crate) mod cases;
mod fake;
pub(crate) mod stage;
