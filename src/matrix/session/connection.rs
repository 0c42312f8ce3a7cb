//! Clients for a login, and the patience with which a session is asked for.

use std::{path::Path, time::Duration};

use matrix_sdk::{
    Client, ClientBuildError, SqliteStoreConfig, authentication::matrix::MatrixSession,
    config::RequestConfig, store::StateStoreDataKey,
};
use tokio_util::sync::CancellationToken;

use super::{Login, Session, SessionError, store_error};
use crate::matrix::{
    client::MatrixError,
    patient::{backoff, pause_after},
    sdk_client::chain,
    store::is_damage,
};

/// How long the server may take for an ordinary request.
const REQUEST_WITHIN: Duration = Duration::from_mins(1);

/// Connections to each of the SDK's databases: one writes, the others read.
const CONNECTIONS: usize = 4;
/// Pages that a connection keeps in memory, in bytes.
const PAGES_OF_A_CONNECTION: u32 = 512 * 1024;

pub(super) async fn with_session(
    login: &Login,
    session: MatrixSession,
) -> Result<Client, SessionError> {
    let client = build(login)
        .build()
        .await
        .map_err(|error| store_error(login, &error.to_string()))?;
    client
        .restore_session(session)
        .await
        .map_err(|error| store_error(login, &error.to_string()))?;
    Ok(client)
}

pub(super) fn build(login: &Login) -> matrix_sdk::ClientBuilder {
    // One request is one attempt: who waits, and for how long, is decided in one place, which is not the SDK.
    let requests = RequestConfig::new().timeout(REQUEST_WITHIN).disable_retry();
    Client::builder()
        .homeserver_url(&login.homeserver)
        .request_config(requests)
}

/// The SDK keeps four databases, and by itself up to four connections for each core to each of them, with two megabytes
/// of pages in each connection: on a large machine most of a bot's memory, for rows that are in memory anyway.
fn sdk_store(login: &Login) -> SqliteStoreConfig {
    SqliteStoreConfig::new(&login.store_path)
        .pool_max_size(CONNECTIONS)
        .cache_size(PAGES_OF_A_CONNECTION)
}

async fn build_with_store(login: &Login) -> Result<Client, ClientBuildError> {
    build(login)
        .sqlite_store_with_config_and_cache_path(sdk_store(login), None::<&Path>)
        .build()
        .await
}

/// Why the SDK's store could not be opened.
pub(super) enum StoreFailure {
    /// Its content is damaged.
    Damaged(String),
    /// A full disk, too many open files, a folder that is not writable: the content may be good.
    Unusable(String),
}

impl StoreFailure {
    fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        let reason = chain(error);
        if is_damage(error) {
            Self::Damaged(reason)
        } else {
            Self::Unusable(reason)
        }
    }

    pub(super) fn reason(&self) -> &str {
        match self {
            Self::Damaged(reason) | Self::Unusable(reason) => reason,
        }
    }
}

/// The position the SDK keeps is never used: it is ahead of what the journal has committed.
pub(super) async fn restore(
    login: &Login,
    session: MatrixSession,
) -> Result<Session, StoreFailure> {
    let client = build_with_store(login)
        .await
        .map_err(|error| StoreFailure::of(&error))?;
    let device_id = session.meta.device_id.to_string();
    client
        .state_store()
        .remove_kv_data(StateStoreDataKey::SyncToken)
        .await
        .map_err(|error| StoreFailure::of(&error))?;
    client
        .restore_session(session)
        .await
        .map_err(|error| StoreFailure::of(&error))?;
    client
        .encryption()
        .wait_for_e2ee_initialization_tasks()
        .await;
    Ok(Session { client, device_id })
}

pub(super) async fn patiently<T, F>(
    stop: &CancellationToken,
    mut ask: impl FnMut() -> F,
) -> Result<T, MatrixError>
where
    F: Future<Output = Result<T, MatrixError>>,
{
    let mut pauses = backoff();
    loop {
        let error = tokio::select! {
            () = stop.cancelled() => return Err(MatrixError::ShuttingDown),
            answer = ask() => match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            },
        };
        let Some(pause) = pause_after(&error, &mut pauses) else {
            return Err(error);
        };
        tracing::warn!(%error, pause_ms = pause.as_millis(), "waiting for the homeserver");
        tokio::select! {
            () = stop.cancelled() => return Err(MatrixError::ShuttingDown),
            () = tokio::time::sleep(pause) => {}
        }
    }
}
