//! One WebSocket and the agent behind it.

use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    sync::mpsc,
    time::{Duration, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Bounds, Conversation, Farewell, ServedAgent, conversation::WAITING};

/// How long the other side may take to hear goodbye.
const GOODBYE_LIMIT: Duration = Duration::from_secs(1);

/// Makes the connection refuse what is far too long before it is read. What is a little too long is read, so that the
/// other side can be told.
pub(super) fn sized(upgrade: WebSocketUpgrade, bounds: Bounds) -> WebSocketUpgrade {
    let hard = bounds.message * 2;
    upgrade
        .max_message_size(hard)
        .max_frame_size(hard)
        .write_buffer_size(0)
}

/// Carries messages both ways until one of the sides, or the process, ends it. The agent has put everything away when
/// this returns.
pub(super) async fn serve_socket(
    socket: WebSocket,
    agent: Arc<dyn ServedAgent>,
    bounds: Bounds,
    end: CancellationToken,
) -> Farewell {
    let (mut sink, mut stream) = socket.split();
    let (to_agent, incoming) = mpsc::channel(WAITING);
    let (outgoing, mut from_agent) = mpsc::channel(WAITING);
    let over = CancellationToken::new();
    let conversation = Conversation {
        incoming,
        outgoing,
        over: over.clone(),
    };
    let mut agent = agent.converse(conversation);
    let (farewell, agent_ended) = {
        let writing = write(&mut sink, &mut from_agent, bounds);
        tokio::pin!(writing);
        tokio::select! {
            () = end.cancelled() => (Farewell::shutting_down(), false),
            farewell = read(&mut stream, to_agent, bounds) => (farewell, false),
            farewell = &mut agent => {
                // Its last words are still on their way; no more can follow them.
                (writing.await.unwrap_or(farewell), true)
            }
            ended = &mut writing => {
                if let Some(farewell) = ended {
                    (farewell, false)
                } else {
                    over.cancel();
                    ((&mut agent).await, true)
                }
            }
        }
    };
    over.cancel();
    drop(from_agent);
    let goodbye = async { timeout(GOODBYE_LIMIT, say_goodbye(sink, stream, &farewell)).await };
    if agent_ended {
        let _unheard = goodbye.await;
    } else {
        let _both = tokio::join!(goodbye, agent);
    }
    farewell
}

/// Hands the client's messages to the agent.
async fn read(
    stream: &mut SplitStream<WebSocket>,
    to_agent: mpsc::Sender<String>,
    bounds: Bounds,
) -> Farewell {
    loop {
        let message = match timeout(bounds.silence, stream.next()).await {
            Err(_) => return Farewell::failed("nothing was heard from the client"),
            Ok(None | Some(Ok(Message::Close(_)))) => return Farewell::client_gone(),
            Ok(Some(Err(error))) => return Farewell::from_error(error, bounds.message),
            Ok(Some(Ok(message))) => message,
        };
        match message {
            Message::Text(text) if text.len() > bounds.message => {
                return Farewell::too_long(bounds.message);
            }
            Message::Text(text) => {
                match timeout(bounds.silence, to_agent.send(text.to_string())).await {
                    Ok(Ok(())) => {}
                    // The agent has ended, and says why.
                    Ok(Err(_)) => std::future::pending().await,
                    Err(_) => return Farewell::failed("the agent takes no input"),
                }
            }
            Message::Binary(_) => return Farewell::not_text(),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => {}
        }
    }
}

/// Sends what the agent says, and asks the client whether it is there. `None` when the agent has said everything.
async fn write(
    sink: &mut SplitSink<WebSocket, Message>,
    from_agent: &mut mpsc::Receiver<String>,
    bounds: Bounds,
) -> Option<Farewell> {
    let mut pings = interval(bounds.ping);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.tick().await;
    loop {
        let message = tokio::select! {
            line = from_agent.recv() => Message::Text(line?.into()),
            _ = pings.tick() => Message::Ping(Vec::new().into()),
        };
        match timeout(bounds.silence, sink.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Some(Farewell::client_gone()),
            Err(_) => return Some(Farewell::failed("the client does not read")),
        }
    }
}

/// Sends the close frame and reads on until the other side has seen it: a socket closed with unread data resets the
/// connection, and the reason is lost.
async fn say_goodbye(
    mut sink: SplitSink<WebSocket, Message>,
    mut stream: SplitStream<WebSocket>,
    farewell: &Farewell,
) {
    let frame = CloseFrame {
        code: farewell.code,
        reason: farewell.reason.as_str().into(),
    };
    // Refused where the other side closed first; reading on sends the answer to that.
    let _refused = sink.send(Message::Close(Some(frame))).await;
    while let Some(Ok(_)) = stream.next().await {}
}

impl Farewell {
    fn from_error(error: axum::Error, limit: usize) -> Self {
        use tokio_tungstenite::tungstenite::Error;
        match error.into_inner().downcast_ref::<Error>() {
            Some(Error::Capacity(_)) => Self::too_long(limit),
            Some(Error::Utf8(_)) => Self::not_text(),
            _ => Self::client_gone(),
        }
    }
}
