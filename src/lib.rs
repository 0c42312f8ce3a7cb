//! surfaces-bot: the Matrix front-end of AI agents.

pub mod core;
pub mod matrix;
pub mod platform;
pub mod text;
