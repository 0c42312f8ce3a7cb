//! surfaces-bot: the Matrix front-end of AI agents.

pub mod config;
pub mod core;
pub mod matrix;
pub mod platform;
