//! `platform-agent`: serves an agent to bots, as ACP over WebSocket at `/acp`, with its health at `/health`.
//!
//! One text frame is one JSON-RPC message. The gateway looks into none of them; it carries them between a WebSocket and
//! a [`ServedAgent`]: a command that runs once per connection ([`ChildAgent`]), or the
//! [reference agent](crate::platform::reference). Everything is bounded: frames, connections, what waits to be sent,
//! and how long a silent peer is waited for.

mod access;
mod child;
mod conversation;
mod health;
mod lines;
mod socket;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{
        State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tracing::{info, warn};

pub use self::{
    child::ChildAgent,
    conversation::{Conversation, Farewell, ServedAgent},
};
use self::{health::Health, socket::serve_socket};
use crate::{clock::Clock, config::Secret, lifecycle::Tasks};

/// What the gateway allows.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections at the same time.
    pub connections: usize,
    /// The longest message, both ways, in bytes.
    pub message: usize,
    /// How often a peer is asked whether it is there.
    pub ping: Duration,
    /// How long a peer may say nothing at all, and how long a message may wait for a reader.
    pub silence: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 64,
            message: 4 << 20,
            ping: Duration::from_secs(20),
            silence: Duration::from_mins(1),
        }
    }
}

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("--listen: cannot listen on {addr}; choose a free address of this machine")]
pub struct BindError {
    addr: SocketAddr,
    source: io::Error,
}

/// The server, listening.
pub struct Gateway {
    listener: TcpListener,
    served: Served,
}

#[derive(Clone)]
struct Served {
    token: Option<Secret>,
    agent: Arc<dyn ServedAgent>,
    health: Health,
    bounds: Bounds,
    free: Arc<Semaphore>,
    tasks: Tasks,
}

impl Gateway {
    /// Takes the address. Connections are served from [`Gateway::serve`] on.
    pub async fn bind(
        addr: SocketAddr,
        token: Option<Secret>,
        agent: Arc<dyn ServedAgent>,
        bounds: Bounds,
        clock: Arc<dyn Clock>,
        tasks: &Tasks,
    ) -> Result<Self, BindError> {
        let listener = TcpListener::bind(addr)
            .await
            .map_err(|source| BindError { addr, source })?;
        let served = Served {
            token,
            health: Health::new(Arc::clone(&agent), clock),
            agent,
            bounds,
            free: Arc::new(Semaphore::new(bounds.connections)),
            tasks: tasks.clone(),
        };
        Ok(Self { listener, served })
    }

    /// Where it listens: the port is a real one, also where 0 was asked for.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the process is asked to end.
    pub fn serve(self) {
        let Self { listener, served } = self;
        let tasks = served.tasks.clone();
        let prober = served.health.clone();
        let (end, no_more_questions) = (tasks.draining().clone(), tasks.draining().clone());
        tasks.spawn("health of the agent", async move {
            no_more_questions.run_until_cancelled(prober.ask()).await;
        });
        let router = Router::new()
            .route("/acp", get(acp))
            .route("/health", get(health))
            .with_state(served);
        tasks.spawn("http", async move {
            let ended = axum::serve(listener, router)
                .with_graceful_shutdown(end.cancelled_owned())
                .await;
            if let Err(error) = ended {
                warn!(error = %error, "the HTTP server ended: {error}");
            }
        });
    }
}

async fn health(State(served): State<Served>) -> Response {
    let (status, body) = match served.health.now().await {
        Ok(()) => (StatusCode::OK, serde_json::json!({"healthy": true})),
        Err(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            serde_json::json!({"healthy": false, "reason": reason}),
        ),
    };
    let kind = [(CONTENT_TYPE, "application/json")];
    (status, kind, body.to_string()).into_response()
}

async fn acp(
    State(served): State<Served>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if let Err(refusal) = access::check(&headers, served.token.as_ref()) {
        return refusal.into_response();
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    if served.tasks.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n").into_response();
    }
    let Ok(place) = Arc::clone(&served.free).try_acquire_owned() else {
        warn!(
            "a connection was refused: {} are open",
            served.bounds.connections
        );
        return (StatusCode::SERVICE_UNAVAILABLE, "too many connections\n").into_response();
    };
    let Served {
        agent,
        bounds,
        tasks,
        ..
    } = served;
    socket::sized(upgrade, bounds).on_upgrade(async move |socket| {
        let end = tasks.draining().clone();
        tasks.spawn("connection", async move {
            info!("a client connected");
            let farewell = serve_socket(socket, agent, bounds, end).await;
            info!(
                code = farewell.code,
                "a connection ended: {}", farewell.reason
            );
            drop(place);
        });
    })
}

#[cfg(test)]
pub(crate) mod tests;
