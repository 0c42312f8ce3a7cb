//! Questions that only the client can answer.

use serde_json::{Value, json};

use super::World;

fn chosen(option: &str) -> Value {
    json!({"outcome": "selected", "optionId": option})
}

#[tokio::test]
async fn what_was_chosen_is_said() {
    let world = World::new().await;
    let mut client = world.client().await;
    let session = client.new_session(&world.folder("a")).await;
    for (outcome, said, call) in [
        (
            chosen("allow-once"),
            "You allowed it this once: fly",
            "completed",
        ),
        (chosen("reject"), "You refused: fly", "failed"),
        (chosen("something else"), "You refused: fly", "failed"),
        (
            chosen("allow-always"),
            "You allowed it for good: fly",
            "completed",
        ),
    ] {
        let id = client.begin(&session, "ask permission to fly").await;
        let question = client.finish(id).await.question.expect("a question");
        let params = &question["params"];
        assert_eq!(params["sessionId"], session.as_str());
        assert_eq!(params["toolCall"]["title"], "fly");
        let kinds: Vec<_> = params["options"]
            .as_array()
            .unwrap()
            .iter()
            .map(|option| &option["kind"])
            .collect();
        assert_eq!(kinds, ["allow_once", "allow_always", "reject_once"]);
        client.permit(&question, outcome).await;
        let answer = client.finish(id).await;
        assert_eq!(
            (answer.text.as_str(), answer.stop.as_str()),
            (said, "end_turn")
        );
        assert_eq!(answer.calls, [call]);
    }
    let answer = client.ask(&session, "ask permission to fly").await;
    assert!(
        answer.text.starts_with("You allowed it for good before"),
        "{}",
        answer.text
    );
    let other = client.new_session(&world.folder("a")).await;
    let id = client.begin(&other, "ask permission to fly").await;
    assert!(
        client.finish(id).await.question.is_some(),
        "other sessions are not meant"
    );
}

#[tokio::test]
async fn a_question_can_be_cancelled_and_refused_to_be_asked() {
    let world = World::new().await;
    let mut client = world.client().await;
    let session = client.new_session(&world.folder("a")).await;
    // The client ends the turn before it answers, as the protocol has it.
    let id = client.begin(&session, "ask permission to fly").await;
    let question = client.finish(id).await.question.unwrap();
    client.cancel(&session).await;
    client
        .permit(&question, json!({"outcome": "cancelled"}))
        .await;
    assert_eq!(client.finish(id).await.stop, "cancelled");
    // Only the question is called off.
    let id = client.begin(&session, "ask permission to fly").await;
    let question = client.finish(id).await.question.unwrap();
    client
        .permit(&question, json!({"outcome": "cancelled"}))
        .await;
    assert_eq!(client.finish(id).await.stop, "cancelled");
    // A client that cannot ask.
    let id = client.begin(&session, "спроси разрешения летать").await;
    let question = client.finish(id).await.question.unwrap();
    let error =
        json!({"jsonrpc": "2.0", "id": question["id"], "error": {"code": -32601, "message": "no"}});
    client.say_raw(&error.to_string()).await;
    assert_eq!(
        client.finish(id).await.text,
        "Спросить не удалось, считаю это отказом: летать"
    );
}
