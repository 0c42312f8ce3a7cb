//! Whether the bot can prove who it is: by its saved session, its token or its password, in this order.
//!
//! A password is not tried: each login would leave a device behind.

use std::{fs, io, os::unix::fs::PermissionsExt, path::Path};

use matrix_sdk::ruma::{DeviceId, OwnedDeviceId, OwnedUserId};
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use url::Url;

use crate::{
    cli::doctor::{
        check::{Check, Trouble},
        homeserver::get,
    },
    config::{Credentials, MatrixConfig, Secret},
};

/// The saved session, in the store folder.
pub const SESSION_FILE: &str = "session.json";

#[derive(Deserialize)]
struct SavedSession {
    user_id: OwnedUserId,
    device_id: OwnedDeviceId,
    access_token: String,
}

/// What became of a token.
enum Verdict {
    Good,
    Refused(String),
}

/// Whether the bot can prove who it is.
pub(super) async fn check(client: &Client, matrix: &MatrixConfig) -> Check {
    Check::of("session", finding(client, matrix).await)
}

async fn finding(client: &Client, matrix: &MatrixConfig) -> Result<String, Trouble> {
    let path = matrix.store_path.join(SESSION_FILE);
    let Some(session) = saved(&path, matrix)? else {
        return configured(client, matrix).await;
    };
    let token = Secret::new(session.access_token);
    match whoami(client, matrix, &token, Some(&session.device_id)).await? {
        Verdict::Good => Ok(format!(
            "saved for {} on the device {}, and valid",
            session.user_id, session.device_id
        )),
        Verdict::Refused(refusal) => match configured(client, matrix).await {
            Ok(instead) => Ok(format!(
                "the saved one is no longer valid ({refusal}); {instead}"
            )),
            Err(trouble) => Err(Trouble::new(
                format!(
                    "the saved one is no longer valid ({refusal}), and {}",
                    trouble.what
                ),
                trouble.remedy,
            )),
        },
    }
}

/// The saved session, where there is one and it can be this bot's.
fn saved(path: &Path, matrix: &MatrixConfig) -> Result<Option<SavedSession>, Trouble> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Trouble::new(
                format!("cannot read {}: {error}", path.display()),
                "let the bot's account read it",
            ));
        }
    };
    // The parser's own words would quote what stands in the file.
    let session: SavedSession = serde_json::from_str(&text).map_err(|_| {
        Trouble::new(
            format!("{} is not a saved session", path.display()),
            "move it away; the bot logs in anew",
        )
    })?;
    if session.user_id != matrix.user_id {
        return Err(Trouble::new(
            format!(
                "saved for {}, but MATRIX_USER_ID is {}",
                session.user_id, matrix.user_id
            ),
            "set MATRIX_STORE_PATH and MATRIX_DB_PATH to places of their own for each account",
        ));
    }
    if let Ok(metadata) = fs::metadata(path)
        && metadata.permissions().mode() & 0o077 != 0
    {
        return Err(Trouble::new(
            format!("other accounts of this machine can read {}", path.display()),
            format!("run: chmod 600 {}", path.display()),
        ));
    }
    Ok(Some(session))
}

/// How the bot would log in at start-up.
async fn configured(client: &Client, matrix: &MatrixConfig) -> Result<String, Trouble> {
    match &matrix.credentials {
        Credentials::Password(_) => password_login(client, &matrix.homeserver).await,
        Credentials::AccessToken { token, device_id } => {
            match whoami(client, matrix, token, device_id.as_deref()).await? {
                Verdict::Good => Ok(format!(
                    "MATRIX_ACCESS_TOKEN is valid for {}",
                    matrix.user_id
                )),
                Verdict::Refused(refusal) => Err(Trouble::new(
                    format!("MATRIX_ACCESS_TOKEN is not valid ({refusal})"),
                    "make a new token, or set MATRIX_PASSWORD instead",
                )),
            }
        }
    }
}

async fn password_login(client: &Client, homeserver: &Url) -> Result<String, Trouble> {
    let answer = get(client, homeserver, "v3/login", None).await?;
    let offered = answer.body["flows"]
        .as_array()
        .is_some_and(|flows| flows.iter().any(|flow| flow["type"] == "m.login.password"));
    if offered {
        return Ok("the bot will log in with MATRIX_PASSWORD when it starts".to_owned());
    }
    Err(Trouble::new(
        "the homeserver offers no login with a password",
        "set MATRIX_ACCESS_TOKEN instead",
    ))
}

/// Asks whose token it is. Somebody else's, or another device's, is trouble.
async fn whoami(
    client: &Client,
    matrix: &MatrixConfig,
    token: &Secret,
    device_id: Option<&DeviceId>,
) -> Result<Verdict, Trouble> {
    let answer = get(client, &matrix.homeserver, "v3/account/whoami", Some(token)).await?;
    if answer.status == StatusCode::UNAUTHORIZED {
        return Ok(Verdict::Refused(answer.refusal()));
    }
    let Some(user_id) = answer.body["user_id"].as_str() else {
        return Err(Trouble::new(
            format!(
                "the homeserver does not say whose token it is ({})",
                answer.refusal()
            ),
            "see the homeserver's log, and check again",
        ));
    };
    if user_id != matrix.user_id {
        return Err(Trouble::new(
            format!(
                "the token belongs to {user_id}, but MATRIX_USER_ID is {}",
                matrix.user_id
            ),
            "set the one that belongs to the other",
        ));
    }
    match (device_id, answer.body["device_id"].as_str()) {
        (Some(expected), Some(real)) if expected != real => Err(Trouble::new(
            format!("the token belongs to the device {real}, not to {expected}"),
            "set MATRIX_DEVICE_ID to the token's device, or leave it out",
        )),
        _ => Ok(Verdict::Good),
    }
}
