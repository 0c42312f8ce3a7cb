//! Sessions outlive connections and the process, and never mix.

use serde_json::{Value, json};

use super::World;

fn of(session: &str, world: &World, chat: &str) -> Value {
    json!({"sessionId": session, "cwd": world.folder(chat), "mcpServers": []})
}

#[tokio::test]
async fn a_session_goes_on_after_a_restart() {
    let mut world = World::new().await;
    let mut client = world.client().await;
    let session = client.new_session(&world.folder("a")).await;
    client.ask(&session, "the first").await;
    client.ask(&session, "the second").await;
    world.restart().await;

    let mut client = world.client().await;
    let closed = client
        .call(
            "session/prompt",
            json!({"sessionId": session, "prompt": []}),
        )
        .await;
    assert_eq!(
        closed.unwrap_err()["code"],
        -32002,
        "it has to be opened first"
    );
    client
        .call("session/resume", of(&session, &world, "a"))
        .await
        .unwrap();
    let answer = client.ask(&session, "What do you remember?").await;
    assert_eq!(
        answer.text,
        "I remember 2 messages of this session. The first is: the first"
    );
    let other = client.new_session(&world.folder("b")).await;
    let answer = client.ask(&other, "что ты помнишь").await;
    assert!(answer.text.contains("сообщений: 0"), "{}", answer.text);
}

#[tokio::test]
async fn loading_tells_everything_that_was_said() {
    let mut world = World::new().await;
    let mut client = world.client().await;
    let session = client.new_session(&world.folder("a")).await;
    let said = client.ask(&session, "the first").await.text;
    world.restart().await;
    let mut client = world.client().await;
    let load = json!({"jsonrpc": "2.0", "id": 1, "method": "session/load", "params": of(&session, &world, "a")});
    client.say_raw(&load.to_string()).await;
    for (kind, text) in [
        ("user_message_chunk", "the first"),
        ("agent_message_chunk", &said),
    ] {
        let update = client.update().await;
        assert_eq!(update["params"]["sessionId"], session.as_str());
        assert_eq!(update["params"]["update"]["sessionUpdate"], kind);
        assert_eq!(update["params"]["update"]["content"]["text"], text);
    }
    assert!(client.hear().await["result"].is_object());
}

#[tokio::test]
async fn sessions_are_listed_closed_and_deleted() {
    let world = World::new().await;
    let mut client = world.client().await;
    let session = client.new_session(&world.folder("a")).await;
    client.new_session(&world.folder("b")).await;
    client.ask(&session, "the first\nwords").await;
    let all = client.call("session/list", json!({})).await.unwrap();
    assert_eq!(all["sessions"].as_array().unwrap().len(), 2);
    let of_a = client
        .call("session/list", json!({"cwd": world.folder("a")}))
        .await
        .unwrap();
    let expected = json!([{
        "sessionId": session, "cwd": world.folder("a"), "title": "the first", "updatedAt": "2017-07-14T02:40:00Z",
    }]);
    assert_eq!(of_a["sessions"], expected);

    client
        .call("session/close", json!({"sessionId": session}))
        .await
        .unwrap();
    let prompt = json!({"sessionId": session, "prompt": [{"type": "text", "text": "x"}]});
    assert!(client.call("session/prompt", prompt).await.is_err());
    client
        .call("session/resume", of(&session, &world, "a"))
        .await
        .unwrap();
    client
        .call("session/delete", json!({"sessionId": session}))
        .await
        .unwrap();
    let gone = client
        .call("session/load", of(&session, &world, "a"))
        .await
        .unwrap_err();
    assert_eq!(gone["code"], -32002);
}

#[tokio::test]
async fn two_sessions_never_mix() {
    let world = World::new().await;
    let mut client = world.client().await;
    let (one, other) = (
        client.new_session(&world.folder("a")).await,
        client.new_session(&world.folder("b")).await,
    );
    let words = |word: &str| vec![word; 50].join(" ");
    client.begin(&one, &words("one")).await;
    client.begin(&other, &words("other")).await;
    let (mut heard, mut ended) = ([String::new(), String::new()], 0);
    let mut changes = 0;
    let mut last = None;
    while ended < 2 {
        let message = client.hear().await;
        if message.get("method").is_none() {
            ended += 1;
            continue;
        }
        let index = usize::from(message["params"]["sessionId"] == other.as_str());
        heard[index] += message["params"]["update"]["content"]["text"]
            .as_str()
            .unwrap();
        changes += usize::from(last.replace(index).is_some_and(|before| before != index));
    }
    assert!(
        heard[0].contains(&words("one")) && !heard[0].contains("other"),
        "{heard:?}"
    );
    assert!(
        heard[1].contains(&words("other")) && !heard[1].contains("one "),
        "{heard:?}"
    );
    assert!(changes > 1, "they were made at the same time");
}

#[tokio::test]
async fn a_session_makes_one_turn_at_a_time_and_its_new_client_ends_the_old_ones() {
    let world = World::new().await;
    let (mut old, mut new) = (world.client().await, world.client().await);
    let session = old.new_session(&world.folder("a")).await;
    let turn = old.begin(&session, "count to 1000").await;
    old.update().await;
    let prompt = json!({"sessionId": session, "prompt": [{"type": "text", "text": "x"}]});
    let unopened = new.call("session/prompt", prompt).await.unwrap_err();
    assert_eq!(unopened["code"], -32002);
    new.cancel(&session).await;
    old.update().await;
    new.call("session/resume", of(&session, &world, "a"))
        .await
        .unwrap();
    let answer = new.ask(&session, "what do you remember").await;
    assert!(answer.text.contains("1 messages"), "{}", answer.text);
    assert_eq!(old.finish(turn).await.stop, "cancelled");
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_no_turn_behind() {
    let world = World::new().await;
    let mut client = world.client().await;
    let session = client.new_session(&world.folder("a")).await;
    client.begin(&session, "count to 1000").await;
    client.update().await;
    drop(client);
    let mut client = world.client().await;
    client
        .call("session/resume", of(&session, &world, "a"))
        .await
        .unwrap();
    assert_eq!(client.ask(&session, "hello").await.stop, "end_turn");
}
