//! An agent behind a WebSocket: one message in each text frame.

use std::{io, time::Duration};

use async_trait::async_trait;
use futures_util::{SinkExt, StreamExt, future};
use tokio::time::timeout;
use tokio_tungstenite::{
    connect_async_with_config,
    tungstenite::{
        self, Message,
        client::IntoClientRequest,
        http::{HeaderValue, header::AUTHORIZATION},
        protocol::WebSocketConfig,
    },
};
use url::Url;

use super::{
    link::{Dial, Incoming, LONGEST_MESSAGE, Link, Nothing, Outgoing},
    trouble::{Trouble, one_line},
};
use crate::config::Secret;

/// How long the server may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the agent is.
pub(super) struct Socket {
    pub(super) url: Url,
    pub(super) token: Option<Secret>,
}

#[async_trait]
impl Dial for Socket {
    async fn dial(&self) -> Result<Link, Trouble> {
        let request = self.request()?;
        let limits = WebSocketConfig::default()
            .max_message_size(Some(LONGEST_MESSAGE))
            .max_frame_size(Some(LONGEST_MESSAGE));
        let connecting = connect_async_with_config(request, Some(limits), true);
        let (socket, _) = timeout(PATIENCE, connecting)
            .await
            .map_err(|_| Trouble::passing("the WebSocket server does not answer"))?
            .map_err(|error| unreachable_agent(&error))?;
        let (sink, stream) = socket.split();
        Ok(Link {
            incoming: stream.map(said).boxed(),
            outgoing: Box::pin(
                sink.sink_map_err(io::Error::other)
                    .with(|outgoing: Outgoing| {
                        future::ready(Ok::<_, io::Error>(match outgoing {
                            Outgoing::Message(text) => Message::text(text),
                            Outgoing::Pulse => Message::Ping(tungstenite::Bytes::new()),
                        }))
                    }),
            ),
            has_pulse: true,
            far_end: Box::new(Nothing),
        })
    }
}

impl Socket {
    fn request(&self) -> Result<tungstenite::handshake::client::Request, Trouble> {
        let invalid =
            |what: &str| Trouble::lasting(format!("{what} cannot be used for a WebSocket"));
        let mut request = self
            .url
            .as_str()
            .into_client_request()
            .map_err(|_| invalid("the url"))?;
        if let Some(token) = &self.token {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose()))
                .map_err(|_| invalid("the token"))?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        Ok(request)
    }
}

/// Whatever is no text is a sign of life; a binary frame with text in it is taken for what it means.
fn said(message: Result<Message, tungstenite::Error>) -> io::Result<Incoming> {
    match message {
        Ok(Message::Text(text)) => Ok(Incoming::Message(text.to_string())),
        Ok(Message::Binary(bytes)) => Ok(Incoming::Message(
            String::from_utf8_lossy(&bytes).into_owned(),
        )),
        Ok(Message::Close(_)) => Err(io::Error::other("it closed the WebSocket")),
        Ok(_) => Ok(Incoming::Pulse),
        Err(error) => Err(io::Error::other(one_line(&error.to_string(), 200))),
    }
}

fn unreachable_agent(error: &tungstenite::Error) -> Trouble {
    let detail = format!(
        "the WebSocket cannot be opened: {}",
        one_line(&error.to_string(), 200)
    );
    match error {
        tungstenite::Error::Http(response) if response.status().is_client_error() => {
            Trouble::lasting(format!("{detail}; see its url and token"))
        }
        tungstenite::Error::Url(_) | tungstenite::Error::HttpFormat(_) => Trouble::lasting(detail),
        _ => Trouble::passing(detail),
    }
}

#[cfg(test)]
mod tests;
