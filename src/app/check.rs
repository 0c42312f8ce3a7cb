//! `reconcile --check`: a look at the homeserver and the database that leaves no trace.

use std::sync::Arc;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use super::{failure, login, reconcile_defaults};
use crate::{
    cli::Failure,
    config::Config,
    matrix::{
        client::MatrixClient,
        patient::PatientClient,
        reconcile::{self, Mode, Report, observe::observe},
        sdk_client::SdkClient,
        session::{self, Session, Trace},
        state::Snapshot,
        store::Store,
        sync,
    },
};

/// What a reconcile would do now. Takes no hold of the data and writes nothing anywhere.
pub async fn check(config: &Config) -> Result<Report, Failure> {
    let store = match Store::open_for_reading(&config.matrix.db_path)
        .context("the database cannot be read")?
    {
        Some(store) => store,
        None => Store::in_memory().context("no database in memory")?,
    };
    let stop = CancellationToken::new();
    let (session, trace) = session::open_without_store(&login(config), &stop)
        .await
        .map_err(|error| failure(error.into()))?;
    let found = look(config, &session, store, stop).await;
    if trace == Trace::Device {
        session::log_out(&session).await;
    }
    found.map_err(failure)
}

async fn look(
    config: &Config,
    session: &Session,
    store: Store,
    stop: CancellationToken,
) -> anyhow::Result<Report> {
    let plain: Arc<dyn MatrixClient> = Arc::new(SdkClient::new(session.client.clone())?);
    let client = PatientClient::new(plain, stop, Arc::new(|_| {}));
    let batch = sync::look(&session.client)
        .await
        .context("the homeserver did not tell its state")?;
    let snapshot = Snapshot::of_full_sync(batch, &client.joined_rooms().await?, client.user_id());
    let outcome = reconcile::run(
        &client,
        &store,
        observe(&snapshot, client.user_id()),
        &reconcile_defaults(config, &config.agents.default),
        &Mode::Check,
    )
    .await?;
    Ok(outcome.report)
}
