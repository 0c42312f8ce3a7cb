//! What is changed before its turn is answered as it is then; what was answered stays answered.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use surfaces_bot::{core::ids::AgentId, platform::mock::MockAgent};

use crate::support::{Resident, World};

/// Alice, whose first message keeps the chat busy for some seconds.
fn busy() -> (World, Resident) {
    let mut world = World::new();
    let slow = MockAgent::new(AgentId::new("assistant")).with_pause(Duration::from_secs(2));
    world.settings.agents = vec![("assistant", Arc::new(slow))];
    world.start();
    let alice = world.welcomes("@alice:hs");
    let first = alice.says(&alice.chat, "a long story");
    world.until("the first draft", |server| {
        !server.answers_to(&alice.chat, &first).is_empty()
    });
    (world, alice)
}

#[test]
fn a_message_edited_before_its_turn_is_answered_as_it_is_now() {
    let (world, alice) = busy();
    let question = alice.says(&alice.chat, "teh question");
    alice.edits(&alice.chat, &question, "the question");
    alice.edits(&alice.chat, &question, "the last question");
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &question)
    });
    world.settles();
    assert!(
        world
            .matrix
            .answer_to(&alice.chat, &question)
            .ends_with("): the last question")
    );
    assert_eq!(world.matrix.bot_said(&alice.chat).len(), 3);
}

#[test]
fn a_message_edited_into_a_command_is_a_command() {
    let (world, alice) = busy();
    let question = alice.says(&alice.chat, "clear");
    alice.edits(&alice.chat, &question, "!context all");
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &question)
    });
    assert!(
        world
            .matrix
            .answer_to(&alice.chat, &question)
            .contains("generation: 0")
    );
}

#[test]
fn a_message_redacted_before_its_turn_is_not_answered() {
    let (world, alice) = busy();
    let question = alice.says(&alice.chat, "never mind");
    let next = alice.says(&alice.chat, "next");
    alice.redacts(&alice.chat, &question);
    world.until("the next answer", |server| {
        server.is_done_with(&alice.chat, &next)
    });
    world.settles();
    assert!(
        world
            .matrix
            .see(|server| server.answers_to(&alice.chat, &question))
            .is_empty()
    );
}

#[test]
fn a_message_redacted_while_nobody_was_there_is_not_answered() {
    let (mut world, alice) = World::with_alice();
    world.kill();
    let question = alice.says(&alice.chat, "never mind");
    alice.redacts(&alice.chat, &question);
    world.start();
    world.ask(&alice, &alice.chat, "next");
    assert!(
        world
            .matrix
            .see(|server| server.answers_to(&alice.chat, &question))
            .is_empty()
    );
}

#[test]
fn an_edit_of_an_answered_message_is_not_answered() {
    let (world, alice) = World::with_alice();
    let question = alice.says(&alice.chat, "question");
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &question)
    });
    alice.edits(&alice.chat, &question, "!clear");
    world.settles();
    assert_eq!(world.matrix.bot_said(&alice.chat).len(), 2);
    assert!(
        world
            .matrix
            .answer_to(&alice.chat, &question)
            .ends_with("): question")
    );
}

#[test]
fn nobody_edits_the_message_of_another() {
    let (world, alice) = busy();
    let carol = world.has_a_guest("@carol:hs", &alice.chat);
    let question = alice.says(&alice.chat, "mine");
    carol.edits(&alice.chat, &question, "!archive");
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &question)
    });
    assert!(
        world
            .matrix
            .answer_to(&alice.chat, &question)
            .ends_with("): mine")
    );
}

#[test]
fn an_answer_to_a_message_in_a_thread_stays_in_the_thread() {
    let (world, alice) = World::with_alice();
    let root = alice.says(&alice.chat, "root");
    let thread = json!({"rel_type": "m.thread", "event_id": root});
    let question = alice.sends(
        &alice.chat,
        json!({"msgtype": "m.text", "body": "inside", "m.relates_to": thread}),
    );
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &question)
    });
    let answer = world
        .matrix
        .see(|server| server.answers_to(&alice.chat, &question)[0].id.clone());
    let relation = world.matrix.see(|server| {
        let events = &server.room(&alice.chat).events;
        let event = events.iter().find(|event| event.item.event_id == answer);
        event.unwrap().item.content["m.relates_to"].clone()
    });
    assert_eq!(relation["rel_type"], "m.thread");
    assert_eq!(relation["event_id"], root.as_str());
}
