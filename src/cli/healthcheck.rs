//! `surfaces-bot healthcheck`: asks the running bot, or a platform agent, whether it is ready.
//!
//! Reads no more of the configuration than where to ask, so that it works beside a bot whose secrets it cannot read.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use crate::{
    cli::{ExitCode, HealthcheckArgs, output},
    config::{self, Env, Reader},
};

const LIMIT: Duration = Duration::from_secs(3);

/// Done where the bot is ready; everything else is a failure, bad configuration too: container runtimes know only
/// these two.
pub async fn run(env: &Env, args: HealthcheckArgs) -> ExitCode {
    let ready = match args.url {
        Some(url) => answers(url.as_str()).await,
        None => ready(env).await,
    };
    match ready {
        Ok(()) => {
            output::line("ready");
            ExitCode::Done
        }
        Err(reason) => {
            output::error_line(&reason);
            ExitCode::Failed
        }
    }
}

async fn ready(env: &Env) -> Result<(), String> {
    let mut reader = Reader::new(env);
    let addr = config::http::addr_from_env(&mut reader).map_err(|_| {
        let problems = reader.into_problems();
        problems.last().map(ToString::to_string).unwrap_or_default()
    })?;
    let addr = addr.ok_or("SURFACES_HTTP_ADDR is empty: the bot does not answer health checks")?;
    answers(&format!("http://{}/readyz", reachable(addr))).await
}

async fn answers(url: &str) -> Result<(), String> {
    let unanswered = |error: reqwest::Error| {
        let error = anyhow::Error::from(error.without_url());
        format!("{url} does not answer: {error:#}")
    };
    // A proxy of the environment is for the outside world, not for this machine.
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(LIMIT)
        .build()
        .map_err(unanswered)?;
    let response = client.get(url).send().await.map_err(unanswered)?;
    if response.status() == reqwest::StatusCode::OK {
        return Ok(());
    }
    let status = response.status();
    let body = response.text().await.unwrap_or_default();
    Err(format!("not ready ({status}): {body}"))
}

/// Where a server that listens on `addr` is asked from the same machine.
fn reachable(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}

#[cfg(test)]
mod tests {
    use axum::{Router, http::StatusCode, routing::get};

    use super::*;
    use crate::cli::doctor::fixtures::serve;

    const HERE: HealthcheckArgs = HealthcheckArgs { url: None };

    fn env(addr: &str) -> Env {
        Env::of([("SURFACES_HTTP_ADDR", addr)])
    }

    #[tokio::test]
    async fn a_ready_bot_is_healthy() {
        let addr = serve(Router::new().route("/readyz", get(async || "{}"))).await;
        assert_eq!(run(&env(&addr.to_string()), HERE).await, ExitCode::Done);
        let any = format!("0.0.0.0:{}", addr.port());
        assert_eq!(run(&env(&any), HERE).await, ExitCode::Done);
    }

    #[tokio::test]
    async fn a_bot_that_is_not_ready_says_what_is_missing() {
        let body = async || (StatusCode::SERVICE_UNAVAILABLE, r#"{"missing":["x"]}"#);
        let addr = serve(Router::new().route("/readyz", get(body))).await;
        let reason = ready(&env(&addr.to_string())).await.unwrap_err();
        assert!(reason.starts_with("not ready (503"), "{reason}");
        assert!(reason.contains(r#"["x"]"#), "{reason}");
        assert_eq!(run(&env(&addr.to_string()), HERE).await, ExitCode::Failed);
    }

    #[tokio::test]
    async fn a_bot_that_is_not_there_is_not_healthy() {
        let addr = serve(Router::new()).await;
        let reason = ready(&env("127.0.0.1:1")).await.unwrap_err();
        assert!(reason.contains("refused"), "{reason}");
        let reason = ready(&env(&addr.to_string())).await.unwrap_err();
        assert!(reason.contains("404"), "{reason}");
    }

    #[tokio::test]
    async fn no_address_is_no_health() {
        let reason = ready(&env("")).await.unwrap_err();
        assert!(reason.contains("SURFACES_HTTP_ADDR is empty"), "{reason}");
        let reason = ready(&env("nonsense")).await.unwrap_err();
        assert!(reason.starts_with("SURFACES_HTTP_ADDR: read"), "{reason}");
    }

    #[tokio::test]
    async fn another_address_is_asked_where_it_is_given() {
        let addr = serve(Router::new().route("/health", get(async || "{}"))).await;
        let asked = |path: &str| HealthcheckArgs {
            url: format!("http://{addr}{path}").parse().ok(),
        };
        let nowhere = env("nonsense");
        assert_eq!(run(&nowhere, asked("/health")).await, ExitCode::Done);
        assert_eq!(run(&nowhere, asked("/other")).await, ExitCode::Failed);
    }

    #[test]
    fn any_address_is_asked_at_loopback() {
        let table = [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("10.0.0.7:80", "10.0.0.7:80"),
        ];
        for (listened, asked) in table {
            let asked: SocketAddr = asked.parse().unwrap();
            assert_eq!(reachable(listened.parse().unwrap()), asked);
        }
    }
}
