//! Agents that take long to start, such as those that are downloaded first.

use tokio::time::{Instant, sleep};

use super::*;
use crate::platform::Advice;

#[tokio::test(start_paused = true)]
async fn an_agent_that_takes_85_seconds_to_start_answers() {
    let mut world = World::new();
    let asking = world.ask(prompt(1, "hello"));
    let mut peer = world.peer().await;
    let initialize = peer.expect("initialize").await;
    sleep(Duration::from_secs(85)).await;
    peer.result(&initialize, json!({"protocolVersion": 1}))
        .await;
    peer.answer("session/new", json!({"sessionId": "s1"})).await;
    let request = peer.expect("session/prompt").await;
    peer.say("s1", "here").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(
        whole(asking.await.unwrap().unwrap()).await,
        [text("here"), DONE]
    );
}

#[tokio::test(start_paused = true)]
async fn a_question_does_not_wait_for_ever_and_the_start_goes_on() {
    let mut world = World::new();
    let asking = world.ask(prompt(1, "hello"));
    let mut peer = world.peer().await;
    let initialize = peer.expect("initialize").await;
    let since = Instant::now();
    let Err(error) = asking.await.unwrap() else {
        panic!("answered by nobody");
    };
    assert_eq!(error.advice, Advice::StillStarting, "{error}");
    assert!(since.elapsed() < Duration::from_mins(3));
    sleep(Duration::from_mins(8)).await;
    peer.result(&initialize, json!({"protocolVersion": 1}))
        .await;
    let again = world.ask(prompt(1, "again"));
    peer.answer("session/new", json!({"sessionId": "s1"})).await;
    let request = peer.expect("session/prompt").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(again.await.unwrap().unwrap()).await, [DONE]);
    assert!(world.peers.try_recv().is_err(), "it was started once");
}
