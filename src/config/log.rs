//! How the bot logs.

use tracing_subscriber::EnvFilter;

use crate::config::{problem::Reported, reader::Reader};

/// What is logged where `RUST_LOG` says nothing: the bot's own steps, and of the SDK only what went wrong. Its HTTP
/// client reports each expected 404 as an error; the bot logs failed requests itself.
pub const DEFAULT_FILTER: &str =
    "info,matrix_sdk=warn,matrix_sdk_crypto=error,matrix_sdk::http_client=off";

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// How the bot logs.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// `SURFACES_LOG_FORMAT`.
    pub format: LogFormat,
    /// `RUST_LOG`.
    pub filter: String,
}

impl LogConfig {
    /// Reads the section.
    pub fn from_env(reader: &mut Reader<'_>) -> Result<Self, Reported> {
        let format = reader.or(
            "SURFACES_LOG_FORMAT",
            LogFormat::default(),
            "text or json",
            |text| match text {
                "text" => Some(LogFormat::Text),
                "json" => Some(LogFormat::Json),
                _ => None,
            },
        );
        let filter = reader.or(
            "RUST_LOG",
            DEFAULT_FILTER.to_owned(),
            "a level, or levels by module, such as info,surfaces_bot=debug",
            |text| EnvFilter::try_new(text).ok().map(|_| text.to_owned()),
        );
        Ok(Self {
            format: format?,
            filter: filter?,
        })
    }
}
