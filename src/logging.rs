//! Log lines: one event a line, on standard error.

use std::{
    io::{self, IsTerminal, Write},
    panic,
};

use tracing::error;
use tracing_subscriber::{
    EnvFilter, Layer, Registry, fmt,
    layer::SubscriberExt,
    util::{SubscriberInitExt, TryInitError},
};

use crate::config::{LogConfig, LogFormat};

/// The SDK says every few seconds that room keys are not backed up, which is so on purpose. What the operator asks for
/// comes later in the filter and counts.
const HUSHED: &str = "matrix_sdk_crypto::backups=error";

/// Logs from here on. Panics are logged too, so that they are one line like everything else.
pub fn init(config: &LogConfig) -> Result<(), TryInitError> {
    let colours = io::stderr().is_terminal();
    tracing_subscriber::registry()
        .with(layer(config, io::stderr, colours))
        .try_init()?;
    panic::set_hook(Box::new(|info| {
        let text = info.payload_as_str().unwrap_or("no message");
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        error!(panic.place = place, "panic: {text}");
    }));
    Ok(())
}

fn layer<W: Write + 'static>(
    config: &LogConfig,
    writer: impl Fn() -> W + Send + Sync + 'static,
    colours: bool,
) -> impl Layer<Registry> {
    // The filter was checked when the configuration was read.
    let filter = EnvFilter::new(format!("{HUSHED},{}", config.filter));
    let layer = fmt::layer().with_writer(move || OneLine(writer()));
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match config.format {
        LogFormat::Text => layer.with_ansi(colours).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    layer.with_filter(filter)
}

/// Keeps each event on one line, whatever a message quotes. The subscriber writes an event in one piece.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.trim_end_matches('\n');
        let line = line.replace('\n', "\\n").replace('\r', "\\r");
        self.0.write_all(format!("{line}\n").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{debug, info, subscriber::with_default};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, filter: &str) -> Vec<String> {
        let config = LogConfig {
            format,
            filter: filter.to_owned(),
        };
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber =
            tracing_subscriber::registry().with(layer(&config, move || writer.clone(), false));
        with_default(subscriber, || {
            info!(room.id = "!a:b", "message received in !a:b\nor not");
            debug!("details");
            info!(target: "matrix_sdk::http_client", "noise");
        });
        let bytes = lines.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn json_is_one_object_a_line_with_ids_in_fields() {
        let lines = logged(LogFormat::Json, crate::config::log::DEFAULT_FILTER);
        assert_eq!(lines.len(), 1, "{lines:#?}");
        let event: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(event["room.id"], "!a:b");
        assert_eq!(event["level"], "INFO");
        assert_eq!(event["message"], "message received in !a:b\nor not");
    }

    #[test]
    fn the_filter_decides_what_is_logged() {
        let lines = logged(LogFormat::Json, "surfaces_bot=debug");
        assert_eq!(lines.len(), 2, "{lines:#?}");
    }

    #[test]
    fn text_is_for_people() {
        let lines = logged(LogFormat::Text, "info");
        assert_eq!(lines.len(), 2, "{lines:#?}");
        assert!(lines[0].contains(" INFO "), "{lines:#?}");
        assert!(lines[0].contains("room.id=\"!a:b\""), "{lines:#?}");
    }
}
