//! Turns that do not end, whatever they are asked.

use super::*;

const RESUMES: &str = r#"{"sessionCapabilities": {"resume": {}}}"#;

async fn hung(world: &mut World, offers: &str) -> Peer {
    let asking = world.ask(prompt(1, "hello"));
    let mut peer = world
        .introduced(serde_json::from_str(offers).unwrap())
        .await;
    peer.answer("session/new", json!({"sessionId": "s1"})).await;
    peer.expect("session/prompt").await;
    stop(world, asking.await.unwrap().unwrap(), &mut peer).await;
    peer
}

/// Stops the answer; the agent does not listen.
async fn stop(world: &World, answer: AnswerStream, peer: &mut Peer) {
    world.agent.cancel(&context(1)).await.unwrap();
    peer.expect("session/cancel").await;
    let cancelled = AnswerEvent::Done(StopReason::Cancelled);
    assert_eq!(whole(answer).await, [cancelled]);
}

#[tokio::test(start_paused = true)]
async fn after_a_hung_turn_the_agent_is_started_again_and_the_session_resumed() {
    let mut world = World::new();
    let mut old = hung(&mut world, RESUMES).await;
    let again = world.ask(prompt(1, "again"));
    assert_eq!(old.hear().await, None, "the connection is closed");
    let mut peer = world
        .introduced(serde_json::from_str(RESUMES).unwrap())
        .await;
    let resumed = peer.answer("session/resume", json!({})).await;
    assert_eq!(resumed["sessionId"], "s1");
    let request = peer.expect("session/prompt").await;
    peer.say("s1", "yes").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(
        whole(again.await.unwrap().unwrap()).await,
        [text("yes"), DONE]
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_hung_turn_an_agent_that_resumes_nothing_says_that_it_forgot() {
    let mut world = World::new();
    let mut old = hung(&mut world, "{}").await;
    let again = world.ask(prompt(1, "again"));
    assert_eq!(old.hear().await, None, "the connection is closed");
    let mut peer = world.introduced(json!({})).await;
    peer.answer("session/new", json!({"sessionId": "s2"})).await;
    let request = peer.expect("session/prompt").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(
        whole(again.await.unwrap().unwrap()).await,
        [AnswerEvent::BegunAnew, DONE]
    );
}

#[tokio::test(start_paused = true)]
async fn a_hung_turn_does_not_disturb_the_answers_of_other_chats() {
    let mut world = World::new();
    let mut peer = hung(&mut world, RESUMES).await;
    let (other, running) = world.begun(&mut peer, 2, "other").await;
    let again = world.ask(prompt(1, "again"));
    let resumed = peer.answer("session/resume", json!({})).await;
    assert_eq!(resumed["sessionId"], "s1");
    let request = peer.expect("session/prompt").await;
    peer.end(&request, "end_turn").await;
    peer.end(&running, "end_turn").await;
    assert_eq!(whole(again.await.unwrap().unwrap()).await, [DONE]);
    assert_eq!(whole(other).await, [DONE]);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_hangs_again_and_again_is_replaced() {
    let mut world = World::new();
    let _old = hung(&mut world, RESUMES).await;
    let again = world.ask(prompt(1, "again"));
    let mut peer = world
        .introduced(serde_json::from_str(RESUMES).unwrap())
        .await;
    peer.answer("session/resume", json!({})).await;
    peer.expect("session/prompt").await;
    stop(&world, again.await.unwrap().unwrap(), &mut peer).await;
    let third = world.ask(prompt(1, "third"));
    let mut peer = world
        .introduced(serde_json::from_str(RESUMES).unwrap())
        .await;
    peer.answer("session/new", json!({"sessionId": "s2"})).await;
    let request = peer.expect("session/prompt").await;
    assert_eq!(request["params"]["sessionId"], "s2");
    peer.end(&request, "end_turn").await;
    assert_eq!(
        whole(third.await.unwrap().unwrap()).await,
        [AnswerEvent::BegunAnew, DONE]
    );
}
