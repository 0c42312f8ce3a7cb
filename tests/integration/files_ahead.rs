//! Files that come while an agent answers: acknowledged when they come, and given to the question behind them.

use std::{sync::Arc, time::Duration};

use matrix_sdk::ruma::OwnedEventId;
use surfaces_bot::{core::ids::AgentId, platform::mock::MockAgent};

use crate::support::{Fault, Left, Resident, Story, World};

/// Alice at home, with an agent that takes its time.
fn with_a_slow_agent() -> (World, Resident) {
    let mut world = World::new();
    let agent = MockAgent::new(AgentId::new("assistant")).with_pause(Duration::from_secs(5));
    world.settings.agents = vec![("assistant", Arc::new(agent))];
    world.start();
    let alice = world.welcomes("@alice:hs");
    world.goes_on_for(Duration::from_secs(1));
    (world, alice)
}

/// A question whose answer can be seen growing.
fn is_being_answered(world: &World, alice: &Resident) -> OwnedEventId {
    let question = alice.says(&alice.chat, "one two three four");
    world.until("a draft", |server| {
        !server.answers_to(&alice.chat, &question).is_empty()
    });
    question
}

fn files_with(world: &World, alice: &Resident, question: &OwnedEventId) -> usize {
    let answer = world.matrix.answer_to(&alice.chat, question);
    answer.matches("surfaces/matrix/").count()
}

#[test]
fn a_file_is_acknowledged_when_it_comes_and_goes_with_the_question_behind_it() {
    let (world, alice) = with_a_slow_agent();
    let chat = &alice.chat;
    let running = is_being_answered(&world, &alice);
    let before = alice.says(chat, "asked before");
    let file = alice.sends_file(chat, "x.txt", "", b"hello");
    world.until("the note", |server| {
        !server.answers_to(chat, &file).is_empty()
    });
    assert!(
        world
            .matrix
            .see(|server| server.answers_to(chat, &running)[0].is_draft)
    );
    let note = world.matrix.answer_to(chat, &file);
    assert!(note.starts_with("x.txt (5 bytes) goes with"), "{note}");
    let after = alice.says(chat, "asked after");
    world.until("the last answer", |server| {
        server.is_done_with(chat, &after)
    });
    let given = [&running, &before, &after].map(|question| files_with(&world, &alice, question));
    assert_eq!(given, [0, 0, 1]);
}

#[test]
fn a_file_that_is_slow_to_come_holds_up_no_stop() {
    let (world, alice) = with_a_slow_agent();
    let chat = &alice.chat;
    let running = is_being_answered(&world, &alice);
    world
        .matrix
        .fail("download", 0, Fault::Slow(Duration::from_mins(2)));
    let file = alice.sends_file(chat, "x.txt", "", b"hello");
    world.goes_on_for(Duration::from_secs(1));
    let stop = alice.says(chat, "!stop");
    world.until("the end of the answer", |server| {
        server
            .answers_to(chat, &running)
            .iter()
            .all(|answer| !answer.is_draft)
    });
    world.until("the note", |server| server.is_done_with(chat, &file));
    world.until("the stop", |server| server.is_done_with(chat, &stop));
    assert_eq!(world.matrix.answer_to(chat, &stop), "Stopped.");
    assert!(world.matrix.answer_to(chat, &file).contains("goes with"));
    let after = world.ask(&alice, chat, "look");
    assert_eq!(after.matches("surfaces/matrix/").count(), 1, "{after}");
}

#[test]
fn a_drop_that_was_sent_before_the_file_leaves_it_alone() {
    let (world, alice) = with_a_slow_agent();
    let chat = &alice.chat;
    is_being_answered(&world, &alice);
    let drop = alice.says(chat, "!drop");
    let file = alice.sends_file(chat, "x.txt", "", b"hello");
    world.until("both", |server| {
        server.is_done_with(chat, &drop) && server.is_done_with(chat, &file)
    });
    assert_eq!(world.matrix.answer_to(chat, &drop), "No files wait here.");
    let after = world.ask(&alice, chat, "look");
    assert_eq!(after.matches("surfaces/matrix/").count(), 1, "{after}");
}

type Sent = (Resident, Option<[OwnedEventId; 4]>);

/// A question, another one, a file and a third question, all at once.
fn story() -> Story<Sent> {
    Story {
        before: || {
            let (world, alice) = World::with_alice();
            world.goes_on_for(Duration::from_secs(1));
            (world, (alice, None))
        },
        happens: |_, (alice, sent)| {
            let chat = &alice.chat;
            *sent = Some([
                alice.says(chat, "one"),
                alice.says(chat, "two"),
                alice.sends_file(chat, "x.txt", "", b"hello"),
                alice.says(chat, "three"),
            ]);
        },
        is_over: |server, (alice, sent)| {
            let sent = sent.as_ref().unwrap();
            sent.iter()
                .all(|event| server.is_done_with(&alice.chat, event))
        },
        check: |world, (alice, sent)| {
            let [one, two, file, three] = sent.as_ref().unwrap();
            let note = world.matrix.answer_to(&alice.chat, file);
            assert!(note.contains("goes with"), "{note}");
            let given = [one, two, three].map(|question| files_with(world, alice, question));
            assert_eq!(given, [0, 0, 1]);
        },
    }
}

#[test]
fn wherever_the_process_dies_a_file_goes_with_the_question_behind_it() {
    story().survives_death(Left::Everything);
}

#[test]
fn wherever_the_process_dies_and_loses_its_stores_a_file_goes_with_the_question_behind_it() {
    story().survives_death(Left::NoDatabase);
    story().survives_death(Left::Nothing);
}
