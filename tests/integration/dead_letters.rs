//! What cannot be answered is said once, recorded for operators, and holds up nothing.

use std::{sync::Arc, time::Duration};

use surfaces_bot::{
    core::ids::AgentId,
    matrix::store::DeadLetters,
    platform::{
        AnswerEvent,
        mock::{MockAgent, Script},
    },
};

use crate::support::{Fault, World};

fn dead(world: &World) -> (u64, u64) {
    let DeadLetters { answers, events } =
        world.with_store(|store| async move { store.dead_letters().await.unwrap() });
    (answers, events)
}

#[test]
fn an_answer_that_the_homeserver_refuses_is_said_to_be_refused_once() {
    let (world, alice) = World::with_alice();
    world.matrix.fail("send", 0, Fault::Refused("M_TOO_LARGE"));
    let answer = world.ask(&alice, &alice.chat, "hello");
    assert!(
        answer.starts_with("The homeserver did not take this answer"),
        "{answer}"
    );
    assert_eq!(dead(&world), (1, 0));
    let next = world.ask(&alice, &alice.chat, "next");
    assert!(next.ends_with("next"), "{next}");
}

#[test]
fn a_room_in_which_nothing_can_be_sent_is_left_in_peace() {
    let (world, alice) = World::with_alice();
    let sends = world.matrix.count("send");
    world
        .matrix
        .fail_often("send", 0, 1_000, Fault::Refused("M_FORBIDDEN"));
    let question = alice.says(&alice.chat, "hello");
    world.until("the cursor", |server| {
        server.has_read(&alice.chat, &question)
    });
    world.settles();
    assert_eq!(
        world.matrix.count("send") - sends,
        2,
        "the answer, and a word about it"
    );
    assert_eq!(dead(&world), (1, 0));
}

#[test]
fn an_answer_whose_sending_ends_the_process_is_given_up_at_the_fourth_start() {
    let (mut world, alice) = World::with_alice();
    let question = alice.says(&alice.chat, "hello");
    for _ in 0..3 {
        world.matrix.recovers();
        world.matrix.fail("send", 0, Fault::KillBefore);
        world.until_killed_or("the death", |_| false);
        world.restart();
    }
    world.matrix.recovers();
    world.until("the last word", |server| {
        server.is_done_with(&alice.chat, &question)
    });
    let answer = world.matrix.answer_to(&alice.chat, &question);
    assert!(
        answer.starts_with("Something went wrong on my side"),
        "{answer}"
    );
    assert_eq!(dead(&world), (0, 1));
    assert_eq!(world.log.count("is given up"), 1);
}

#[test]
fn a_message_is_not_given_up_where_the_last_of_the_deaths_came_after_its_answer() {
    let (mut world, alice) = World::with_alice();
    let question = alice.says(&alice.chat, "hello");
    for death in [Fault::KillBefore, Fault::KillBefore, Fault::KillAfter] {
        world.matrix.recovers();
        world.matrix.fail("send", 0, death);
        world.until_killed_or("the death", |_| false);
        world.restart();
    }
    world.matrix.recovers();
    world.until("the cursor", |server| {
        server.has_read(&alice.chat, &question)
    });
    world.settles();
    let answer = world.matrix.answer_to(&alice.chat, &question);
    assert!(answer.ends_with("hello"), "{answer}");
    assert_eq!(dead(&world), (0, 0));
}

#[test]
fn who_was_being_answered_when_somebody_elses_message_ended_the_process_is_not_given_up() {
    let mut world = World::new();
    let slow = MockAgent::new(AgentId::new("assistant")).with_pause(Duration::from_secs(5));
    world.settings.agents = vec![("assistant", Arc::new(slow))];
    world.start();
    let (alice, bob) = (world.welcomes("@alice:hs"), world.welcomes("@bob:hs"));
    let innocent = bob.says(&bob.chat, "hello");
    world.goes_on_for(Duration::from_millis(200));
    let poison = alice.says(&alice.chat, "!clear");
    for _ in 0..3 {
        world.matrix.recovers();
        world.matrix.fail("put_state", 0, Fault::KillBefore);
        world.until_killed_or("the death", |_| false);
        world.restart();
    }
    world.matrix.recovers();
    world.until("both answers", |server| {
        server.is_done_with(&alice.chat, &poison) && server.is_done_with(&bob.chat, &innocent)
    });
    let answer = world.matrix.answer_to(&bob.chat, &innocent);
    assert!(answer.starts_with("Echo"), "{answer}");
    assert_eq!(dead(&world), (0, 1));
}

fn with_an_agent_that_says(text: &str) -> World {
    let mut world = World::new();
    let events = vec![AnswerEvent::Text(text.to_owned())];
    let agent = MockAgent::scripted(AgentId::new("assistant"), Script::Events(events));
    world.settings.agents = vec![("assistant", Arc::new(agent))];
    world.start();
    world
}

#[test]
fn an_answer_of_nothing_is_said_to_be_empty() {
    let world = with_an_agent_that_says("");
    let alice = world.welcomes("@alice:hs");
    let answer = world.ask(&alice, &alice.chat, "hello");
    assert!(
        answer.contains("empty") || answer.contains("without"),
        "{answer}"
    );
}

#[test]
fn an_answer_of_a_megabyte_comes_in_many_messages_in_order_and_in_full() {
    let lines: Vec<String> = (0..20_000)
        .map(|number| format!("line {number:06} of a long answer, with words and ünïcödé."))
        .collect();
    let text = lines.join("\n\n");
    assert!(text.len() > 1_000_000);
    let world = with_an_agent_that_says(&text);
    let alice = world.welcomes("@alice:hs");
    let question = alice.says(&alice.chat, "tell me everything");
    world.until("the answer", |server| {
        server.has_read(&alice.chat, &question)
    });
    let answers = world
        .matrix
        .see(|server| server.answers_to(&alice.chat, &question));
    assert!(answers.len() > 100, "{}", answers.len());
    let said: Vec<String> = answers
        .iter()
        .flat_map(|answer| answer.body.lines())
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    assert!(said == lines, "every line, once, in order");
}
