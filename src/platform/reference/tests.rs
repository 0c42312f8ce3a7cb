//! The reference agent as a client meets it, through the gateway.

mod client;
mod files;
mod permissions;
mod sessions;

use std::{path::Path, sync::Arc};

use tempfile::TempDir;

use self::client::AcpClient;
use super::*;
use crate::{
    clock::ManualClock,
    platform::gateway::{Bounds, tests::World as Served},
};

/// A workspace, a data folder, and an agent that serves.
struct World {
    home: TempDir,
    served: Served,
}

impl World {
    async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let served = Self::serve(home.path()).await;
        Self { home, served }
    }

    async fn serve(home: &Path) -> Served {
        let clock = Arc::new(ManualClock::default());
        let pace = Duration::from_millis(1);
        let agent =
            ReferenceAgent::open(&home.join("workspace"), &home.join("data"), pace, clock).unwrap();
        Served::new(Arc::new(agent), None, Bounds::default()).await
    }

    /// As after a restart of the process: another agent with the same folders.
    async fn restart(&mut self) {
        self.served.tasks.shut_down();
        self.served = Self::serve(self.home.path()).await;
    }

    async fn client(&self) -> AcpClient {
        AcpClient::new(self.served.connect().await)
    }

    fn folder(&self, chat: &str) -> std::path::PathBuf {
        self.home.path().join("workspace").join(chat)
    }
}

#[tokio::test]
async fn it_says_what_it_can_do() {
    let world = World::new().await;
    let mut client = world.client().await;
    let found = client
        .call("initialize", serde_json::json!({"protocolVersion": 7}))
        .await
        .unwrap();
    assert_eq!(found["protocolVersion"], 1);
    let can = &found["agentCapabilities"];
    assert_eq!(can["loadSession"], true);
    for method in ["list", "resume", "close", "delete"] {
        assert!(
            can["sessionCapabilities"][method].is_object(),
            "{method}: {can}"
        );
    }
    assert_eq!(found["agentInfo"]["name"], "surfaces-reference-agent");
    let session = client.new_session(&world.folder("a")).await;
    assert!(
        client
            .ask(&session, "help")
            .await
            .text
            .contains("`write NAME: TEXT`")
    );
    assert!(
        client
            .ask(&session, "помощь")
            .await
            .text
            .contains("`запиши ИМЯ: ТЕКСТ`")
    );
}

#[tokio::test]
async fn it_streams_what_it_was_told() {
    let world = World::new().await;
    let mut client = world.client().await;
    let session = client.new_session(&world.folder("a")).await;
    let answer = client.ask(&session, "one two three").await;
    assert_eq!(answer.stop, "end_turn");
    assert!(
        answer
            .text
            .starts_with("You said: one two three\n\n(Message 1 of this session."),
        "{}",
        answer.text
    );
    assert!(answer.pieces > 5, "{}", answer.pieces);
    let answer = client.ask(&session, "ещё раз").await;
    assert_eq!(
        answer.text,
        "Вы сказали: ещё раз\n\n(Сообщение 2 этой беседы.)"
    );
}

#[tokio::test]
async fn a_long_answer_obeys_a_cancellation_at_once() {
    let world = World::new().await;
    let mut client = world.client().await;
    let session = client.new_session(&world.folder("a")).await;
    let id = client.begin(&session, "count to 1000").await;
    client.update().await;
    client.cancel(&session).await;
    let answer = client.finish(id).await;
    assert_eq!(answer.stop, "cancelled");
    assert!(answer.pieces < 900, "{}", answer.pieces);
    // What it got to is remembered, and the session goes on.
    assert!(
        client
            .ask(&session, "what do you remember")
            .await
            .text
            .contains("1 messages")
    );
    // A cancellation right behind its prompt finds it; one of nothing does nothing.
    let id = client.begin(&session, "count to 1000").await;
    client.cancel(&session).await;
    assert_eq!(client.finish(id).await.stop, "cancelled");
    client.cancel(&session).await;
    assert_eq!(client.ask(&session, "again").await.stop, "end_turn");
}

#[tokio::test]
async fn nonsense_is_answered_and_survived() {
    let world = World::new().await;
    let mut client = world.client().await;
    for line in ["nonsense", "[]", "{}"] {
        client.say_raw(line).await;
        assert!(client.hear().await["error"]["code"].is_i64());
    }
    client
        .say_raw(r#"{"jsonrpc":"2.0","id":5,"result":{}}"#)
        .await;
    client
        .say_raw(r#"{"jsonrpc":"2.0","method":"session/unknown"}"#)
        .await;
    let code = async |client: &mut AcpClient, method: &str, params| {
        client.call(method, params).await.unwrap_err()["code"]
            .as_i64()
            .unwrap()
    };
    assert_eq!(
        code(&mut client, "session/fly", serde_json::json!({})).await,
        -32601
    );
    assert_eq!(
        code(&mut client, "session/new", serde_json::json!({"cwd": 5})).await,
        -32602
    );
    assert_eq!(
        code(
            &mut client,
            "session/prompt",
            serde_json::json!({"sessionId": "x", "prompt": []})
        )
        .await,
        -32002
    );
}
