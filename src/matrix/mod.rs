//! Everything that is Matrix: the session, the sync, the rooms, and the cache of them.
//!
//! `matrix_sdk::Client` and `Room` stay inside [`session`], [`sdk_client`] and [`sync`]; the rest speaks through
//! [`client::MatrixClient`] and plain values.

pub mod batch;
pub mod bot;
pub mod client;
pub mod content;
pub mod drafts;
pub mod earlier;
pub mod event;
pub mod gaps;
pub mod history;
pub mod inbox;
pub mod intake;
pub mod marker;
pub mod media;
pub mod outbox;
pub mod pace;
pub mod patient;
pub mod plan;
pub mod provisioning;
pub mod questions;
pub mod reception;
pub mod reconcile;
pub mod reconciler;
pub mod reset;
pub mod router;
pub mod sdk_client;
pub mod session;
pub mod settling;
pub mod split;
pub mod state;
pub mod store;
pub mod sync;
#[cfg(test)]
pub(crate) mod testing;
pub mod transcripts;
pub mod wire;
