//! A homeserver in memory, people on it, and the bot that they meet.

pub(crate) mod assembly;
pub(crate) mod clock;
pub(crate) mod crash;
pub(crate) mod fake_client;
pub(crate) mod fake_matrix;
mod fake_media;
pub(crate) mod fake_sync;
pub(crate) mod harness;
pub(crate) mod log;
pub(crate) mod person;
pub(crate) mod requests;
pub(crate) mod room;
pub(crate) mod view;

pub(crate) use self::{
    crash::{Left, Story},
    harness::{Ended, World},
    person::{Person, Resident},
    requests::Fault,
};
