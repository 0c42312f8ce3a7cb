//! Whether the homeserver answers, and the questions that are put to it.

use reqwest::{Client, StatusCode};
use serde_json::Value;
use url::Url;

use crate::{
    cli::doctor::check::{Check, Trouble},
    config::Secret,
};

/// What the homeserver said.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// `null` where it was not JSON.
    pub(super) body: Value,
}

impl Answer {
    /// `403 M_FORBIDDEN` and the like.
    pub(super) fn refusal(&self) -> String {
        let code = self.body["errcode"]
            .as_str()
            .unwrap_or("without a Matrix error code");
        format!("{} {code}", self.status.as_u16())
    }
}

/// Whether a Matrix homeserver is there.
pub(super) async fn check(client: &Client, homeserver: &Url) -> Check {
    Check::of("homeserver", versions(client, homeserver).await)
}

async fn versions(client: &Client, homeserver: &Url) -> Result<String, Trouble> {
    let answer = get(client, homeserver, "versions", None).await?;
    let newest = answer.body["versions"]
        .as_array()
        .and_then(|versions| versions.last())
        .and_then(Value::as_str);
    match newest {
        Some(newest) if answer.status.is_success() => Ok(format!(
            "{homeserver} answers and speaks Matrix up to {newest}"
        )),
        _ => Err(Trouble::new(
            format!(
                "{homeserver} answers, but not as a Matrix homeserver ({})",
                answer.status.as_u16()
            ),
            "set MATRIX_HOMESERVER to the base URL of its client API; /.well-known/matrix/client of the server name often tells it",
        )),
    }
}

/// One question, under `/_matrix/client/`.
pub(super) async fn get(
    client: &Client,
    homeserver: &Url,
    path: &str,
    token: Option<&Secret>,
) -> Result<Answer, Trouble> {
    let base = homeserver.as_str().trim_end_matches('/');
    let mut request = client.get(format!("{base}/_matrix/client/{path}"));
    if let Some(token) = token {
        request = request.bearer_auth(token.expose());
    }
    let response = request.send().await.map_err(|error| {
        Trouble::new(
            format!(
                "{homeserver} does not answer: {:#}",
                anyhow::Error::from(error.without_url())
            ),
            "check MATRIX_HOMESERVER and whether the homeserver runs; the bot waits for it",
        )
    })?;
    let status = response.status();
    let body = response.json().await.unwrap_or(Value::Null);
    Ok(Answer { status, body })
}
