//! Messages whose keys have not come: one notice a session, no other message waits, and a key that comes late is used.

use std::time::Duration;

use matrix_sdk::ruma::OwnedEventId;
use serde_json::json;

use crate::support::{Left, Resident, Story, World};

fn notices(world: &World, alice: &Resident) -> usize {
    let said = world.matrix.bot_said(&alice.chat);
    let is_notice = |body: &str| body.contains("could not decrypt");
    said.iter().filter(|said| is_notice(&said.body)).count()
}

fn the_key_comes(world: &World, session: &str) {
    world.matrix.change(|server| {
        server.keys_of_the_bot.insert(session.to_owned());
    });
}

#[test]
fn a_session_without_a_key_gets_one_notice_and_holds_up_nothing() {
    let (world, alice) = World::with_alice();
    for number in 0..5 {
        alice.encrypts(&alice.chat, "session one", &format!("number {number}"));
    }
    let clear = alice.says(&alice.chat, "hello");
    let asked = world.clock.millis();
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &clear)
    });
    let waited = world.clock.millis() - asked;
    assert!(waited < 15_000, "{waited} ms");
    assert_eq!(notices(&world, &alice), 1);
    alice.encrypts(&alice.chat, "session one", "one more");
    let asked = world.clock.millis();
    world.ask(&alice, &alice.chat, "at once");
    let waited = world.clock.millis() - asked;
    assert!(waited < 1_000, "{waited} ms");
    alice.encrypts(&alice.chat, "session two", "another");
    world.settles();
    assert_eq!(notices(&world, &alice), 2);
}

#[test]
fn a_message_whose_key_comes_within_the_hold_is_answered_in_its_place() {
    let (world, alice) = World::with_alice();
    let first = alice.encrypts(&alice.chat, "session", "first");
    let second = alice.says(&alice.chat, "second");
    world.goes_on_for(Duration::from_secs(3));
    the_key_comes(&world, "session");
    world.until("both answers", |server| {
        server.is_done_with(&alice.chat, &second)
    });
    let answer = world.matrix.answer_to(&alice.chat, &first);
    assert!(answer.ends_with("first"), "{answer}");
    let said = world.matrix.bot_said(&alice.chat);
    assert!(said[1].body.ends_with("first"), "{said:#?}");
    assert_eq!(notices(&world, &alice), 0);
}

#[test]
fn messages_whose_key_comes_late_are_answered_once_each_and_the_cursor_stays_where_it_was() {
    let (mut world, alice) = World::with_alice();
    let late: Vec<OwnedEventId> = ["first", "second"]
        .map(|text| alice.encrypts(&alice.chat, "session", text))
        .into();
    let clear = alice.says(&alice.chat, "clear");
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &clear)
    });
    world.restart();
    the_key_comes(&world, "session");
    world.settles();
    let moved = world.matrix.count_in("read_marker", &alice.chat);
    for (question, text) in late.iter().zip(["first", "second"]) {
        let answer = world.matrix.answer_to(&alice.chat, question);
        assert!(answer.ends_with(text), "{answer}");
    }
    assert!(
        world
            .matrix
            .see(|server| server.has_read(&alice.chat, &clear))
    );
    assert_eq!(notices(&world, &alice), 1);
    world.ask(&alice, &alice.chat, "next");
    assert_eq!(world.matrix.count_in("read_marker", &alice.chat), moved + 1);
}

#[test]
fn a_message_whose_key_never_comes_is_not_kept_for_ever() {
    let (world, alice) = World::with_alice();
    let lost = alice.encrypts(&alice.chat, "session", "lost");
    world.settles();
    world.goes_on_for(Duration::from_hours(25));
    the_key_comes(&world, "session");
    world.settles();
    let answers = world
        .matrix
        .see(|server| server.answers_to(&alice.chat, &lost));
    assert_eq!(answers, []);
}

#[test]
fn an_edit_that_can_be_read_late_is_no_message_of_its_own() {
    let (world, alice) = World::with_alice();
    let question = alice.says(&alice.chat, "question");
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &question)
    });
    let edit = json!({
        "msgtype": "m.text", "body": "* other",
        "m.new_content": {"msgtype": "m.text", "body": "other"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": question},
    });
    alice.encrypts_content(&alice.chat, "session", &edit);
    world.goes_on_for(Duration::from_secs(3));
    the_key_comes(&world, "session");
    world.settles();
    let said = world.matrix.bot_said(&alice.chat);
    assert_eq!(said.len(), 2, "{said:#?}");
}

#[test]
fn what_others_encrypt_is_nothing_to_the_bot() {
    let (world, alice) = World::with_alice();
    let carol = world.has_a_guest("@carol:hs", &alice.chat);
    for room in [&alice.chat, &alice.entry] {
        if room == &alice.entry {
            world.matrix.change(|server| {
                server.append_member(room, &alice.id, &carol.id, "join");
            });
        }
        let before = world.matrix.bot_said(room).len();
        for number in 0..3 {
            carol.encrypts(room, &format!("session {number}"), "psst");
        }
        let asked = world.clock.millis();
        world.ask(&alice, room, "!help");
        assert!(world.clock.millis() - asked < 1_000);
        world.settles();
        assert_eq!(world.matrix.bot_said(room).len(), before + 1);
    }
}

#[test]
fn a_process_that_dies_at_any_request_says_once_what_it_cannot_read() {
    let story = Story {
        before: World::with_alice,
        happens: |_: &World, alice: &mut Resident| {
            alice.encrypts(&alice.chat, "session", "one");
            alice.encrypts(&alice.chat, "session", "two");
            alice.says(&alice.chat, "clear");
        },
        is_over: |server, alice| {
            let said = server.bot_said(&alice.chat);
            said.last().is_some_and(|said| {
                said.body.ends_with("clear")
                    && !said.is_draft
                    && server.has_read(&alice.chat, &said_at(server, alice))
            })
        },
        check: |world, alice| {
            assert_eq!(notices(world, alice), 1);
            assert_eq!(world.matrix.bot_said(&alice.chat).len(), 3);
        },
    };
    story.survives_death(Left::Everything);
}

/// The last message of the owner.
fn said_at(server: &crate::support::fake_matrix::Server, alice: &Resident) -> OwnedEventId {
    let events = &server.room(&alice.chat).events;
    let own = events
        .iter()
        .rev()
        .find(|event| event.item.sender == alice.id);
    own.expect("she said something").item.event_id.clone()
}
