//! Timelines with a hole: what was left out is fetched, and answered in its place.

use std::{sync::Arc, time::Duration};

use matrix_sdk::ruma::OwnedEventId;
use surfaces_bot::{core::ids::AgentId, platform::mock::MockAgent};

use crate::support::{Fault, Resident, World};

fn talkative(world: &World, alice: &Resident, from: usize, to: usize) -> Vec<OwnedEventId> {
    world.matrix.change(|server| server.timeline_limit = 5);
    (from..=to)
        .map(|number| alice.says(&alice.chat, &format!("number {number}")))
        .collect()
}

fn all_are_answered_in_order(world: &World, alice: &Resident, questions: &[OwnedEventId]) {
    world.until("the last answer", |server| {
        server.is_done_with(&alice.chat, questions.last().unwrap())
    });
    world.settles();
    let answered: Vec<String> = world
        .matrix
        .bot_said(&alice.chat)
        .into_iter()
        .filter_map(|said| said.answers)
        .filter(|question| questions.iter().any(|asked| asked.as_str() == question))
        .collect();
    let asked: Vec<String> = questions.iter().map(ToString::to_string).collect();
    assert_eq!(answered, asked);
}

#[test]
fn a_burst_longer_than_a_timeline_is_answered_in_full_and_in_order() {
    let (mut world, alice) = World::with_alice();
    world.ask(&alice, &alice.chat, "before");
    world.kill();
    let questions = talkative(&world, &alice, 1, 60);
    world.matrix.change(|server| server.page = 7);
    let before = world.matrix.count_in("messages", &alice.chat);
    world.start();
    all_are_answered_in_order(&world, &alice, &questions);
    assert_eq!(
        world.matrix.count_in("messages", &alice.chat) - before,
        9,
        "not further than the page with an event that is known"
    );
}

#[test]
fn a_hole_is_filled_up_to_the_servers_cursor_where_everything_was_lost() {
    let (mut world, alice) = World::with_alice();
    let early = talkative(&world, &alice, 1, 4);
    all_are_answered_in_order(&world, &alice, &early);
    world.kill_and_wipe_all();
    let late = talkative(&world, &alice, 5, 30);
    world.matrix.change(|server| server.page = 4);
    world.start();
    all_are_answered_in_order(&world, &alice, &late);
    for question in &early {
        world.matrix.answer_to(&alice.chat, question);
    }
}

#[test]
fn a_second_burst_while_the_hole_is_open_keeps_the_order() {
    let (mut world, alice) = World::with_alice();
    world.ask(&alice, &alice.chat, "before");
    world.kill();
    let mut questions = talkative(&world, &alice, 1, 20);
    world.matrix.change(|server| server.page = 3);
    world.matrix.fail(
        "messages",
        1,
        Fault::Slow(std::time::Duration::from_secs(20)),
    );
    world.start();
    world.until("the first page", |server| {
        server
            .requests
            .log
            .iter()
            .filter(|request| request.kind == "messages")
            .count()
            == 2
    });
    questions.extend(talkative(&world, &alice, 21, 40));
    all_are_answered_in_order(&world, &alice, &questions);
}

#[test]
fn a_process_that_dies_while_it_fills_a_hole_goes_on_afterwards() {
    for skip in 0..4 {
        let (mut world, alice) = World::with_alice();
        world.ask(&alice, &alice.chat, "before");
        world.kill();
        let questions = talkative(&world, &alice, 1, 20);
        world.matrix.change(|server| server.page = 4);
        world.matrix.fail("messages", skip, Fault::KillAfter);
        world.start();
        world.until_killed_or("the death", |_| false);
        world.restart();
        all_are_answered_in_order(&world, &alice, &questions);
    }
}

#[test]
fn a_hole_that_the_server_does_not_show_holds_up_nothing() {
    let (mut world, alice) = World::with_alice();
    world.ask(&alice, &alice.chat, "before");
    world.kill();
    let questions = talkative(&world, &alice, 1, 12);
    world
        .matrix
        .fail_often("messages", 0, 9, Fault::Refused("M_FORBIDDEN"));
    world.start();
    all_are_answered_in_order(&world, &alice, &questions[7..]);
}

#[test]
fn a_question_in_a_hole_whose_answer_is_behind_it_is_not_answered_again() {
    let (mut world, alice) = World::with_alice();
    world.ask(&alice, &alice.chat, "before");
    let questions = talkative(&world, &alice, 1, 20);
    world.matrix.fail("read_marker", 2, Fault::KillBefore);
    world.until_killed_or("the death", |_| false);
    world.matrix.answer_to(&alice.chat, &questions[2]);
    world.kill_and_wipe_all();
    world.matrix.change(|server| server.page = 6);
    world.start();
    all_are_answered_in_order(&world, &alice, &questions);
}

#[test]
fn history_from_before_the_bot_came_is_not_answered() {
    let world = World::running();
    let alice = world.person("@alice:hs");
    let entry = alice.makes_a_room(&serde_json::json!({}));
    for number in 0..80 {
        alice.says(&entry, &format!("!help {number}"));
    }
    alice.invites_the_bot_to(&entry);
    world.until("the pointer", |server| server.has_pointed_in(&entry));
    world.settles();
    assert_eq!(world.matrix.bot_said(&entry).len(), 1);
}

#[test]
fn a_message_edited_while_a_hole_hides_it_is_answered_in_its_last_form() {
    let (mut world, alice) = World::with_alice();
    world.ask(&alice, &alice.chat, "before");
    world.kill();
    let questions = talkative(&world, &alice, 1, 20);
    // One edit comes with the hole, one with the sync behind it; the older form of either counts for nothing.
    for (question, text) in [(2, "first form"), (2, "hidden edit")] {
        alice.edits(&alice.chat, &questions[question], text);
    }
    let later = talkative(&world, &alice, 21, 30);
    alice.edits(&alice.chat, &questions[5], "edit in sight");
    world.matrix.change(|server| server.page = 7);
    world.start();
    world.until("the last answer", |server| {
        server.is_done_with(&alice.chat, later.last().unwrap())
    });
    for (question, text) in [(2, "hidden edit"), (5, "edit in sight"), (3, "number 4")] {
        let answer = world.matrix.answer_to(&alice.chat, &questions[question]);
        assert!(answer.ends_with(text), "{answer}");
    }
}

#[test]
fn a_gap_that_opens_while_the_agent_works_keeps_the_order() {
    let mut world = World::new();
    let slow = MockAgent::new(AgentId::new("assistant")).with_pause(Duration::from_millis(300));
    world.settings.agents = vec![("assistant", Arc::new(slow))];
    world.start();
    let alice = world.welcomes("@alice:hs");
    world.matrix.change(|server| server.page = 4);
    let first = alice.says(&alice.chat, "number 0");
    world.until("the first draft", |server| {
        !server.answers_to(&alice.chat, &first).is_empty()
    });
    // The agent is done long before the first page of the gap comes.
    let slow_page = Fault::Slow(Duration::from_secs(30));
    world.matrix.fail("messages", 0, slow_page);
    let mut questions = vec![first];
    questions.extend(talkative(&world, &alice, 1, 20));
    all_are_answered_in_order(&world, &alice, &questions);
}

#[test]
fn a_start_with_many_gaps_fills_a_few_at_a_time() {
    let mut world = World::running();
    let residents: Vec<Resident> = (0..20)
        .map(|number| world.welcomes(&format!("@user{number}:hs")))
        .collect();
    world.kill();
    let last: Vec<OwnedEventId> = residents
        .iter()
        .map(|user| talkative(&world, user, 1, 8).pop().unwrap())
        .collect();
    let slow = Fault::Slow(Duration::from_secs(10));
    world.matrix.fail_often("messages", 0, 1_000, slow);
    let before = world.matrix.count("messages");
    world.start();
    world.goes_on_for(Duration::from_secs(5));
    let at_once = world.matrix.count("messages") - before;
    assert!((1..=8).contains(&at_once), "{at_once} at once");
    world.until("every answer", |server| {
        residents
            .iter()
            .zip(&last)
            .all(|(user, question)| server.is_done_with(&user.chat, question))
    });
}
