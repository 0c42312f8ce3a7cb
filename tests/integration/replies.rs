//! An answer says which question it answers where another message stands between them.

use std::{sync::Arc, time::Duration};

use matrix_sdk::ruma::{OwnedEventId, RoomId};
use serde_json::{Value, json};
use surfaces_bot::{core::ids::AgentId, matrix::marker::ANSWERS_KEY, platform::mock::MockAgent};

use crate::support::{Left, Resident, Story, World};

/// Alice at home, with an agent whose answers can be seen growing.
fn with_a_slow_agent() -> (World, Resident) {
    let mut world = World::new();
    let agent = MockAgent::new(AgentId::new("assistant")).with_pause(Duration::from_millis(700));
    world.settings.agents = vec![("assistant", Arc::new(agent))];
    world.start();
    let alice = world.welcomes("@alice:hs");
    world.goes_on_for(Duration::from_secs(1));
    (world, alice)
}

/// The relations of the messages that answer the question, those that only edit left out.
fn relations(world: &World, room: &RoomId, question: &OwnedEventId) -> Vec<Value> {
    world.matrix.see(|server| {
        let events = server.room(room).events.iter();
        events
            .map(|event| &event.item)
            .filter(|item| {
                item.sender == server.bot && item.content[ANSWERS_KEY] == question.as_str()
            })
            .map(|item| item.content["m.relates_to"].clone())
            .filter(|relation| relation["rel_type"] != "m.replace")
            .collect()
    })
}

fn reply_to(question: &OwnedEventId) -> Value {
    json!({"m.in_reply_to": {"event_id": question}})
}

#[test]
fn of_three_questions_asked_at_once_each_answer_but_the_first_says_what_it_answers() {
    let (world, alice) = with_a_slow_agent();
    let chat = &alice.chat;
    let first = alice.says(chat, "one two three four");
    world.until("a draft", |server| {
        !server.answers_to(chat, &first).is_empty()
    });
    let others = ["second of them", "third of them"].map(|text| alice.says(chat, text));
    world.until("the last answer", |server| {
        server.is_done_with(chat, &others[1])
    });
    assert_eq!(relations(&world, chat, &first), [Value::Null]);
    for question in &others {
        assert_eq!(relations(&world, chat, question), [reply_to(question)]);
    }
    // Nothing stands between these.
    let alone = alice.says(chat, "and now");
    world.until("the answer", |server| server.is_done_with(chat, &alone));
    assert_eq!(relations(&world, chat, &alone), [Value::Null]);
}

#[test]
fn answers_in_one_piece_and_of_the_bot_itself_are_replies_too() {
    let (world, alice) = World::with_alice();
    let chat = &alice.chat;
    let questions = ["one", "!chats", "three"].map(|text| alice.says(chat, text));
    world.until("the last answer", |server| {
        server.is_done_with(chat, &questions[2])
    });
    for question in &questions {
        assert_eq!(relations(&world, chat, question), [reply_to(question)]);
    }
}

#[test]
fn edits_reactions_and_names_stand_between_nothing() {
    let (world, alice) = with_a_slow_agent();
    let chat = &alice.chat;
    let greeting = world.matrix.bot_said(chat)[0].id.clone();
    let question = alice.says(chat, "tell me");
    alice.edits(chat, &question, "tell me more");
    alice.reacts(chat, &greeting, "👍");
    alice.puts_state(chat, "m.room.name", "", json!({"name": "Trip"}));
    world.until("the answer", |server| server.is_done_with(chat, &question));
    assert_eq!(relations(&world, chat, &question), [Value::Null]);
}

#[test]
fn a_message_of_a_guest_stands_between_and_threads_stay_threads() {
    let (world, alice) = with_a_slow_agent();
    let chat = &alice.chat;
    let carol = world.has_a_guest("@carol:hs", chat);
    world.settles();
    let root = world.matrix.bot_said(chat)[0].id.clone();
    let question = alice.says(chat, "tell me");
    carol.says(chat, "me too");
    world.until("the answer", |server| server.is_done_with(chat, &question));
    assert_eq!(relations(&world, chat, &question), [reply_to(&question)]);
    let in_thread = alice.sends(
        chat,
        json!({"msgtype": "m.text", "body": "in a thread",
               "m.relates_to": {"rel_type": "m.thread", "event_id": root}}),
    );
    carol.says(chat, "again");
    world.until("the answer", |server| server.is_done_with(chat, &in_thread));
    let relation = &relations(&world, chat, &in_thread)[0];
    assert_eq!(relation["rel_type"], "m.thread");
    assert_eq!(relation["m.in_reply_to"]["event_id"], in_thread.as_str());
}

/// Three questions, of which the second and the third wait for an answer.
#[test]
fn whatever_dies_the_answers_that_were_waited_for_are_replies() {
    let story = Story {
        before: || {
            let (world, alice) = World::with_alice();
            world.goes_on_for(Duration::from_secs(1));
            (world, (alice, None))
        },
        happens: |_, (alice, asked): &mut (Resident, Option<[OwnedEventId; 3]>)| {
            *asked = Some(["one", "two", "three"].map(|text| alice.says(&alice.chat, text)));
        },
        is_over: |server, (alice, asked)| {
            let asked = asked.as_ref().unwrap();
            asked
                .iter()
                .all(|event| server.is_done_with(&alice.chat, event))
        },
        check: |world, (alice, asked)| {
            for question in asked.as_ref().unwrap() {
                assert_eq!(
                    relations(world, &alice.chat, question),
                    [reply_to(question)]
                );
            }
        },
    };
    story.survives_death(Left::Everything);
}
