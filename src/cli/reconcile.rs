//! `reconcile`: rows and rooms are made to agree, or compared.

use crate::{
    app::{self, Purpose},
    cli::{ExitCode, Failure, Outcome, ReconcileArgs, output},
    config::Config,
};

/// Prints the report; with `--check`, drift is an exit code of its own.
pub async fn run(config: Config, args: ReconcileArgs) -> Outcome {
    let report =
        if args.check { app::check(&config).await? } else { app::start(config, Purpose::Reconcile).await? };
    if args.json {
        let json = serde_json::to_string_pretty(&report).map_err(|error| Failure::Failed(error.into()))?;
        output::line(&json);
    } else {
        output::line(report.to_string().trim_end());
    }
    Ok(if args.check && report.drift > 0 { ExitCode::Drift } else { ExitCode::Done })
}
