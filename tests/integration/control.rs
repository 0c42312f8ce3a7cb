//! What passes ahead while an agent answers: `!stop` and `!help`.

use std::{sync::Arc, time::Duration};

use matrix_sdk::ruma::OwnedEventId;
use surfaces_bot::{
    core::ids::AgentId,
    platform::mock::{MockAgent, Script},
};

use crate::support::{Fault, Left, Resident, Story, World};

/// Alice at home, with an agent that never comes to an end.
fn with_a_hanging_agent() -> (World, Resident) {
    let mut world = World::new();
    let script = Script::HangAfter("It begins".to_owned());
    let agent = MockAgent::scripted(AgentId::new("assistant"), script);
    world.settings.agents = vec![("assistant", Arc::new(agent))];
    world.start();
    let alice = world.welcomes("@alice:hs");
    world.goes_on_for(Duration::from_secs(1));
    (world, alice)
}

/// A question whose answer can be seen growing.
fn is_being_answered(world: &World, alice: &Resident) -> OwnedEventId {
    let question = alice.says(&alice.chat, "tell me everything");
    world.until("a draft", |server| {
        !server.answers_to(&alice.chat, &question).is_empty()
    });
    question
}

#[test]
fn a_stop_ends_the_running_answer_in_place_and_is_answered_itself() {
    let (world, alice) = with_a_hanging_agent();
    let question = is_being_answered(&world, &alice);
    assert_eq!(world.ask(&alice, &alice.chat, "!stop"), "Stopped.");
    let answer = world.matrix.answer_to(&alice.chat, &question);
    assert_eq!(answer, "It begins\n\nStopped.");
    assert_eq!(world.matrix.bot_said(&alice.chat).len(), 3);
    let again = world.ask(&alice, &alice.chat, "!stop");
    assert_eq!(again, "Nothing is running here.");
}

#[test]
fn a_stop_passes_ahead_of_the_messages_that_wait_and_ends_only_one_answer() {
    let (world, alice) = with_a_hanging_agent();
    let first = is_being_answered(&world, &alice);
    let next = alice.says(&alice.chat, "and then?");
    let command = alice.says(&alice.chat, "!stop");
    world.until("the end of the first answer", |server| {
        server.is_done_with(&alice.chat, &first)
    });
    world.until("the next answer", |server| {
        !server.answers_to(&alice.chat, &next).is_empty()
    });
    world.goes_on_for(Duration::from_secs(30));
    let growing = world
        .matrix
        .see(|server| server.answers_to(&alice.chat, &next));
    assert!(growing[0].is_draft, "{growing:?}");
    assert_eq!(world.matrix.answer_to(&alice.chat, &command), "Stopped.");
    world.ask(&alice, &alice.chat, "!stop");
    let next = world.matrix.answer_to(&alice.chat, &next);
    assert_eq!(next, "It begins\n\nStopped.");
}

#[test]
fn help_comes_at_once_and_the_cursor_stays_before_the_running_answer() {
    let (world, alice) = with_a_hanging_agent();
    let question = is_being_answered(&world, &alice);
    let help = alice.says(&alice.chat, "!help");
    world.until("help", |server| {
        !server.answers_to(&alice.chat, &help).is_empty()
    });
    world.goes_on_for(Duration::from_secs(30));
    assert!(
        !world
            .matrix
            .see(|server| server.has_read(&alice.chat, &question))
    );
    let stop = alice.says(&alice.chat, "!stop");
    world.until("the cursor behind all of it", |server| {
        server.is_done_with(&alice.chat, &stop)
    });
    assert!(
        world
            .matrix
            .answer_to(&alice.chat, &help)
            .contains("`!stop`")
    );
}

#[test]
fn what_passed_ahead_hides_nothing_and_is_not_repeated_when_everything_is_lost() {
    let (mut world, alice) = with_a_hanging_agent();
    let question = is_being_answered(&world, &alice);
    let help = alice.says(&alice.chat, "!help");
    world.until("help", |server| {
        !server.answers_to(&alice.chat, &help).is_empty()
    });
    world.kill_and_wipe_all();
    let echo = MockAgent::new(AgentId::new("assistant")).with_pause(Duration::ZERO);
    world.settings.agents = vec![("assistant", Arc::new(echo))];
    world.start();
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &question)
    });
    world.settles();
    world.matrix.answer_to(&alice.chat, &help);
    let answer = world.matrix.answer_to(&alice.chat, &question);
    assert!(answer.ends_with("tell me everything"), "{answer}");
}

#[test]
fn a_question_stopped_while_the_bot_was_down_is_not_put_to_the_agent() {
    let (mut world, alice) = World::with_alice();
    world.kill();
    let question = alice.says(&alice.chat, "delete everything");
    let next = alice.says(&alice.chat, "hello");
    let stop = alice.says(&alice.chat, "!stop");
    world.start();
    world.until("all answers", |server| {
        [&question, &next, &stop]
            .iter()
            .all(|event| server.is_done_with(&alice.chat, event))
    });
    assert_eq!(world.matrix.answer_to(&alice.chat, &question), "Stopped.");
    assert_eq!(world.matrix.answer_to(&alice.chat, &stop), "Stopped.");
    assert!(
        world
            .matrix
            .answer_to(&alice.chat, &next)
            .ends_with("hello")
    );
    let context = world.ask(&alice, &alice.chat, "!context");
    assert!(context.ends_with("messages 1"), "{context}");
}

#[test]
fn a_crash_while_stopping_puts_nothing_to_the_agent_again() {
    let (mut world, alice) = with_a_hanging_agent();
    let question = is_being_answered(&world, &alice);
    world.goes_on_for(Duration::from_secs(30));
    world.matrix.fail("send", 0, Fault::KillBefore);
    let stop = alice.says(&alice.chat, "!stop");
    world.until_killed_or("the death", |_| false);
    world.restart();
    world.matrix.recovers();
    world.until("the end", |server| server.is_done_with(&alice.chat, &stop));
    let answer = world.matrix.answer_to(&alice.chat, &question);
    assert!(answer.ends_with("Stopped."), "{answer}");
    let context = world.ask(&alice, &alice.chat, "!context");
    assert!(context.ends_with("messages 1"), "{context}");
}

#[test]
fn a_stop_from_somebody_else_stops_nothing() {
    let (world, alice) = with_a_hanging_agent();
    let carol = world.has_a_guest("@carol:hs", &alice.chat);
    let question = is_being_answered(&world, &alice);
    carol.says(&alice.chat, "!stop");
    world.goes_on_for(Duration::from_secs(30));
    assert!(
        !world
            .matrix
            .see(|server| server.is_done_with(&alice.chat, &question))
    );
}

type Stopped = (Resident, Option<[OwnedEventId; 3]>);

/// A question, another one, and a `!stop`, all at once.
fn story() -> Story<Stopped> {
    Story {
        before: || {
            let (world, alice) = World::with_alice();
            world.goes_on_for(Duration::from_secs(1));
            (world, (alice, None))
        },
        happens: |_, (alice, said)| {
            *said = Some(["one", "two", "!stop"].map(|text| alice.says(&alice.chat, text)));
        },
        is_over: |server, (alice, said)| {
            let said = said.as_ref().unwrap();
            said.iter()
                .all(|event| server.is_done_with(&alice.chat, event))
        },
        check: |world, (alice, said)| {
            let answers = said
                .as_ref()
                .unwrap()
                .each_ref()
                .map(|event| world.matrix.answer_to(&alice.chat, event));
            assert_eq!(world.matrix.bot_said(&alice.chat).len(), 4);
            let echoes = answers
                .iter()
                .filter(|answer| answer.starts_with("Echo"))
                .count();
            assert!((1..=2).contains(&echoes), "{answers:?}");
        },
    }
}

#[test]
fn wherever_the_process_dies_a_stop_is_carried_out_once() {
    story().survives_death(Left::Everything);
}

#[test]
fn wherever_the_process_dies_and_loses_everything_a_stop_leaves_one_answer_to_each_message() {
    let relaxed = Story {
        check: |world, (alice, said): &Stopped| {
            for event in said.as_ref().unwrap() {
                world.matrix.answer_to(&alice.chat, event);
            }
            assert_eq!(world.matrix.bot_said(&alice.chat).len(), 4);
        },
        ..story()
    };
    relaxed.survives_death(Left::NoDatabase);
    relaxed.survives_death(Left::Nothing);
}
