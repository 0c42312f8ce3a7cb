//! A gateway that listens, and clients that talk to it.

use std::future::Future;

use futures_util::{SinkExt, StreamExt};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderValue},
};

use super::*;
use crate::{clock::SystemClock, lifecycle::Signals};

pub(crate) const LIMIT: Duration = Duration::from_mins(1);

pub(crate) async fn within<T>(waited: impl Future<Output = T>) -> T {
    timeout(LIMIT, waited).await.expect("it takes far too long")
}

/// A gateway that listens, and its clients.
pub(crate) struct World {
    pub(crate) addr: SocketAddr,
    pub(crate) tasks: Tasks,
}

impl World {
    pub(crate) async fn new(
        agent: Arc<dyn ServedAgent>,
        token: Option<&str>,
        bounds: Bounds,
    ) -> Self {
        let tasks = Tasks::default();
        let gateway = Gateway::bind(
            ([127, 0, 0, 1], 0).into(),
            token.map(Secret::new),
            agent,
            bounds,
            Arc::new(SystemClock),
            &tasks,
        )
        .await
        .unwrap();
        let addr = gateway.local_addr().unwrap();
        gateway.serve();
        Self { addr, tasks }
    }

    pub(crate) async fn open(agent: impl ServedAgent + 'static) -> Self {
        Self::new(Arc::new(agent), None, Bounds::default()).await
    }

    /// Connects, with headers of the test's choice; a refusal is its status.
    pub(crate) async fn try_connect(
        &self,
        headers: &[(&'static str, &'static str)],
    ) -> Result<Client, u16> {
        let mut request = format!("ws://{}/acp", self.addr)
            .into_client_request()
            .unwrap();
        for (name, value) in headers {
            request
                .headers_mut()
                .insert(*name, HeaderValue::from_static(value));
        }
        match within(Box::pin(connect_async(request))).await {
            Ok((socket, _)) => Ok(Client(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn connect(&self) -> Client {
        self.try_connect(&[]).await.unwrap()
    }

    pub(crate) async fn health(&self) -> (u16, serde_json::Value) {
        let response = within(reqwest::get(format!("http://{}/health", self.addr)))
            .await
            .unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Ends everything as a signal would.
    pub(crate) async fn end(self) {
        self.tasks.shut_down();
        within(
            self.tasks
                .run_until_shutdown(NoSignals, Duration::from_secs(20)),
        )
        .await
        .unwrap();
    }
}

struct NoSignals;

impl Signals for NoSignals {
    async fn next(&mut self) -> &'static str {
        std::future::pending().await
    }
}

pub(crate) struct Client(pub(super) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub(crate) async fn say(&mut self, text: &str) {
        within(self.0.send(Message::text(text))).await.unwrap();
    }

    /// The next text.
    pub(crate) async fn hear(&mut self) -> String {
        loop {
            match within(self.0.next()).await {
                Some(Ok(Message::Text(text))) => return text.to_string(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("no text: {other:?}"),
            }
        }
    }

    /// How the other side said goodbye, whatever it says before that.
    pub(crate) async fn farewell(&mut self) -> (u16, String) {
        loop {
            match within(self.0.next()).await {
                Some(Ok(Message::Close(Some(frame)))) => {
                    return (frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(Message::Close(None)) | Err(_)) | None => panic!("no goodbye"),
                Some(Ok(_)) => {}
            }
        }
    }
}
