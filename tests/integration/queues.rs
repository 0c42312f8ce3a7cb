//! Queues are bounded and say so, and nobody waits for somebody else's agent.

use std::{sync::Arc, time::Duration};

use matrix_sdk::ruma::OwnedEventId;
use surfaces_bot::{
    core::ids::AgentId,
    platform::mock::{MockAgent, Script},
};

use crate::support::{Resident, World};

/// Alice, whose agent takes ten seconds for a word, and a queue for three.
fn with_a_short_queue() -> (World, Resident) {
    let mut world = World::new();
    let slow = MockAgent::new(AgentId::new("assistant")).with_pause(Duration::from_secs(2));
    world.settings.agents = vec![("assistant", Arc::new(slow))];
    world.settings.queue_limit = 3;
    world.start();
    let alice = world.welcomes("@alice:hs");
    (world, alice)
}

/// Says this, and lets the bot hear it before anything else is said.
fn says(world: &World, alice: &Resident, text: &str) -> OwnedEventId {
    let question = alice.says(&alice.chat, text);
    world.goes_on_for(Duration::from_millis(50));
    question
}

#[test]
fn a_full_queue_says_so_at_once_and_once_and_takes_messages_again_later() {
    let (world, alice) = with_a_short_queue();
    let taken: Vec<_> = ["one", "two", "three"]
        .map(|text| says(&world, &alice, text))
        .into();
    let refused: Vec<_> = ["four", "five", "six"]
        .map(|text| says(&world, &alice, text))
        .into();
    let notice = world.matrix.answer_to(&alice.chat, &refused[0]);
    assert!(
        notice.starts_with("Too many messages are waiting"),
        "{notice}"
    );
    let command = says(&world, &alice, "!context");
    world.until("the last answer", |server| {
        server.is_done_with(&alice.chat, &command)
    });
    let later = alice.says(&alice.chat, "seven");
    world.until("a later answer", |server| {
        server.is_done_with(&alice.chat, &later)
    });
    world.settles();
    for question in taken.iter().chain([&later]) {
        let answer = world.matrix.answer_to(&alice.chat, question);
        assert!(answer.starts_with("Echo"), "{answer}");
    }
    for question in &refused[1..] {
        let answers = world
            .matrix
            .see(|server| server.answers_to(&alice.chat, question));
        assert_eq!(answers, [], "one notice for the run");
    }
}

#[test]
fn what_waited_while_the_bot_was_down_is_taken_in_full() {
    let (mut world, alice) = with_a_short_queue();
    world.kill();
    let questions: Vec<_> = (1..=8)
        .map(|number| alice.says(&alice.chat, &format!("number {number}")))
        .collect();
    world.start();
    world.until("the last answer", |server| {
        server.is_done_with(&alice.chat, &questions[7])
    });
    for question in &questions {
        let answer = world.matrix.answer_to(&alice.chat, question);
        assert!(answer.starts_with("Echo"), "{answer}");
    }
}

#[test]
fn a_stranger_cannot_fill_the_queue_and_is_told_nothing() {
    let (world, alice) = with_a_short_queue();
    let carol = world.has_a_guest("@carol:hs", &alice.chat);
    says(&world, &alice, "one");
    for number in 0..9 {
        carol.says(&alice.chat, &format!("spam {number}"));
        world.goes_on_for(Duration::from_millis(50));
    }
    let question = says(&world, &alice, "two");
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &question)
    });
    world.settles();
    assert_eq!(
        world.matrix.bot_said(&alice.chat).len(),
        3,
        "a welcome, two answers"
    );
}

#[test]
fn many_chats_that_hang_keep_nobody_else_from_an_answer() {
    let mut world = World::new();
    let hung = MockAgent::scripted(AgentId::new("hung"), Script::HangAfter("hm".to_owned()));
    let quick = MockAgent::new(AgentId::new("assistant")).with_pause(Duration::ZERO);
    world.settings.agents = vec![("assistant", Arc::new(quick)), ("hung", Arc::new(hung))];
    world.start();
    let hanging: Vec<Resident> = (0..60)
        .map(|number| {
            let user = world.welcomes(&format!("@user{number}:hs"));
            world.ask(&user, &user.chat, "!agent hung");
            user
        })
        .collect();
    for user in &hanging {
        user.says(&user.chat, "hello");
    }
    world.goes_on_for(Duration::from_secs(5));
    let alice = world.welcomes("@alice:hs");
    let asked = world.clock.millis();
    let answer = world.ask(&alice, &alice.chat, "hello");
    assert!(answer.starts_with("Echo"), "{answer}");
    assert!(world.clock.millis() - asked < 2_000);
}
