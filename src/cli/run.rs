//! `run`: the daemon.

use crate::{
    app::{self, Purpose},
    cli::{ExitCode, Outcome},
    config::Config,
};

/// Runs until the process is asked to end.
pub async fn run(config: Config) -> Outcome {
    app::start(config, Purpose::Run).await.map(|_| ExitCode::Done)
}
