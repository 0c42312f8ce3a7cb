//! An end on request finishes what runs and loses nothing.

use std::{sync::Arc, time::Duration};

use surfaces_bot::{core::ids::AgentId, platform::mock::MockAgent};

use crate::support::{Resident, World};

/// Alice in the middle of an answer that takes so long for each word.
fn in_the_middle(pause: Duration) -> (World, Resident, matrix_sdk::ruma::OwnedEventId) {
    let mut world = World::new();
    let slow = MockAgent::new(AgentId::new("assistant")).with_pause(pause);
    world.settings.agents = vec![("assistant", Arc::new(slow))];
    world.start();
    let alice = world.welcomes("@alice:hs");
    let question = alice.says(&alice.chat, "one two three");
    world.until("a draft", |server| {
        !server.answers_to(&alice.chat, &question).is_empty()
    });
    (world, alice, question)
}

#[test]
fn a_running_answer_is_finished_and_the_next_question_waits_for_the_next_start() {
    let (mut world, alice, question) = in_the_middle(Duration::from_secs(1));
    let next = alice.says(&alice.chat, "next");
    world.goes_on_for(Duration::from_millis(50));
    assert_eq!(world.shut_down().as_deref(), Some("as it was asked to"));
    assert!(
        world
            .matrix
            .answer_to(&alice.chat, &question)
            .ends_with("one two three")
    );
    assert!(
        world
            .matrix
            .see(|server| server.answers_to(&alice.chat, &next))
            .is_empty()
    );
    world.start();
    world.until("the next answer", |server| {
        server.is_done_with(&alice.chat, &next)
    });
    world.settles();
    world.matrix.answer_to(&alice.chat, &question);
    world.matrix.answer_to(&alice.chat, &next);
}

#[test]
fn an_answer_that_takes_longer_than_the_grace_time_is_completed_after_the_next_start() {
    let (mut world, alice, question) = in_the_middle(Duration::from_secs(15));
    for _ in 0..5 {
        world.shut_down();
        let answers = world
            .matrix
            .see(|server| server.answers_to(&alice.chat, &question));
        assert!(answers.iter().all(|answer| answer.is_draft), "{answers:?}");
        world.start();
        world.goes_on_for(Duration::from_secs(20));
    }
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &question)
    });
    assert!(
        world
            .matrix
            .answer_to(&alice.chat, &question)
            .ends_with("one two three")
    );
}

#[test]
fn an_end_in_the_middle_of_an_onboarding_leaves_one_home() {
    for millis in (0..120).step_by(5) {
        let mut world = World::running();
        // A first start waits a little for what an earlier process may have asked for.
        world.goes_on_for(Duration::from_secs(10));
        let alice = world.person("@alice:hs");
        let entry = alice.invites_the_bot();
        world.goes_on_for(Duration::from_millis(millis));
        let before = world.clock.millis();
        world.shut_down();
        let took = world.clock.millis() - before;
        assert!(
            took < 2_000,
            "ended {millis} ms after the invitation: {took} ms"
        );
        world.start();
        world.until("the pointer", |server| server.has_pointed_in(&entry));
        let home = world.matrix.home_of(&alice.id);
        let (space, chat) = (home.space(), home.chat());
        assert_eq!(
            world.matrix.see(|server| server.children(space)),
            [chat.as_str()]
        );
        assert_eq!(world.matrix.bot_said(&entry).len(), 1);
    }
}

#[test]
fn an_idle_bot_ends_at_once() {
    let (mut world, _alice) = World::with_alice();
    world.settles();
    let before = world.clock.millis();
    assert_eq!(world.shut_down().as_deref(), Some("as it was asked to"));
    assert!(world.clock.millis() - before < 1_000);
}
