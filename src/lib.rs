//! surfaces-bot: the Matrix front-end of AI agents.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod core;
pub mod lifecycle;
pub mod lock;
pub mod logging;
pub mod matrix;
pub mod ops;
pub mod platform;
pub mod text;
