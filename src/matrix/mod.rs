//! Everything that is Matrix: the session, the sync, the rooms, and the cache of them.
//!
//! `matrix_sdk::Client` and `Room` stay inside [`session`], [`sdk_client`] and [`sync`]; the rest speaks through
//! [`client::MatrixClient`] and plain values.

pub mod batch;
pub mod client;
pub mod marker;
pub mod reconcile;
pub mod state;
pub mod store;
