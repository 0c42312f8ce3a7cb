//! The gateway over real sockets, with agents that are told what to do.

mod world;

use std::path::PathBuf;

use async_trait::async_trait;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;

pub(crate) use self::world::{Client, World, within};
use super::*;
use crate::clock::SystemClock;

/// A shell script as an agent.
pub(crate) fn script(text: &str) -> ChildAgent {
    ChildAgent {
        program: PathBuf::from("sh"),
        arguments: vec!["-c".to_owned(), text.to_owned()],
        hidden: Vec::new(),
        longest_line: 1000,
    }
}

/// Says everything back.
struct Echo;

#[async_trait]
impl ServedAgent for Echo {
    async fn converse(&self, mut conversation: Conversation) -> Farewell {
        loop {
            tokio::select! {
                () = conversation.over.cancelled() => return Farewell::client_gone(),
                line = conversation.incoming.recv() => match line {
                    Some(line) => { let _gone = conversation.outgoing.send(line).await; }
                    None => return Farewell::client_gone(),
                },
            }
        }
    }
}

#[tokio::test]
async fn only_those_who_know_the_token_may_connect() {
    let world = World::new(Arc::new(Echo), Some("right"), Bounds::default()).await;
    assert_eq!(world.try_connect(&[]).await.err(), Some(401));
    let wrong = [("authorization", "Bearer wrong")];
    assert_eq!(world.try_connect(&wrong).await.err(), Some(401));
    let right = ("authorization", "Bearer right");
    let mut client = world.try_connect(&[right]).await.unwrap();
    client.say("hello").await;
    assert_eq!(client.hear().await, "hello");
    let page = [right, ("origin", "https://example.org")];
    assert_eq!(world.try_connect(&page).await.err(), Some(403));
    let response = reqwest::get(format!("http://{}/acp", world.addr))
        .await
        .unwrap();
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn connections_are_counted_and_given_back() {
    let bounds = Bounds {
        connections: 1,
        ..Bounds::default()
    };
    let world = World::new(Arc::new(Echo), None, bounds).await;
    let first = world.connect().await;
    assert_eq!(world.try_connect(&[]).await.err(), Some(503));
    drop(first);
    within(async {
        while world.try_connect(&[]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_that_is_too_long_ends_the_connection_with_the_reason() {
    let bounds = Bounds {
        message: 100,
        ..Bounds::default()
    };
    let world = World::new(Arc::new(Echo), None, bounds).await;
    let mut client = world.connect().await;
    client.say(&"x".repeat(100)).await;
    assert_eq!(client.hear().await.len(), 100);
    client.say(&"x".repeat(101)).await;
    assert_eq!(
        client.farewell().await,
        (1009, "a message is longer than 100 bytes".to_owned())
    );
    // Much too long: not even read. Whether the reason arrives is a matter of luck; that it ends is not.
    let mut client = world.connect().await;
    let _refused = client.0.send(Message::text("x".repeat(1 << 20))).await;
    while let Some(Ok(message)) = within(client.0.next()).await {
        assert!(!message.is_text());
    }
}

#[tokio::test]
async fn bytes_are_no_messages() {
    let world = World::open(Echo).await;
    let mut client = world.connect().await;
    client.0.send(Message::binary(vec![1, 2])).await.unwrap();
    assert_eq!(client.farewell().await.0, 1003);
}

#[tokio::test]
async fn a_client_that_does_not_answer_pings_is_let_go() {
    let bounds = Bounds {
        ping: Duration::from_millis(100),
        silence: Duration::from_secs(2),
        ..Bounds::default()
    };
    let world = World::new(Arc::new(Echo), None, bounds).await;
    let alive = async {
        let mut client = world.connect().await;
        // For longer than silence is borne. Reading them answers them.
        for _ in 0..25 {
            assert!(matches!(
                within(client.0.next()).await,
                Some(Ok(Message::Ping(_)))
            ));
        }
    };
    let dead = async {
        let mut socket = tokio::net::TcpStream::connect(world.addr).await.unwrap();
        let request = "GET /acp HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        within(socket.read_to_end(&mut heard)).await.unwrap();
        let heard = String::from_utf8_lossy(&heard).into_owned();
        assert!(
            heard.contains("nothing was heard from the client"),
            "{heard}"
        );
    };
    tokio::join!(alive, dead);
}

#[tokio::test]
async fn the_process_says_goodbye_when_it_ends() {
    let world = World::open(Echo).await;
    let mut client = world.connect().await;
    client.say("hello").await;
    client.hear().await;
    let (farewell, ()) = tokio::join!(client.farewell(), world.end());
    assert_eq!(farewell, (1001, "shutting down".to_owned()));
}

#[tokio::test]
async fn a_command_gets_lines_and_says_lines() {
    let world = World::open(script("cat")).await;
    let (mut one, mut other) = (world.connect().await, world.connect().await);
    one.say("{\n\"id\": 1\r\n}").await;
    other.say("другой").await;
    assert_eq!(one.hear().await, "{ \"id\": 1  }");
    assert_eq!(other.hear().await, "другой");
    one.say("again").await;
    assert_eq!(one.hear().await, "again");
}

#[tokio::test]
async fn only_text_lines_of_a_command_are_handed_on() {
    let world = World::open(script(
        r"printf '\377\n\n \nfine\nlast'; echo noise >&2; exec cat >/dev/null",
    ))
    .await;
    let mut client = world.connect().await;
    assert_eq!(client.hear().await, "fine");
}

#[tokio::test]
async fn a_line_of_a_command_that_never_ends_closes_the_connection() {
    let world = World::open(script("head -c 5000 /dev/zero | tr '\\0' x; cat")).await;
    let mut client = world.connect().await;
    assert_eq!(
        client.farewell().await,
        (1009, "a message is longer than 1000 bytes".to_owned())
    );
}

#[tokio::test]
async fn a_command_that_ends_says_its_last_words_and_how_it_ended() {
    for (text, expected) in [
        (
            "echo word; exit 3",
            (1011, "the agent ended: exit status: 3"),
        ),
        ("echo word", (1000, "the agent ended")),
        (
            "echo word; kill -9 $$",
            (1011, "the agent ended: signal: 9 (SIGKILL)"),
        ),
        (
            "echo word; exec >&-; exec sleep 1000",
            (1011, "the agent closed its output"),
        ),
    ] {
        let world = World::open(script(text)).await;
        let mut client = world.connect().await;
        assert_eq!(client.hear().await, "word", "{text}");
        let (code, reason) = client.farewell().await;
        assert_eq!((code, reason.as_str()), expected, "{text}");
    }
}

#[tokio::test]
async fn a_command_that_cannot_be_started_is_said_so() {
    let nothing = ChildAgent {
        program: "/nowhere/agent".into(),
        ..script("")
    };
    let world = World::open(nothing).await;
    let mut client = world.connect().await;
    let expected = (1011, "the agent's command cannot be started".to_owned());
    assert_eq!(client.farewell().await, expected);
    let (status, body) = world.health().await;
    assert_eq!(status, 503);
    assert_eq!(body["reason"], expected.1);
}

#[tokio::test]
async fn health_is_what_the_agent_answers() {
    let well = script(
        r#"read line; echo noise; echo '{"jsonrpc":"2.0","id":0,"result":{}}'; cat >/dev/null"#,
    );
    let world = World::open(well).await;
    assert_eq!(
        world.health().await,
        (200, serde_json::json!({"healthy": true}))
    );
    // Kept for a while: no second child answers this.
    assert_eq!(world.health().await.0, 200);

    let world = World::open(script("exit 1")).await;
    let (status, body) = world.health().await;
    assert_eq!(status, 503);
    assert_eq!(body["reason"], "the agent ended: exit status: 1");

    let error = script(
        r#"read line; echo '{"jsonrpc":"2.0","id":0,"error":{"code":1,"message":"secret"}}'; cat"#,
    );
    let world = World::open(error).await;
    assert_eq!(
        world.health().await.1["reason"],
        "it answered initialize with an error"
    );

    let world = World::open(script("cat >/dev/null")).await;
    let (status, body) = world.health().await;
    assert_eq!(status, 503);
    assert_eq!(
        body["reason"],
        "the agent was greeted and has not answered yet"
    );
    world.end().await;
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let world = World::open(Echo).await;
    let second = Gateway::bind(
        world.addr,
        None,
        Arc::new(Echo),
        Bounds::default(),
        Arc::new(SystemClock),
        &world.tasks,
    );
    let error = second.await.err().expect("the address is taken");
    assert!(
        error
            .to_string()
            .starts_with("--listen: cannot listen on 127.0.0.1:"),
        "{error}"
    );
}
