//! Clients for a login, and the patience with which a session is asked for.

use std::time::Duration;

use matrix_sdk::{
    Client, ClientBuildError, authentication::matrix::MatrixSession, config::RequestConfig,
};
use tokio_util::sync::CancellationToken;

use super::{Login, SessionError, store_error};
use crate::matrix::{
    client::MatrixError,
    patient::{backoff, pause_after},
};

/// How long the server may take for an ordinary request.
const REQUEST_WITHIN: Duration = Duration::from_mins(1);

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

pub(super) async fn build_with_store(login: &Login) -> Result<Client, ClientBuildError> {
    build(login)
        .sqlite_store(&login.store_path, None)
        .build()
        .await
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
