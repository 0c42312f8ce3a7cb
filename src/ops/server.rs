//! `/healthz`, `/readyz` and `/metrics` over HTTP.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};
use serde_json::json;
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::warn;

use crate::{
    lifecycle::Tasks,
    ops::{Metrics, Readiness},
};

/// How long the database may take to answer.
const DATABASE_LIMIT: Duration = Duration::from_secs(2);

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Asks the database for something small.
#[async_trait]
pub trait DatabaseProbe: Send + Sync {
    /// Whether it answered; otherwise what went wrong.
    async fn answers(&self) -> Result<(), String>;
}

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error(
    "SURFACES_HTTP_ADDR: cannot listen on {addr}; choose a free address, or set it empty to turn this off"
)]
pub struct BindError {
    addr: SocketAddr,
    source: io::Error,
}

/// The server, listening.
pub struct OpsServer {
    listener: TcpListener,
    router: Router,
    readiness: Readiness,
}

#[derive(Clone)]
struct Served {
    readiness: Readiness,
    metrics: Metrics,
    database: Arc<dyn DatabaseProbe>,
}

impl OpsServer {
    /// Takes the address. Requests are answered from [`OpsServer::serve_beside_work`] on.
    pub async fn bind(
        addr: SocketAddr,
        readiness: Readiness,
        metrics: Metrics,
        database: Arc<dyn DatabaseProbe>,
    ) -> Result<Self, BindError> {
        let listener = TcpListener::bind(addr)
            .await
            .map_err(|source| BindError { addr, source })?;
        let router = Router::new()
            .route("/healthz", get(async || "ok\n"))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics_text))
            .with_state(Served {
                readiness: readiness.clone(),
                metrics,
                database,
            });
        Ok(Self {
            listener,
            router,
            readiness,
        })
    }

    /// Where it listens: the port is a real one, also where 0 was asked for.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers beside the work, and says so when its end begins; until the guard of the work is dropped.
    pub fn serve_beside_work(self, tasks: &Tasks) -> DropGuard {
        let (readiness, draining) = (self.readiness.clone(), tasks.draining().clone());
        tasks.spawn("readiness", async move {
            draining.cancelled().await;
            readiness.ending();
        });
        let end = tasks.stop().child_token();
        tasks.spawn("HTTP server", self.serve(end.clone()));
        end.drop_guard()
    }

    /// Answers until the token is cancelled.
    async fn serve(self, end: CancellationToken) {
        let served = axum::serve(self.listener, self.router)
            .with_graceful_shutdown(end.cancelled_owned())
            .await;
        if let Err(error) = served {
            warn!(error = %error, "the HTTP server ended: {error}");
        }
    }
}

async fn readyz(State(served): State<Served>) -> impl IntoResponse {
    let mut missing = served.readiness.missing();
    match timeout(DATABASE_LIMIT, served.database.answers()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => missing.push(format!("the database does not answer: {error}")),
        Err(_) => missing.push(format!(
            "the database does not answer within {} s",
            DATABASE_LIMIT.as_secs()
        )),
    }
    let status = if missing.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({"ready": missing.is_empty(), "missing": missing});
    (
        status,
        [(CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
}

async fn metrics_text(State(served): State<Served>) -> impl IntoResponse {
    let text = served.metrics.text(served.readiness.sync_age());
    ([(CONTENT_TYPE, OPENMETRICS)], text)
}

#[cfg(test)]
mod tests;
