//! What the bot logged, for tests about log lines and for tests that fail.

use std::{
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};

use tracing::{Level, subscriber::DefaultGuard};
use tracing_subscriber::fmt::MakeWriter;

/// Lines that a failed test shows.
const TAIL: usize = 40;

#[derive(Clone, Default)]
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<u8>>>,
    /// Details too.
    pub(crate) closely: bool,
}

impl Log {
    /// Keeps what this thread logs, until the guard is dropped.
    pub(crate) fn listen(&self) -> DefaultGuard {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(if self.closely {
                Level::DEBUG
            } else {
                Level::INFO
            })
            .without_time()
            .with_ansi(false)
            .with_writer(self.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    /// How many lines say this.
    pub(crate) fn count(&self, words: &str) -> usize {
        self.text()
            .lines()
            .filter(|line| line.contains(words))
            .count()
    }

    /// The last lines.
    pub(crate) fn tail(&self) -> String {
        let text = self.text();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }

    /// The lines that say this.
    pub(crate) fn lines_with(&self, words: &str) -> Vec<String> {
        let text = self.text();
        let lines = text.lines().filter(|line| line.contains(words));
        lines.map(str::to_owned).collect()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.lines.lock().unwrap_or_else(PoisonError::into_inner))
            .into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
