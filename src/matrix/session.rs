//! The login: restored where it can be, made anew where it must be, saved before it is used.
//!
//! One device over all restarts: its id is what transaction ids and encryption keys belong to. Only a lost or foreign
//! store folder makes a new one.

mod connection;
mod folder;

use std::{path::PathBuf, time::SystemTime};

use matrix_sdk::{
    Client, SessionMeta, SessionTokens,
    authentication::matrix::MatrixSession,
    ruma::{OwnedDeviceId, OwnedUserId, api::client::account::whoami},
};
use tokio_util::sync::CancellationToken;
use url::Url;

pub use self::folder::{SESSION_FILE, saved};
use self::{
    connection::{StoreFailure, build, patiently, restore, with_session},
    folder::{move_store_aside, remove_store, save},
};
use crate::{
    boundary::{Boundary, reached},
    matrix::{client::MatrixError, sdk_client::failure},
};

/// The SDK's encryption store: keys of the saved device live nowhere else.
const CRYPTO_STORE: &str = "matrix-sdk-crypto.sqlite3";

/// How to log in.
#[derive(Clone)]
pub enum Credentials {
    /// With a password: a lost session can be replaced.
    Password(String),
    /// With a token that was issued elsewhere.
    AccessToken {
        /// The token.
        token: String,
        /// The device it is expected to belong to.
        device_id: Option<String>,
    },
}

/// Who logs in where.
#[derive(Clone)]
pub struct Login {
    /// The homeserver's client API.
    pub homeserver: Url,
    /// The bot.
    pub user_id: OwnedUserId,
    /// Its proof.
    pub credentials: Credentials,
    /// The SDK's store folder.
    pub store_path: PathBuf,
    /// What the device is called in session lists.
    pub device_name: String,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The credentials are no good; only the operator can help.
    #[error("{0}")]
    Refused(String),
    /// The homeserver or the client failed for another reason, and asking again does not help.
    #[error("{0}")]
    Failed(String),
    /// The store folder cannot be used.
    #[error(
        "the store folder {path} cannot be used: {reason}; check that it is writable and has room"
    )]
    Store {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The process is ending.
    #[error("shutting down")]
    ShuttingDown,
}

/// A session that works.
pub struct Session {
    /// Logged in, its encryption ready.
    pub client: Client,
    /// The device.
    pub device_id: String,
}

/// Restores the saved session, or logs in and saves. Waits for a server that does not answer.
pub async fn open(
    login: &Login,
    now: SystemTime,
    stop: &CancellationToken,
) -> Result<Session, SessionError> {
    let session = match usable_saved(login) {
        Some(saved) => match verify(login, &saved, stop).await? {
            Verdict::Valid => saved,
            Verdict::Gone { soft } => replace(login, &saved, soft, stop).await?,
        },
        None => log_in(login, stop).await?,
    };
    match restore(login, session).await {
        Err(StoreFailure::Damaged(reason)) => {
            tracing::error!(
                reason,
                "the SDK's store is damaged: it is moved aside, and the bot logs in anew"
            );
            move_store_aside(login, now)?;
            // Its keys are lost. A device that goes on with others is one that nobody trusts, so this makes a new one,
            // unless the access token names the device.
            let session = log_in(login, stop).await?;
            restore(login, session).await
        }
        other => other,
    }
    .map_err(|failure| store_error(login, failure.reason()))
}

/// A client without any store, for requests that leave no trace: the saved session, or a login of its own.
pub async fn open_without_store(
    login: &Login,
    stop: &CancellationToken,
) -> Result<(Session, Trace), SessionError> {
    let (session, trace) = match usable_saved(login) {
        Some(saved) => (saved, Trace::None),
        None => match &login.credentials {
            Credentials::Password(_) => (password_login(login, None, stop).await?, Trace::Device),
            Credentials::AccessToken { .. } => (token_session(login, stop).await?, Trace::None),
        },
    };
    let device_id = session.meta.device_id.to_string();
    let client = build(login)
        .build()
        .await
        .map_err(|error| store_error(login, &error.to_string()))?;
    client
        .restore_session(session)
        .await
        .map_err(|error| store_error(login, &error.to_string()))?;
    Ok((Session { client, device_id }, trace))
}

/// Ends the session on the server.
pub async fn log_out(session: &Session) {
    if let Err(error) = session.client.matrix_auth().logout().await {
        tracing::warn!(device.id = session.device_id, %error, "the session could not be signed out; do so in a Matrix client");
    }
}

/// What [`open_without_store`] left on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// Nothing.
    None,
    /// A device of its own: log it out when done.
    Device,
}

/// The saved session, if it is this bot's and its keys are still there.
fn usable_saved(login: &Login) -> Option<MatrixSession> {
    let saved = saved(&login.store_path)?;
    if saved.meta.user_id != login.user_id {
        tracing::warn!(saved = %saved.meta.user_id, "the saved session is another user's: logging in anew");
        return None;
    }
    if !login.store_path.join(CRYPTO_STORE).exists() {
        tracing::warn!("the keys of the saved device are gone: logging in as a new device");
        return None;
    }
    if let Credentials::AccessToken { token, .. } = &login.credentials
        && *token != saved.tokens.access_token
    {
        tracing::info!(
            "the configured access token is not the saved one: using the configured one"
        );
        return None;
    }
    Some(saved)
}

enum Verdict {
    Valid,
    Gone { soft: bool },
}

async fn verify(
    login: &Login,
    session: &MatrixSession,
    stop: &CancellationToken,
) -> Result<Verdict, SessionError> {
    let client = with_session(login, session.clone()).await?;
    match patiently(stop, || async {
        Ok(client.send(whoami::v3::Request::new()).await?)
    })
    .await
    {
        Ok(answer) if answer.user_id == login.user_id => Ok(Verdict::Valid),
        Ok(answer) => Err(SessionError::Refused(wrong_user(login, &answer.user_id))),
        Err(MatrixError::UnknownToken { soft_logout }) => Ok(Verdict::Gone { soft: soft_logout }),
        Err(error) => Err(refusal(error)),
    }
}

/// A soft logout keeps the device and its keys; after a hard one the server has forgotten both.
async fn replace(
    login: &Login,
    saved: &MatrixSession,
    soft: bool,
    stop: &CancellationToken,
) -> Result<MatrixSession, SessionError> {
    if matches!(login.credentials, Credentials::AccessToken { .. }) {
        return Err(SessionError::Refused(
            "the homeserver does not accept MATRIX_ACCESS_TOKEN any more: issue a new one"
                .to_owned(),
        ));
    }
    tracing::warn!(
        soft,
        "the homeserver ended the saved session: logging in again"
    );
    let device = soft.then(|| saved.meta.device_id.clone());
    if !soft {
        remove_store(login)?;
    }
    let session = password_login(login, device, stop).await?;
    save(login, &session)?;
    reached(Boundary::SessionSaved);
    Ok(session)
}

async fn log_in(login: &Login, stop: &CancellationToken) -> Result<MatrixSession, SessionError> {
    let session = match &login.credentials {
        Credentials::Password(_) => {
            // Keys of another device, and state that nobody can vouch for.
            remove_store(login)?;
            password_login(login, None, stop).await?
        }
        Credentials::AccessToken { .. } => {
            let session = token_session(login, stop).await?;
            let same_device = saved(&login.store_path)
                .is_some_and(|saved| saved.meta.device_id == session.meta.device_id);
            if !same_device {
                remove_store(login)?;
            }
            session
        }
    };
    save(login, &session)?;
    reached(Boundary::SessionSaved);
    Ok(session)
}

async fn password_login(
    login: &Login,
    device: Option<OwnedDeviceId>,
    stop: &CancellationToken,
) -> Result<MatrixSession, SessionError> {
    let Credentials::Password(password) = &login.credentials else {
        return Err(SessionError::Refused(
            "a password is needed to log in: set MATRIX_PASSWORD".to_owned(),
        ));
    };
    let client = build(login)
        .build()
        .await
        .map_err(|error| store_error(login, &error.to_string()))?;
    let attempt = || async {
        let mut builder = client
            .matrix_auth()
            .login_username(login.user_id.as_str(), password);
        builder = builder.initial_device_display_name(&login.device_name);
        if let Some(device) = &device {
            builder = builder.device_id(device.as_str());
        }
        builder.send().await.map_err(failure)
    };
    let response = patiently(stop, attempt).await.map_err(refusal)?;
    if response.user_id != login.user_id {
        return Err(SessionError::Refused(wrong_user(login, &response.user_id)));
    }
    Ok(MatrixSession::from(&response))
}

async fn token_session(
    login: &Login,
    stop: &CancellationToken,
) -> Result<MatrixSession, SessionError> {
    let Credentials::AccessToken { token, device_id } = &login.credentials else {
        return Err(SessionError::Refused(
            "MATRIX_ACCESS_TOKEN is not set".to_owned(),
        ));
    };
    let session = |device_id: OwnedDeviceId| MatrixSession {
        meta: SessionMeta {
            user_id: login.user_id.clone(),
            device_id,
        },
        tokens: SessionTokens {
            access_token: token.clone(),
            refresh_token: None,
        },
    };
    let client = with_session(login, session("UNKNOWN".into())).await?;
    let answer = patiently(stop, || async {
        Ok(client.send(whoami::v3::Request::new()).await?)
    })
    .await
    .map_err(refusal)?;
    if answer.user_id != login.user_id {
        return Err(SessionError::Refused(wrong_user(login, &answer.user_id)));
    }
    let Some(device) = answer.device_id else {
        return Err(SessionError::Refused(
            "MATRIX_ACCESS_TOKEN belongs to no device: issue one by logging in".to_owned(),
        ));
    };
    if device_id
        .as_ref()
        .is_some_and(|expected| *expected != device.as_str())
    {
        return Err(SessionError::Refused(format!(
            "MATRIX_ACCESS_TOKEN belongs to the device {device}, not to MATRIX_DEVICE_ID: correct one of them"
        )));
    }
    Ok(session(device))
}

fn refusal(error: MatrixError) -> SessionError {
    match error {
        MatrixError::ShuttingDown => SessionError::ShuttingDown,
        MatrixError::UnknownToken { .. } => SessionError::Refused(
            "the homeserver does not know MATRIX_ACCESS_TOKEN: issue a new one".to_owned(),
        ),
        MatrixError::Refused {
            status,
            errcode,
            message,
        } if is_about_credentials(status, &errcode) => SessionError::Refused(format!(
            "the homeserver refused the login ({errcode}: {message}): check MATRIX_USER_ID and the password or token"
        )),
        other => SessionError::Failed(format!("the bot could not log in: {other}")),
    }
}

/// Whether other credentials may be accepted. A user name of the wrong form and a way to log in that the server does not
/// offer are refused with 400; a server that is full refuses everybody.
fn is_about_credentials(status: u16, errcode: &str) -> bool {
    matches!(status, 400 | 401 | 403) && errcode != "M_RESOURCE_LIMIT_EXCEEDED"
}

fn wrong_user(login: &Login, found: &OwnedUserId) -> String {
    format!(
        "the credentials belong to {found}, not to MATRIX_USER_ID {}: correct one of them",
        login.user_id
    )
}

fn store_error(login: &Login, reason: &str) -> SessionError {
    SessionError::Store {
        path: login.store_path.clone(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests;
