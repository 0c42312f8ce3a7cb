//! Permission questions.

use super::*;
use crate::platform::{Advice, PermissionMeaning, PermissionQuestion};

async fn question(answer: &mut AnswerStream) -> PermissionQuestion {
    match next(answer).await.unwrap() {
        AnswerEvent::Permission(question) => question,
        other => panic!("no question: {other:?}"),
    }
}

async fn begun(world: &mut World) -> (Peer, AnswerStream, Value) {
    let asking = world.ask(prompt(1, "hello"));
    let mut peer = world.introduced(json!({})).await;
    peer.answer("session/new", json!({"sessionId": "s1"})).await;
    let request = peer.expect("session/prompt").await;
    (peer, asking.await.unwrap().unwrap(), request)
}

#[tokio::test]
async fn a_question_shows_what_would_be_done_and_the_answer_goes_back() {
    let mut world = World::new();
    let (mut peer, mut answer, request) = begun(&mut world).await;
    peer.ask(70, "s1").await;
    let asked = question(&mut answer).await;
    assert_eq!(asked.title, "Run: rm -r /");
    let options: Vec<_> = asked
        .options
        .iter()
        .map(|option| (option.id.as_str(), option.label.as_str(), option.meaning))
        .collect();
    assert_eq!(
        options,
        [
            ("once", "Allow", PermissionMeaning::Allow),
            ("never", "Never", PermissionMeaning::RejectAlways),
            ("no", "Reject", PermissionMeaning::Reject),
        ]
    );
    let (agent, chat) = (&world.agent, context(1));
    for (question, option) in [("made up", "once"), (asked.id.as_str(), "made up")] {
        let refused = agent.answer_permission(&chat, question, Some(option)).await;
        assert_eq!(refused.unwrap_err().advice, Advice::CannotDo);
    }
    agent
        .answer_permission(&chat, &asked.id, Some("once"))
        .await
        .unwrap();
    let reply = peer.hear().await.unwrap();
    assert_eq!(reply["id"], 70);
    assert_eq!(
        reply["result"]["outcome"],
        json!({"outcome": "selected", "optionId": "once"})
    );
    let again = agent.answer_permission(&chat, &asked.id, Some("no")).await;
    assert!(again.is_err(), "a question is answered once");
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(answer).await, [DONE]);
}

#[tokio::test]
async fn no_answer_means_no_this_once() {
    let mut world = World::new();
    let (mut peer, mut answer, request) = begun(&mut world).await;
    peer.ask(70, "s1").await;
    let asked = question(&mut answer).await;
    world
        .agent
        .answer_permission(&context(1), &asked.id, None)
        .await
        .unwrap();
    let reply = peer.hear().await.unwrap();
    assert_eq!(
        reply["result"]["outcome"],
        json!({"outcome": "selected", "optionId": "no"})
    );
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(answer).await, [DONE]);
}

#[tokio::test]
async fn questions_of_a_stopped_turn_are_cancelled_as_the_protocol_demands() {
    let mut world = World::new();
    let (mut peer, mut answer, request) = begun(&mut world).await;
    // Twice the same id, to be answered twice.
    peer.ask(70, "s1").await;
    peer.ask(70, "s1").await;
    let (one, other) = (question(&mut answer).await, question(&mut answer).await);
    assert_ne!(one.id, other.id);
    world.agent.cancel(&context(1)).await.unwrap();
    assert_eq!(
        peer.expect("session/cancel").await["params"]["sessionId"],
        "s1"
    );
    for _ in 0..2 {
        let reply = peer.hear().await.unwrap();
        assert_eq!(reply["result"]["outcome"]["outcome"], "cancelled");
    }
    peer.ask(71, "s1").await;
    let reply = peer.hear().await.unwrap();
    assert_eq!(
        reply["result"]["outcome"]["outcome"], "cancelled",
        "too late to ask"
    );
    peer.end(&request, "cancelled").await;
    let cancelled = AnswerEvent::Done(StopReason::Cancelled);
    assert_eq!(whole(answer).await, [cancelled]);
}

#[tokio::test]
async fn questions_for_nobody_are_cancelled() {
    let mut world = World::new();
    let (mut peer, answer, request) = begun(&mut world).await;
    peer.ask(70, "another session").await;
    assert_eq!(
        peer.hear().await.unwrap()["result"]["outcome"]["outcome"],
        "cancelled"
    );
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(answer).await, [DONE]);
    peer.ask(71, "s1").await;
    assert_eq!(
        peer.hear().await.unwrap()["result"]["outcome"]["outcome"],
        "cancelled"
    );
    let none = world
        .agent
        .answer_permission(&context(1), "any", Some("once"))
        .await;
    assert_eq!(none.unwrap_err().advice, Advice::CannotDo);
}
