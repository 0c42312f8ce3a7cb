//! Words that come after the agent said that the turn is over.

use tokio::time::{Instant, sleep};

use super::*;

async fn begun(world: &mut World) -> (Peer, AnswerStream, Value) {
    let asking = world.ask(prompt(1, "hello"));
    let mut peer = world.introduced(json!({})).await;
    peer.answer("session/new", json!({"sessionId": "s1"})).await;
    let request = peer.expect("session/prompt").await;
    (peer, asking.await.unwrap().unwrap(), request)
}

#[tokio::test(start_paused = true)]
async fn words_that_come_shortly_after_the_end_belong_to_the_answer() {
    for pause in [0, 50, 300] {
        let mut world = World::new();
        let (mut peer, answer, request) = begun(&mut world).await;
        peer.say("s1", "one ").await;
        peer.end(&request, "end_turn").await;
        sleep(Duration::from_millis(pause)).await;
        peer.say("s1", "two").await;
        let words = whole(answer).await;
        assert_eq!(words, [text("one two"), DONE], "{pause} ms after the end");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_over_waits_less_than_half_a_second_for_more() {
    let mut world = World::new();
    let (mut peer, answer, request) = begun(&mut world).await;
    peer.say("s1", "one").await;
    peer.end(&request, "end_turn").await;
    let since = Instant::now();
    assert_eq!(whole(answer).await, [text("one"), DONE]);
    assert!(since.elapsed() < Duration::from_millis(500));
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_agent_is_gone_waits_for_nothing() {
    let mut world = World::new();
    let (mut peer, answer, request) = begun(&mut world).await;
    peer.say("s1", "one").await;
    peer.end(&request, "end_turn").await;
    drop(peer);
    let since = Instant::now();
    assert_eq!(whole(answer).await, [text("one"), DONE]);
    assert!(since.elapsed() < Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_never_falls_silent_ends_its_answer_all_the_same() {
    let mut world = World::new();
    let (mut peer, answer, request) = begun(&mut world).await;
    peer.end(&request, "end_turn").await;
    let talking = spawn(async move {
        for _ in 0..1_000 {
            peer.say("s1", "la ").await;
            sleep(Duration::from_millis(100)).await;
        }
    });
    let since = Instant::now();
    assert_eq!(whole(answer).await.last(), Some(&DONE));
    assert!(since.elapsed() < Duration::from_secs(3));
    talking.abort();
}

#[tokio::test(start_paused = true)]
async fn late_words_of_a_stopped_answer_are_not_part_of_the_next_one() {
    let mut world = World::new();
    let (mut peer, answer, request) = begun(&mut world).await;
    world.agent.cancel(&context(1)).await.unwrap();
    peer.expect("session/cancel").await;
    peer.end(&request, "cancelled").await;
    let cancelled = AnswerEvent::Done(StopReason::Cancelled);
    assert_eq!(whole(answer).await, [cancelled]);
    let again = world.ask(prompt(1, "again"));
    sleep(Duration::from_millis(50)).await;
    peer.say("s1", "old ").await;
    sleep(Duration::from_millis(300)).await;
    peer.say("s1", "old ").await;
    let request = peer.expect("session/prompt").await;
    peer.say("s1", "new").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(
        whole(again.await.unwrap().unwrap()).await,
        [text("new"), DONE]
    );
}

#[tokio::test(start_paused = true)]
async fn words_of_a_message_of_an_earlier_answer_are_not_part_of_the_next_one() {
    let mut world = World::new();
    let (mut peer, answer, request) = begun(&mut world).await;
    peer.say_in("s1", "m1", "one").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(answer).await, [text("one"), DONE]);
    let again = world.ask(prompt(1, "again"));
    let request = peer.expect("session/prompt").await;
    peer.say_in("s1", "m1", " and a half").await;
    peer.say_in("s1", "m2", "two").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(
        whole(again.await.unwrap().unwrap()).await,
        [text("two"), DONE]
    );
}

#[tokio::test(start_paused = true)]
async fn a_question_asked_after_the_end_of_the_turn_is_cancelled() {
    let mut world = World::new();
    let (mut peer, answer, request) = begun(&mut world).await;
    peer.end(&request, "end_turn").await;
    peer.ask(70, "s1").await;
    let reply = peer.hear().await.unwrap();
    assert_eq!(reply["result"]["outcome"]["outcome"], "cancelled");
    assert_eq!(whole(answer).await, [DONE]);
}
