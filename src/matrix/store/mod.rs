//! The bot's own SQLite file. `rusqlite` appears nowhere else.

pub mod rows;
