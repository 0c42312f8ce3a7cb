//! surfaces-bot: the Matrix front-end of AI agents.
//!
//! A person invites the bot and gets a private Space whose rooms are chats, each with an agent and a memory of its own.
//! **The Matrix server's joined Space graph is the truth; SQLite is a cache**: it can be deleted at any time, and the next
//! start writes the same rows again.
//!
//! One message, from the homeserver and back:
//!
//! ```text
//! matrix/sync -> matrix/intake -> matrix/store/journal -> matrix/inbox -> core/dispatch -> core/command | core/chat -> platform
//!                                              matrix/outbox <- Vec<Reply> <--------------------------------------'
//! ```
//!
//! A start, in this order, in one function ([`matrix::bot::Bot::run`]): session, first sync, reconcile
//! (observe, plan, apply), ready, live loop. Before that, [`app::start`] takes hold of the data and opens the store.
//!
//! What always holds:
//!
//! - Events and the sync position that brought them are committed in one transaction, before anything is done with them.
//! - A change of a room goes to the server first and to the rows second.
//! - Reconcile never makes, joins, leaves or forgets a room; its plan is a value, and on its own result it is empty.
//! - Only what the bot itself wrote, in rooms it made itself, binds anything.
//! - An event leaves the journal when its answer is on the server and the bot's cursor has moved past it. `!stop`,
//!   `!help` and answers to an agent's question pass ahead of what waits; the cursor does not pass with them.
//!
//! `core` knows no Matrix, SQL or HTTP; `matrix_sdk::Client` and `rusqlite` stay where [`matrix`] and [`matrix::store`]
//! say. A test reads the sources and checks that.

pub mod app;
pub mod cli;
pub mod config;
pub mod core;
pub mod platform;
pub mod text;

pub mod matrix;
pub mod workspace;

pub mod boundary;
pub mod clock;
pub mod lifecycle;
pub mod lock;
pub mod logging;
pub mod ops;
pub mod reload;
