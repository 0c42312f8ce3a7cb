//! What a former life had on its way when it was killed arrives after the new one has looked.

use std::{sync::Arc, time::Duration};

use matrix_sdk::ruma::{OwnedEventId, RoomId};
use serde_json::{Value, json};
use surfaces_bot::{
    core::ids::AgentId,
    matrix::marker::{ANSWERS_KEY, DRAFT_KEY, PART_KEY, SAYS_KEY},
    platform::mock::MockAgent,
};

use crate::support::{Fault, Resident, World};

/// Long enough for a first sync and all that follows, and too short for what is under way to settle.
const LOOKED: Duration = Duration::from_millis(500);

/// Killed while it sends an answer; both stores are lost.
fn killed_with_an_answer_on_its_way() -> (World, Resident, OwnedEventId) {
    let (mut world, alice) = World::with_alice();
    world.goes_on_for(Duration::from_secs(1));
    world.matrix.fail("send", 0, Fault::KillBefore);
    let question = alice.says(&alice.chat, "hello");
    world.until_killed_or("the death", |_| false);
    world.matrix.recovers();
    world.kill_and_wipe_all();
    (world, alice, question)
}

fn arrives(world: &World, room: &RoomId, content: &Value) {
    world.matrix.change(|server| {
        let bot = server.bot.clone();
        server.append(room, &bot, "m.room.message", None, content.clone());
    });
}

fn late_answer(question: &OwnedEventId) -> Value {
    json!({"msgtype": "m.text", "body": "late", ANSWERS_KEY: question, PART_KEY: 1})
}

/// The late answer is the only one, the cursor is behind it, and the chat goes on.
fn is_answered_once(world: &World, alice: &Resident, question: &OwnedEventId) {
    world.until("the cursor", |server| {
        server.is_done_with(&alice.chat, question)
    });
    assert!(
        world
            .ask(alice, &alice.chat, "goes on")
            .ends_with("goes on")
    );
    world.settles();
    assert_eq!(world.matrix.answer_to(&alice.chat, question), "late");
}

#[test]
fn an_answer_that_arrives_after_both_stores_are_lost_is_not_given_again() {
    let (mut world, alice, question) = killed_with_an_answer_on_its_way();
    world.start();
    world.goes_on_for(LOOKED);
    arrives(&world, &alice.chat, &late_answer(&question));
    is_answered_once(&world, &alice, &question);
}

#[test]
fn it_is_found_in_the_room_where_no_sync_has_told_of_it() {
    let (mut world, alice, question) = killed_with_an_answer_on_its_way();
    world.start();
    world.goes_on_for(LOOKED);
    world.matrix.holds_back(&alice.chat);
    arrives(&world, &alice.chat, &late_answer(&question));
    world.until("the cursor", |server| {
        server.is_done_with(&alice.chat, &question)
    });
    world.matrix.lets_go(&alice.chat);
    is_answered_once(&world, &alice, &question);
}

#[test]
fn one_that_arrives_while_the_agent_works_is_the_only_one() {
    let (mut world, alice, question) = killed_with_an_answer_on_its_way();
    let slow = MockAgent::new(AgentId::new("assistant")).with_pause(Duration::from_secs(5));
    world.settings.agents = vec![("assistant", Arc::new(slow))];
    world.start();
    world.goes_on_for(Duration::from_secs(6));
    arrives(&world, &alice.chat, &late_answer(&question));
    is_answered_once(&world, &alice, &question);
}

#[test]
fn a_draft_that_arrives_late_is_completed() {
    let (mut world, alice, question) = killed_with_an_answer_on_its_way();
    world.start();
    world.goes_on_for(LOOKED);
    let draft = json!({"msgtype": "m.text", "body": "Ec", ANSWERS_KEY: question, DRAFT_KEY: true});
    arrives(&world, &alice.chat, &draft);
    world.settles();
    let answer = world.matrix.answer_to(&alice.chat, &question);
    assert!(answer.ends_with("hello"), "{answer}");
}

#[test]
fn a_message_that_nobody_had_begun_to_answer_is_answered_when_that_is_sure() {
    let mut world = World::running();
    let (alice, bob) = (world.welcomes("@alice:hs"), world.welcomes("@bob:hs"));
    world.kill_and_wipe_all();
    let question = alice.says(&alice.chat, "hello");
    world.start();
    world.goes_on_for(LOOKED);
    assert!(world.ask(&bob, &bob.chat, "quick").ends_with("quick"));
    let answers = world
        .matrix
        .see(|server| server.answers_to(&alice.chat, &question));
    assert_eq!(answers, [], "others do not wait for it");
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &question)
    });
}

#[test]
fn nothing_waits_after_a_start_with_all_its_memory_nor_for_a_message_that_is_new() {
    let (mut world, alice) = World::with_alice();
    world.kill();
    let question = alice.says(&alice.chat, "while you were away");
    world.start();
    world.goes_on_for(LOOKED);
    assert!(
        world
            .matrix
            .see(|server| server.is_done_with(&alice.chat, &question))
    );
    world.kill_and_wipe_all();
    world.start();
    world.goes_on_for(LOOKED);
    let question = alice.says(&alice.chat, "new");
    world.goes_on_for(LOOKED);
    assert!(
        world
            .matrix
            .see(|server| server.is_done_with(&alice.chat, &question))
    );
}

#[test]
fn a_pointer_that_arrives_late_is_the_only_one() {
    let mut world = World::running();
    world.goes_on_for(Duration::from_secs(1));
    let alice = world.person("@alice:hs");
    world.matrix.fail("send", 1, Fault::KillBefore);
    let entry = alice.invites_the_bot();
    world.until_killed_or("the death", |_| false);
    world.matrix.recovers();
    world.kill_and_wipe_all();
    world.start();
    world.goes_on_for(LOOKED);
    let pointer = json!({"msgtype": "m.notice", "body": "late", SAYS_KEY: "pointer"});
    arrives(&world, &entry, &pointer);
    world.until("the cursor", |server| server.has_pointed_in(&entry));
    world.settles();
    let said = world.matrix.bot_said(&entry);
    assert_eq!(said.len(), 1, "{said:#?}");
    let home = world.matrix.home_of(&alice.id);
    assert_eq!(world.matrix.bot_said(home.chat()).len(), 1, "one welcome");
}
