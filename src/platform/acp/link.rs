//! A way to an agent, whatever it runs over: messages in, messages out, and how it is ended.

use std::{io, pin::Pin};

use async_trait::async_trait;
use futures_util::{Sink, stream::BoxStream};

use super::trouble::Trouble;

/// The longest message an agent may send. Longer ones end the connection: nothing an agent sends is kept in memory
/// without a limit.
pub(super) const LONGEST_MESSAGE: usize = 4 * 1024 * 1024;

/// What comes from the agent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    /// One message, or garbage.
    Message(String),
    /// A sign of life without a message.
    Pulse,
}

/// What goes to the agent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outgoing {
    /// One message.
    Message(String),
    /// A question for a sign of life; nothing where the other end is a process of this machine.
    Pulse,
}

/// Both directions, and the other end.
pub(super) struct Link {
    /// Ends where the other end is gone.
    pub(super) incoming: BoxStream<'static, io::Result<Incoming>>,
    /// Waits where the other end does not read.
    pub(super) outgoing: Pin<Box<dyn Sink<Outgoing, Error = io::Error> + Send>>,
    /// Whether signs of life can be expected.
    pub(super) has_pulse: bool,
    /// Dropping it ends the other end at once, too.
    pub(super) far_end: Box<dyn FarEnd>,
}

/// What has to be ended with a link.
#[async_trait]
pub(super) trait FarEnd: Send {
    /// Resolves when the other end is gone, even where the link itself does not show it.
    async fn gone(&mut self);
    /// Kindly first, surely in the end; bounded.
    async fn end(&mut self);
}

/// Nothing to end beyond the link itself.
pub(super) struct Nothing;

#[async_trait]
impl FarEnd for Nothing {
    async fn gone(&mut self) {
        std::future::pending::<()>().await;
    }

    async fn end(&mut self) {}
}

/// Opens links to one agent.
#[async_trait]
pub(super) trait Dial: Send + Sync {
    /// A fresh link.
    async fn dial(&self) -> Result<Link, Trouble>;
}
