//! What operators and their machines ask the running bot: is it alive, is it ready, how is it doing.

mod metrics;
mod readiness;
mod server;

pub use self::{
    metrics::Metrics,
    readiness::{Readiness, SYNC_FRESH_FOR},
    server::{BindError, DatabaseProbe, OpsServer},
};
