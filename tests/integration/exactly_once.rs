//! One answer to each message, whatever dies or gets lost in between.

use std::{sync::Arc, time::Duration};

use matrix_sdk::ruma::OwnedEventId;
use surfaces_bot::{core::ids::AgentId, platform::mock::MockAgent};

use crate::support::{Fault, Left, Resident, Story, World, fake_matrix::Server};

type Asked = (Resident, Option<OwnedEventId>);

/// An agent slow enough that its answer grows in front of the user.
fn slow_agent(pause: Duration) -> Arc<MockAgent> {
    Arc::new(MockAgent::new(AgentId::new("assistant")).with_pause(pause))
}

fn at_home_with_a_slow_agent() -> (World, Asked) {
    let mut world = World::new();
    world.settings.agents = vec![("assistant", slow_agent(Duration::from_millis(450)))];
    world.start();
    let alice = world.welcomes("@alice:hs");
    world.goes_on_for(Duration::from_secs(1));
    (world, (alice, None))
}

fn is_answered(server: &Server, (alice, question): &Asked) -> bool {
    server.is_done_with(&alice.chat, question.as_ref().unwrap())
}

fn story() -> Story<Asked> {
    Story {
        before: at_home_with_a_slow_agent,
        happens: |_, (alice, question)| {
            *question = Some(alice.says(&alice.chat, "one two three four"));
        },
        is_over: is_answered,
        check: |world, (alice, question)| {
            let answer = world
                .matrix
                .answer_to(&alice.chat, question.as_ref().unwrap());
            assert!(answer.starts_with("Echo (context "), "{answer}");
            assert!(answer.ends_with("): one two three four"), "{answer}");
            let said = world.matrix.bot_said(&alice.chat);
            assert_eq!(said.len(), 2, "the welcome and the answer: {said:#?}");
        },
    }
}

#[test]
fn an_answer_grows_by_edits_of_one_message_and_ends_as_the_whole_text() {
    let (world, (alice, _)) = at_home_with_a_slow_agent();
    let sends = world.matrix.count("send");
    let question = alice.says(&alice.chat, "one two three four");
    world.until("a draft", |server| {
        server
            .answers_to(&alice.chat, &question)
            .iter()
            .any(|answer| answer.is_draft)
    });
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &question)
    });
    assert!(
        world
            .matrix
            .answer_to(&alice.chat, &question)
            .ends_with("one two three four")
    );
    let sends = world.matrix.count("send") - sends;
    assert!(
        (3..=5).contains(&sends),
        "first draft, some edits, the end: {sends}"
    );
    let notices = [(alice.chat.clone(), true), (alice.chat.clone(), false)];
    world.until("the notice to end", |server| server.typing == notices);
}

#[test]
fn a_process_that_dies_at_any_request_answers_once() {
    story().survives_death(Left::Everything);
}

#[test]
fn a_process_that_dies_at_any_request_and_loses_its_database_answers_once() {
    story().survives_death(Left::NoDatabase);
}

#[test]
fn a_process_that_dies_at_any_request_and_loses_everything_answers_once() {
    story().survives_death(Left::Nothing);
}

#[test]
fn a_process_that_dies_at_any_request_and_comes_back_as_another_device_answers_once() {
    story().survives_death(Left::NoDevice);
}

#[test]
fn requests_and_answers_that_get_lost_change_nothing() {
    for fault in [Fault::Lost, Fault::AnswerLost] {
        story().survives(&fault, &["send", "read_marker", "sync"]);
    }
}

#[test]
fn a_sync_response_that_comes_again_is_not_handled_again() {
    let (world, alice) = World::with_alice();
    let questions = ["one", "two", "three"].map(|text| {
        world.matrix.change(|server| server.repeats = 2);
        let question = alice.says(&alice.chat, text);
        world.until(text, |server| server.is_done_with(&alice.chat, &question));
        question
    });
    world.settles();
    for question in &questions {
        world.matrix.answer_to(&alice.chat, question);
    }
    assert_eq!(world.matrix.bot_said(&alice.chat).len(), 4);
}

#[test]
fn messages_are_answered_in_the_order_of_the_room() {
    let (world, alice) = World::with_alice();
    let questions: Vec<_> = (1..=40)
        .map(|number| alice.says(&alice.chat, &format!("message {number}")))
        .collect();
    world.until("the last answer", |server| {
        server.is_done_with(&alice.chat, questions.last().unwrap())
    });
    let answered: Vec<String> = world
        .matrix
        .bot_said(&alice.chat)
        .into_iter()
        .filter_map(|said| said.answers)
        .collect();
    let asked: Vec<String> = questions.iter().map(ToString::to_string).collect();
    assert_eq!(answered, asked);
}

#[test]
fn a_message_that_cannot_be_answered_gets_a_word_after_many_deaths_and_holds_up_nothing() {
    let (mut world, alice) = World::with_alice();
    let question = alice.says(&alice.chat, "!clear");
    let next = alice.says(&alice.chat, "hello");
    for _ in 0..12 {
        world.matrix.recovers();
        world.matrix.fail("put_state", 0, Fault::KillBefore);
        world.until_killed_or("the death", |_| false);
        world.restart();
    }
    world.matrix.recovers();
    world.until("the next answer", |server| {
        server.is_done_with(&alice.chat, &next)
    });
    let answer = world.matrix.answer_to(&alice.chat, &question);
    assert!(
        answer.starts_with("Something went wrong on my side"),
        "{answer}"
    );
}

#[test]
fn notices_and_the_words_of_others_are_not_answered() {
    let (world, alice) = World::with_alice();
    let carol = world.has_a_guest("@carol:hs", &alice.chat);
    carol.says(&alice.chat, "!clear");
    let notice = serde_json::json!({"msgtype": "m.notice", "body": "beep"});
    alice.sends(&alice.chat, notice);
    let last = alice.says(&alice.chat, "hello");
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &last)
    });
    world.settles();
    assert_eq!(world.matrix.bot_said(&alice.chat).len(), 2);
    assert_eq!(
        world.rows().rooms.iter().map(|row| row.generation).max(),
        Some(0)
    );
}
