//! Chats do not wait for each other, and the sync waits for none of them.

use std::{sync::Arc, time::Duration};

use surfaces_bot::{
    core::ids::AgentId,
    platform::{
        Advice,
        mock::{MockAgent, Script},
    },
};

use crate::support::{Fault, Resident, World};

/// Alice and Carol, with an agent that hangs, one that fails, and one that answers.
fn two_users() -> (World, Resident, Resident) {
    let mut world = World::new();
    let scripted = |id: &str, script| Arc::new(MockAgent::scripted(AgentId::new(id), script));
    world.settings.agents = vec![
        ("assistant", scripted("assistant", Script::Echo)),
        (
            "hanging",
            scripted("hanging", Script::HangAfter("Well".to_owned())),
        ),
        (
            "failing",
            scripted("failing", Script::Fail(Advice::TryAgain)),
        ),
    ];
    world.start();
    let alice = world.welcomes("@alice:hs");
    let carol = world.welcomes("@carol:hs");
    (world, alice, carol)
}

#[test]
fn an_agent_that_hangs_delays_no_other_chat() {
    let (world, alice, carol) = two_users();
    world.ask(&alice, &alice.chat, "!new Other");
    let other = world.matrix.home_of(&alice.id).chats[1].clone();
    alice.joins(&other);
    world.ask(&alice, &alice.chat, "!agent hanging");
    let stuck = alice.says(&alice.chat, "hello");
    world.until("the agent hangs", |server| {
        !server.answers_to(&alice.chat, &stuck).is_empty()
    });
    let started = world.clock.millis();
    assert!(world.ask(&carol, &carol.chat, "hi").ends_with("hi"));
    assert!(world.ask(&alice, &other, "hi").ends_with("hi"));
    assert!(world.clock.millis() - started < 1_000, "nobody waited");
    world.goes_on_for(Duration::from_mins(15));
    let answer = world.matrix.answer_to(&alice.chat, &stuck);
    assert!(
        answer.starts_with("Well\n\n") && answer.contains("did not finish within 15 min"),
        "{answer}"
    );
}

#[test]
fn an_agent_that_fails_is_told_in_one_message_and_the_next_question_is_asked() {
    let (world, alice, _) = two_users();
    world.ask(&alice, &alice.chat, "!agent failing");
    for _ in 0..2 {
        let answer = world.ask(&alice, &alice.chat, "hello");
        assert_eq!(
            answer,
            "The agent could not answer just now. Please try again in a moment."
        );
    }
}

#[test]
fn a_room_whose_events_come_late_holds_up_no_other_room() {
    let (world, alice, carol) = two_users();
    world.matrix.holds_back(&alice.chat);
    let late = alice.says(&alice.chat, "late");
    assert!(world.ask(&carol, &carol.chat, "early").ends_with("early"));
    world.matrix.lets_go(&alice.chat);
    world.until("the late answer", |server| {
        server.is_done_with(&alice.chat, &late)
    });
}

#[test]
fn a_server_that_answers_one_room_slowly_delays_no_other_room() {
    let (world, alice, carol) = two_users();
    world
        .matrix
        .fail("send", 0, Fault::Slow(Duration::from_secs(50)));
    let before = world.matrix.count("send");
    let slow = alice.says(&alice.chat, "slow");
    // Only now is it certain whose request is the slow one.
    world.until("the slow request", |server| {
        let log = &server.requests.log;
        log.iter().filter(|request| request.kind == "send").count() > before
    });
    let quick = carol.says(&carol.chat, "quick");
    world.until("the quick answer, before the slow one", |server| {
        let quick = server.is_done_with(&carol.chat, &quick);
        assert!(quick || !server.is_done_with(&alice.chat, &slow));
        quick
    });
    world.until("the slow answer", |server| {
        server.is_done_with(&alice.chat, &slow)
    });
}

#[test]
fn an_outage_of_the_homeserver_is_waited_for() {
    let (world, alice, _) = two_users();
    let question = alice.says(&alice.chat, "hello");
    world.matrix.fail_often("sync", 0, 6, Fault::Lost);
    world.matrix.fail_often("send", 0, 6, Fault::Lost);
    world
        .matrix
        .fail_often("read_marker", 0, 6, Fault::RateLimited(None));
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &question)
    });
    world.matrix.answer_to(&alice.chat, &question);
}
