//! Messages that are neither plain words nor a file: each is answered.

use matrix_sdk::ruma::OwnedEventId;
use serde_json::{Value, json};

use crate::support::{Resident, World};

fn answer_to(world: &World, alice: &Resident, event: &OwnedEventId) -> String {
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, event)
    });
    world.matrix.answer_to(&alice.chat, event)
}

fn poll(question: &str) -> Value {
    json!({"org.matrix.msc3381.poll.start": {
        "question": {"org.matrix.msc1767.text": question},
        "kind": "org.matrix.msc3381.poll.disclosed",
        "answers": [{"id": "1", "org.matrix.msc1767.text": "Tea"},
                    {"id": "2", "org.matrix.msc1767.text": "Coffee"}],
    }, "org.matrix.msc1767.text": "as clients without polls show it"})
}

#[test]
fn messages_of_other_kinds_reach_the_agent_and_say_what_they_are() {
    let (world, alice) = World::with_alice();
    let stable_poll = json!({"m.poll": {
        "question": {"m.text": [{"body": "Which?"}]},
        "answers": [{"m.id": "a", "m.text": [{"body": "One"}]}],
    }, "m.text": [{"body": "Which?"}]});
    for (event_type, content, expected) in [
        (
            "m.sticker",
            json!({"body": "a cat that waves", "url": "mxc://hs/a", "info": {}}),
            "[A sticker:]\na cat that waves",
        ),
        (
            "org.matrix.msc3381.poll.start",
            poll("What to drink?"),
            "[A poll:]\nWhat to drink?\n1. Tea\n2. Coffee",
        ),
        ("m.poll.start", stable_poll, "[A poll:]\nWhich?\n1. One"),
        (
            "m.room.message",
            json!({"msgtype": "m.location", "body": "Big Ben", "geo_uri": "geo:51.5008,0.1247"}),
            "[A location: geo:51.5008,0.1247]\nBig Ben",
        ),
        (
            "m.room.message",
            json!({"msgtype": "dm.filament.gallery", "body": "our trip", "itemtypes": [
            {"itemtype": "m.image", "body": "a.jpg", "url": "mxc://hs/a"},
            {"itemtype": "m.file", "body": "seen from above", "filename": "b.pdf", "url": "mxc://hs/b"}]}),
            "[A gallery of files that were not handed over: a.jpg, b.pdf]\nour trip",
        ),
        (
            "m.room.message",
            json!({"msgtype": "nic.custom.confetti", "body": "hooray"}),
            "[A message of the type nic.custom.confetti:]\nhooray",
        ),
        (
            "m.room.message",
            json!({"msgtype": "m.emote", "body": "waves"}),
            "waves",
        ),
    ] {
        let event = alice.sends_event(&alice.chat, event_type, content);
        let answer = answer_to(&world, &alice, &event);
        assert!(answer.ends_with(&format!("): {expected}")), "{answer}");
    }
}

#[test]
fn a_message_with_nothing_to_read_is_answered_in_one_line() {
    let (world, alice) = World::with_alice();
    for (event_type, content) in [
        (
            "m.room.message",
            json!({"msgtype": "org.example.whiteboard"}),
        ),
        (
            "m.room.message",
            json!({"msgtype": "m.image", "body": "no-content.png"}),
        ),
        ("m.room.message", json!({"msgtype": "m.text", "body": " "})),
        ("m.sticker", json!({"url": "mxc://hs/a"})),
        ("m.poll.start", json!({"m.poll": 5})),
    ] {
        let event = alice.sends_event(&alice.chat, event_type, content.clone());
        let answer = answer_to(&world, &alice, &event);
        assert_eq!(
            answer,
            "I can't read this kind of message. Please write it as text, or send it as a file.",
            "{content}"
        );
    }
}

#[test]
fn a_sticker_is_no_command_and_notices_are_left_alone() {
    let (world, alice) = World::with_alice();
    let chat = &alice.chat;
    let sticker = alice.sends_event(
        chat,
        "m.sticker",
        json!({"body": "!archive", "url": "mxc://hs/a"}),
    );
    let ignored = [
        alice.sends(chat, json!({"msgtype": "m.notice", "body": "beep"})),
        alice.sends(
            chat,
            json!({"msgtype": "m.key.verification.request", "body": "verify me", "to": "@bot:hs"}),
        ),
        alice.sends_event(chat, "m.poll.response", json!({"m.selections": ["1"]})),
        alice.sends_event(chat, "m.sticker", json!({})),
    ];
    let last = alice.says(chat, "hello");
    answer_to(&world, &alice, &last);
    assert!(answer_to(&world, &alice, &sticker).ends_with("[A sticker:]\n!archive"));
    for event in &ignored {
        assert!(
            world
                .matrix
                .see(|server| server.answers_to(chat, event).is_empty())
        );
    }
}

#[test]
fn a_poll_that_is_edited_while_it_waits_is_asked_in_its_new_form() {
    let (mut world, alice) = World::with_alice();
    world.kill();
    let kind = "org.matrix.msc3381.poll.start";
    let asked = alice.sends_event(&alice.chat, kind, poll("Old?"));
    let mut edit = poll("* New?");
    edit["m.new_content"] = poll("New?");
    edit["m.relates_to"] = json!({"rel_type": "m.replace", "event_id": asked});
    alice.sends_event(&alice.chat, kind, edit);
    world.start();
    let answer = answer_to(&world, &alice, &asked);
    assert!(
        answer.ends_with("): [A poll:]\nNew?\n1. Tea\n2. Coffee"),
        "{answer}"
    );
    assert_eq!(world.matrix.bot_said(&alice.chat).len(), 2);
}
