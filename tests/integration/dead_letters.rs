//! What cannot be answered is said once, recorded for operators, and holds up nothing.

use std::{cell::Cell, sync::Arc, time::Duration};

use surfaces_bot::{
    boundary::{Boundary, watch},
    core::ids::AgentId,
    matrix::store::DeadLetters,
    platform::{
        AnswerEvent,
        mock::{MockAgent, Script},
    },
};

use crate::support::{Fault, World, fake_matrix::Server};

fn dead(world: &World) -> (u64, u64) {
    let DeadLetters { answers, events } =
        world.with_store(|store| async move { store.dead_letters().await.unwrap() });
    (answers, events)
}

#[test]
fn an_answer_that_the_homeserver_refuses_is_said_to_be_refused_once() {
    let (world, alice) = World::with_alice();
    world.matrix.fail("send", 0, Fault::Refused("M_TOO_LARGE"));
    let answer = world.ask(&alice, &alice.chat, "hello");
    assert!(
        answer.starts_with("The homeserver did not take this answer"),
        "{answer}"
    );
    assert_eq!(dead(&world), (1, 0));
    let next = world.ask(&alice, &alice.chat, "next");
    assert!(next.ends_with("next"), "{next}");
}

#[test]
fn a_room_in_which_nothing_can_be_sent_is_left_in_peace() {
    let (world, alice) = World::with_alice();
    let sends = world.matrix.count("send");
    world
        .matrix
        .fail_often("send", 0, 1_000, Fault::Refused("M_FORBIDDEN"));
    let question = alice.says(&alice.chat, "hello");
    world.until("the cursor", |server| {
        server.has_read(&alice.chat, &question)
    });
    world.settles();
    assert_eq!(
        world.matrix.count("send") - sends,
        2,
        "the answer, and a word about it"
    );
    assert_eq!(dead(&world), (1, 0));
}

/// Deaths without a record that an event may see while nothing else is suspected: more than a busy machine has in a day.
const DEATHS: usize = 12;

#[test]
fn an_answer_whose_sending_is_killed_every_time_is_dead_lettered_after_many_starts() {
    let (mut world, alice) = World::with_alice();
    let question = alice.says(&alice.chat, "hello");
    for _ in 0..DEATHS {
        world.matrix.recovers();
        world.matrix.fail("send", 0, Fault::KillBefore);
        world.until_killed_or("the death", |_| false);
        assert_eq!(dead(&world), (0, 0));
        world.restart();
    }
    world.matrix.recovers();
    world.until("the last word", |server| {
        server.is_done_with(&alice.chat, &question)
    });
    let answer = world.matrix.answer_to(&alice.chat, &question);
    assert!(
        answer.starts_with("Something went wrong on my side"),
        "{answer}"
    );
    assert_eq!(dead(&world), (0, 1));
    assert_eq!(world.log.count("dead-lettered"), 1);
}

#[test]
fn a_message_that_is_killed_in_mid_stream_three_times_from_outside_is_answered_in_the_end() {
    let mut world = World::new();
    let slow = MockAgent::new(AgentId::new("assistant")).with_pause(Duration::from_secs(2));
    world.settings.agents = vec![("assistant", Arc::new(slow))];
    world.start();
    let alice = world.welcomes("@alice:hs");
    let question = alice.says(&alice.chat, "one two three");
    for _ in 0..3 {
        world.until("a draft", |server| {
            !server.answers_to(&alice.chat, &question).is_empty()
        });
        world.goes_on_for(Duration::from_secs(1));
        world.restart();
    }
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &question)
    });
    let answer = world.matrix.answer_to(&alice.chat, &question);
    assert!(answer.ends_with("one two three"), "{answer}");
    assert_eq!(dead(&world), (0, 0));
}

/// From here on, handling a message ends in a panic at this moment; that ends the process in order.
fn panics_at(at: Boundary) {
    watch(Some(Box::new(move |reached| {
        if reached == at {
            std::panic::resume_unwind(Box::new("a fault of the bot"));
        }
    })));
}

#[test]
fn a_message_whose_handling_panics_is_dead_lettered_at_the_fourth_start_and_nothing_else_is() {
    let mut world = World::new();
    let slow = MockAgent::new(AgentId::new("assistant")).with_pause(Duration::from_secs(5));
    world.settings.agents = vec![("assistant", Arc::new(slow))];
    world.start();
    let (alice, bob) = (world.welcomes("@alice:hs"), world.welcomes("@bob:hs"));
    let innocent = bob.says(&bob.chat, "hello");
    world.goes_on_for(Duration::from_millis(200));
    let poison = alice.says(&alice.chat, "!clear");
    for _ in 0..3 {
        panics_at(Boundary::BeforeFinalSend);
        world.until_the_bot_ends();
        watch(None);
        assert_eq!(dead(&world), (0, 0));
        world.start();
    }
    world.until("both answers", |server| {
        server.is_done_with(&alice.chat, &poison) && server.is_done_with(&bob.chat, &innocent)
    });
    let answer = world.matrix.answer_to(&alice.chat, &poison);
    assert!(answer.starts_with("Something went wrong"), "{answer}");
    let answer = world.matrix.answer_to(&bob.chat, &innocent);
    assert!(answer.starts_with("Echo"), "{answer}");
    assert_eq!(dead(&world), (0, 1));
}

#[test]
fn an_answer_to_a_permission_question_is_heard_however_often_the_process_died_of_it() {
    let (mut world, alice) = World::with_alice();
    let turn = alice.says(&alice.chat, "ask permission May I?");
    let is_asked = |server: &Server| {
        let said = server.bot_said(&alice.chat);
        said.iter().any(|shown| shown.body.contains("Only you"))
    };
    world.until("the question", is_asked);
    alice.says(&alice.chat, "!yes");
    // The turn runs at the first of these deaths, and begins anew before the second.
    for of_the_turn in [0, 1] {
        let (matrix, attempts) = (world.matrix.clone(), Cell::new(0));
        watch(Some(Box::new(move |reached| {
            attempts.set(attempts.get() + usize::from(reached == Boundary::AttemptBegun));
            if reached == Boundary::AttemptBegun && attempts.get() > of_the_turn {
                matrix.change(|server| server.requests.dead = true);
                std::panic::resume_unwind(Box::new("killed"));
            }
        })));
        world.until_killed_or("the death", |_| false);
        watch(None);
        world.restart();
    }
    world.goes_on_for(Duration::from_mins(1));
    assert!(
        world
            .matrix
            .see(|server| server.is_done_with(&alice.chat, &turn)),
        "{:#?}",
        world.matrix.bot_said(&alice.chat)
    );
}

#[test]
fn a_message_is_not_given_up_where_the_last_of_the_deaths_came_after_its_answer() {
    let (mut world, alice) = World::with_alice();
    let question = alice.says(&alice.chat, "hello");
    for death in [Fault::KillBefore, Fault::KillBefore, Fault::KillAfter] {
        world.matrix.recovers();
        world.matrix.fail("send", 0, death);
        world.until_killed_or("the death", |_| false);
        world.restart();
    }
    world.matrix.recovers();
    world.until("the cursor", |server| {
        server.has_read(&alice.chat, &question)
    });
    world.settles();
    let answer = world.matrix.answer_to(&alice.chat, &question);
    assert!(answer.ends_with("hello"), "{answer}");
    assert_eq!(dead(&world), (0, 0));
}

#[test]
fn who_was_being_answered_when_somebody_elses_message_ended_the_process_is_not_given_up() {
    let mut world = World::new();
    let slow = MockAgent::new(AgentId::new("assistant")).with_pause(Duration::from_secs(5));
    world.settings.agents = vec![("assistant", Arc::new(slow))];
    world.start();
    let (alice, bob) = (world.welcomes("@alice:hs"), world.welcomes("@bob:hs"));
    let innocent = bob.says(&bob.chat, "hello");
    world.goes_on_for(Duration::from_millis(200));
    let poison = alice.says(&alice.chat, "!clear");
    for _ in 0..DEATHS {
        world.matrix.recovers();
        world.matrix.fail("put_state", 0, Fault::KillBefore);
        world.until_killed_or("the death", |_| false);
        world.restart();
    }
    world.matrix.recovers();
    world.until("both answers", |server| {
        server.is_done_with(&alice.chat, &poison) && server.is_done_with(&bob.chat, &innocent)
    });
    let answer = world.matrix.answer_to(&bob.chat, &innocent);
    assert!(answer.starts_with("Echo"), "{answer}");
    assert_eq!(dead(&world), (0, 1));
}

fn with_an_agent_that_says(text: &str) -> World {
    let mut world = World::new();
    let events = vec![AnswerEvent::Text(text.to_owned())];
    let agent = MockAgent::scripted(AgentId::new("assistant"), Script::Events(events));
    world.settings.agents = vec![("assistant", Arc::new(agent))];
    world.start();
    world
}

#[test]
fn an_answer_of_nothing_is_said_to_be_empty() {
    let world = with_an_agent_that_says("");
    let alice = world.welcomes("@alice:hs");
    let answer = world.ask(&alice, &alice.chat, "hello");
    assert!(
        answer.contains("empty") || answer.contains("without"),
        "{answer}"
    );
}

#[test]
fn an_answer_of_a_megabyte_comes_in_many_messages_in_order_and_in_full() {
    let lines: Vec<String> = (0..20_000)
        .map(|number| format!("line {number:06} of a long answer, with words and ünïcödé."))
        .collect();
    let text = lines.join("\n\n");
    assert!(text.len() > 1_000_000);
    let world = with_an_agent_that_says(&text);
    let alice = world.welcomes("@alice:hs");
    let question = alice.says(&alice.chat, "tell me everything");
    world.until("the answer", |server| {
        server.has_read(&alice.chat, &question)
    });
    let answers = world
        .matrix
        .see(|server| server.answers_to(&alice.chat, &question));
    assert!(answers.len() > 100, "{}", answers.len());
    let said: Vec<String> = answers
        .iter()
        .flat_map(|answer| answer.body.lines())
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    assert!(said == lines, "every line, once, in order");
}
