//! Answers that are stopped, agents that end, and agents that will not.

use tokio::time::Instant;

use super::*;
use crate::platform::Advice;

async fn begun(world: &mut World) -> (Peer, AnswerStream, Value) {
    let asking = world.ask(prompt(1, "hello"));
    let mut peer = world
        .introduced(json!({"sessionCapabilities": {"resume": {}}}))
        .await;
    peer.answer("session/new", json!({"sessionId": "s1"})).await;
    let request = peer.expect("session/prompt").await;
    (peer, asking.await.unwrap().unwrap(), request)
}

/// The next question is answered over a new connection.
async fn recovers(world: &mut World) {
    let again = world.ask(prompt(1, "again"));
    let mut peer = world
        .introduced(json!({"sessionCapabilities": {"resume": {}}}))
        .await;
    assert_eq!(
        peer.answer("session/resume", json!({})).await["sessionId"],
        "s1"
    );
    let request = peer.expect("session/prompt").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(again.await.unwrap().unwrap()).await, [DONE]);
}

async fn failure(mut answer: AnswerStream) -> PlatformError {
    loop {
        match next(&mut answer).await {
            Ok(AnswerEvent::Done(reason)) => panic!("it ended with {reason:?}"),
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}

const STOPPED: AnswerEvent = AnswerEvent::Done(StopReason::Cancelled);

#[tokio::test(start_paused = true)]
async fn a_stopped_answer_ends_even_where_the_agent_ignores_it_and_its_late_end_sets_the_chat_free()
{
    let mut world = World::new();
    let (mut peer, mut answer, request) = begun(&mut world).await;
    peer.say("s1", "la").await;
    assert_eq!(next(&mut answer).await.unwrap(), text("la"));
    world.agent.cancel(&context(1)).await.unwrap();
    peer.expect("session/cancel").await;
    let since = Instant::now();
    assert_eq!(whole(answer).await, [STOPPED]);
    assert!(since.elapsed() < Duration::from_secs(10));
    let again = world.ask(prompt(1, "again"));
    tokio::time::sleep(Duration::from_secs(3)).await;
    // What it still says belongs to no answer.
    peer.say("s1", "la la").await;
    peer.end(&request, "end_turn").await;
    let request = peer.expect("session/prompt").await;
    peer.say("s1", "yes").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(
        whole(again.await.unwrap().unwrap()).await,
        [text("yes"), DONE]
    );
}

#[tokio::test(start_paused = true)]
async fn an_endless_answer_ends_when_it_is_stopped() {
    let mut world = World::new();
    let (mut peer, answer, _) = begun(&mut world).await;
    let talking = spawn(async move {
        for _ in 0..5_000 {
            peer.say("s1", "la la la la la la la la la la").await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        peer
    });
    world.agent.cancel(&context(1)).await.unwrap();
    assert_eq!(whole(answer).await.last(), Some(&STOPPED));
    talking.await.unwrap();
}

#[tokio::test]
async fn an_answer_nobody_reads_any_more_is_stopped() {
    let mut world = World::new();
    let (mut peer, answer, _) = begun(&mut world).await;
    drop(answer);
    assert_eq!(
        peer.expect("session/cancel").await["params"]["sessionId"],
        "s1"
    );
}

#[tokio::test]
async fn a_question_can_be_stopped_before_the_agent_has_it() {
    let mut world = World::new();
    let asking = world.ask(prompt(1, "hello"));
    let mut peer = world.introduced(json!({})).await;
    peer.expect("session/new").await;
    world.agent.cancel(&context(1)).await.unwrap();
    assert_eq!(whole(asking.await.unwrap().unwrap()).await, [STOPPED]);
    world.agent.cancel(&context(2)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_dies_in_the_middle_ends_the_answer_and_is_started_again() {
    let mut world = World::new();
    let (mut peer, mut answer, _) = begun(&mut world).await;
    peer.say("s1", "half an ans").await;
    assert_eq!(next(&mut answer).await.unwrap(), text("half an ans"));
    drop(peer);
    let error = failure(answer).await;
    assert_eq!(error.advice, Advice::TryAgain);
    assert!(error.detail.contains("the agent ended it"), "{error}");
    recovers(&mut world).await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_died_is_started_again_before_anybody_asks() {
    let mut world = World::new();
    let (peer, _answer, _) = begun(&mut world).await;
    drop(peer);
    let peer = world.introduced(json!({})).await;
    drop(peer);
    let _peer = world.introduced(json!({})).await;
    world.agent.health().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_huge_line_ends_the_connection_and_garbage_does_not() {
    let mut world = World::new();
    let (mut peer, answer, _) = begun(&mut world).await;
    let garbage = "Warning: something\n{\"jsonrpc\":\"2.0\",\n[]\n\n17\n\u{1b}[31mred\n{\"jsonrpc\":\"2.0\",\"method\":\"session/update\",\"params\":[1]}\n";
    peer.raw(garbage).await;
    peer.say("s1", "still here").await;
    let mut answer = answer;
    assert_eq!(next(&mut answer).await.unwrap(), text("still here"));
    let talking = spawn(async move {
        for _ in 0..6 * 1024 {
            peer.raw(&"x".repeat(1024)).await;
        }
        peer
    });
    let error = failure(answer).await;
    assert!(
        error.detail.contains("a line of more than 4194304 bytes"),
        "{error}"
    );
    recovers(&mut world).await;
    drop(talking.await);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_never_introduces_itself_is_started_again() {
    let mut world = World::new();
    let asking = world.ask(prompt(1, "hello"));
    let mut peer = world.peer().await;
    peer.expect("initialize").await;
    let Err(error) = asking.await.unwrap() else {
        panic!("answered by nobody");
    };
    assert_eq!(error.advice, Advice::StillStarting);
    tokio::time::sleep(Duration::from_mins(15)).await;
    assert_eq!(peer.hear().await, None, "the connection is closed");
    world.peer().await.expect("initialize").await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_of_another_version_is_for_the_operator() {
    let mut world = World::new();
    let agent = Arc::clone(&world.agent);
    let health = spawn(async move { agent.health().await });
    let mut peer = world.peer().await;
    peer.answer("initialize", json!({"protocolVersion": 2}))
        .await;
    let error = health.await.unwrap().unwrap_err();
    assert_eq!(error.advice, Advice::TellOperator, "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_never_answers_an_opening_request_holds_up_nothing_for_ever() {
    let mut world = World::new();
    let asking = world.ask(prompt(1, "hello"));
    let mut peer = world.introduced(json!({})).await;
    peer.expect("session/new").await;
    let Err(error) = asking.await.unwrap() else {
        panic!("answered by nobody");
    };
    assert!(
        error.detail.contains("session/new was not answered within"),
        "{error}"
    );
}

#[tokio::test]
async fn the_connection_ends_with_the_agent() {
    let mut world = World::new();
    let (mut peer, answer, request) = begun(&mut world).await;
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(answer).await, [DONE]);
    drop(world.agent);
    assert_eq!(peer.hear().await, None);
    world.tasks.shut_down();
}

#[tokio::test(start_paused = true)]
async fn while_the_process_ends_a_running_answer_is_finished_first() {
    let mut world = World::new();
    let (mut peer, answer, request) = begun(&mut world).await;
    world.tasks.shut_down();
    tokio::time::sleep(Duration::from_secs(5)).await;
    peer.say("s1", "to the end").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(answer).await, [text("to the end"), DONE]);
    assert_eq!(peer.hear().await, None, "then the agent is let go");
}
