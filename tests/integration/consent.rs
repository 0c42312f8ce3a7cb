//! Only what the owner sends after a question answers it, and only the question that it was meant for.

use std::{sync::Arc, time::Duration};

use matrix_sdk::ruma::OwnedEventId;
use serde_json::json;
use surfaces_bot::{
    core::ids::AgentId,
    platform::{
        AnswerEvent, PermissionMeaning, PermissionOption, PermissionQuestion,
        mock::{MockAgent, Script},
    },
};

use crate::{
    permissions::{asked, is_open, outcome, questions},
    support::{Fault, Left, Resident, World},
};

/// What was sent before the question has its own answer: one line for a command, the agent's for anything else.
fn is_answered_as_no_answer(world: &World, alice: &Resident, event: &OwnedEventId, words: &str) {
    world.until(words, |server| server.is_done_with(&alice.chat, event));
    let answer = world.matrix.answer_to(&alice.chat, event);
    match words {
        "!yes" | "!no" => assert_eq!(answer, "No agent is asking you anything here."),
        words => assert!(answer.ends_with(&format!(": {words}")), "{answer}"),
    }
}

#[test]
fn an_answer_sent_before_its_question_does_not_answer_it() {
    for words in ["!yes", "!no", "1", "!1", "👍"] {
        let (world, alice) = World::with_alice();
        let turn = alice.says(&alice.chat, "ask permission May I?");
        // One sync brings all three, so that both are in the journal when the question is asked.
        let early = [words, words].map(|words| alice.says(&alice.chat, words));
        world.until("the question", |server| {
            !questions(server, &alice).is_empty()
        });
        world.goes_on_for(Duration::from_secs(30));
        let shown = world.matrix.see(|server| questions(server, &alice));
        assert!(is_open(&shown[0]), "{words}: {shown:?}");
        alice.says(&alice.chat, "2");
        assert_eq!(outcome(&world, &alice, &turn).0, "You chose: always.");
        for event in &early {
            is_answered_as_no_answer(&world, &alice, event, words);
        }
    }
}

#[test]
fn a_command_that_answers_nothing_says_so_while_the_turn_runs() {
    let (world, alice) = with_a_slow_agent();
    let turn = alice.says(&alice.chat, "ask permission May I?");
    let answer = alice.says(&alice.chat, "!yes");
    world.goes_on_for(Duration::from_secs(2));
    let told = world.matrix.answer_to(&alice.chat, &answer);
    assert_eq!(told, "No agent is asking you anything here.");
    world.until("the question", |server| {
        !questions(server, &alice).is_empty()
    });
    alice.says(&alice.chat, "!no");
    assert_eq!(outcome(&world, &alice, &turn).0, "You chose: reject.");
}

/// Between each two steps of an answer pass ten seconds.
fn with_a_slow_agent() -> (World, Resident) {
    let mut world = World::new();
    let slow = MockAgent::new(AgentId::new("assistant")).with_pause(Duration::from_secs(10));
    world.settings.agents = vec![("assistant", Arc::new(slow))];
    world.start();
    let alice = world.welcomes("@alice:hs");
    world.goes_on_for(Duration::from_secs(1));
    (world, alice)
}

#[test]
fn an_early_answer_that_a_late_sync_brings_with_its_question_does_not_answer_it() {
    for words in ["!yes", "1"] {
        let (world, alice) = with_a_slow_agent();
        let turn = alice.says(&alice.chat, "ask permission May I?");
        world.goes_on_for(Duration::from_secs(2));
        world.matrix.holds_back(&alice.chat);
        alice.says(&alice.chat, words);
        world.until("the question", |server| {
            !questions(server, &alice).is_empty()
        });
        world.goes_on_for(Duration::from_secs(2));
        world.matrix.lets_go(&alice.chat);
        world.goes_on_for(Duration::from_secs(30));
        let shown = world.matrix.see(|server| questions(server, &alice));
        assert!(is_open(&shown[0]), "{words}: {shown:?}");
        alice.says(&alice.chat, "3");
        assert_eq!(outcome(&world, &alice, &turn).0, "You chose: reject.");
    }
}

#[test]
fn an_early_answer_does_not_count_after_a_crash_whatever_was_lost() {
    for left in [
        Left::Everything,
        Left::NoDatabase,
        Left::NoDevice,
        Left::Nothing,
    ] {
        for words in ["!yes", "1"] {
            let (mut world, alice) = World::with_alice();
            let turn = alice.says(&alice.chat, "ask permission May I?");
            let early = alice.says(&alice.chat, words);
            world.matrix.fail("send", 0, Fault::KillAfter);
            world.until_killed_or("the question", |_| false);
            match left {
                Left::Everything => world.kill(),
                Left::NoDatabase => world.kill_and_wipe(),
                Left::NoDevice => world.kill_and_lose_the_device(),
                Left::Nothing => world.kill_and_wipe_all(),
            }
            world.matrix.recovers();
            world.start();
            world.goes_on_for(Duration::from_mins(2));
            let shown = world.matrix.see(|server| questions(server, &alice));
            assert!(is_open(&shown[0]), "{left:?} {words}: {shown:?}");
            alice.says(&alice.chat, "2");
            let (answer, _) = outcome(&world, &alice, &turn);
            assert_eq!(answer, "You chose: always.", "{left:?} {words}");
            is_answered_as_no_answer(&world, &alice, &early, words);
        }
    }
}

#[test]
fn an_answer_behind_a_gap_counts_only_if_it_came_after_its_question() {
    let (mut world, alice) = World::with_alice();
    let turn = alice.says(&alice.chat, "ask permission May I?");
    let early = alice.says(&alice.chat, "1");
    world.matrix.fail("send", 0, Fault::KillAfter);
    world.until_killed_or("the question", |_| false);
    world.kill_and_wipe();
    world.matrix.recovers();
    // The first sync shows two events; the question, and what was said before it, is fetched in pages of two.
    world.matrix.change(|server| {
        server.timeline_limit = 2;
        server.page = 2;
    });
    let waits = ["one", "two", "three"].map(|words| alice.says(&alice.chat, words));
    alice.says(&alice.chat, "3");
    world.start();
    let (answer, _) = outcome(&world, &alice, &turn);
    assert_eq!(answer, "You chose: reject.");
    is_answered_as_no_answer(&world, &alice, &early, "1");
    for (event, words) in waits.iter().zip(["one", "two", "three"]) {
        is_answered_as_no_answer(&world, &alice, event, words);
    }
}

fn question(id: &str) -> AnswerEvent {
    AnswerEvent::Permission(PermissionQuestion {
        id: id.to_owned(),
        title: format!("May I? {id}"),
        options: [
            ("Allow", PermissionMeaning::Allow),
            ("Reject", PermissionMeaning::Reject),
        ]
        .map(|(label, meaning)| PermissionOption {
            id: label.to_owned(),
            label: label.to_owned(),
            meaning,
        })
        .to_vec(),
    })
}

/// An agent that asks twice in each turn.
fn with_two_questions() -> (World, Resident) {
    let mut world = World::new();
    let events = vec![
        question("first"),
        question("second"),
        AnswerEvent::Text("Done.".to_owned()),
    ];
    let agent = MockAgent::scripted(AgentId::new("assistant"), Script::Events(events));
    world.settings.agents = vec![("assistant", Arc::new(agent))];
    world.start();
    let alice = world.welcomes("@alice:hs");
    world.goes_on_for(Duration::from_secs(1));
    (world, alice)
}

#[test]
fn what_answers_the_first_of_two_questions_does_not_answer_the_second() {
    for words in ["1", "!yes", "👍"] {
        let (world, alice) = with_two_questions();
        let turn = alice.says(&alice.chat, "go");
        world.until("the first question", |server| {
            questions(server, &alice).len() == 1
        });
        let first = world
            .matrix
            .see(|server| questions(server, &alice)[0].id.clone());
        // All of it before the second question is asked, and more than one of them.
        let answers = [words, words, words].map(|words| alice.says(&alice.chat, words));
        alice.reacts(&alice.chat, &first, "👍");
        world.until("the second question", |server| {
            questions(server, &alice).len() == 2
        });
        // Afterwards, but by name to the first one.
        alice.reacts(&alice.chat, &first, "👍");
        let reply = json!({"msgtype": "m.text", "body": words,
                           "m.relates_to": {"m.in_reply_to": {"event_id": first}}});
        alice.sends(&alice.chat, reply);
        world.goes_on_for(Duration::from_secs(30));
        let shown = world.matrix.see(|server| questions(server, &alice));
        assert!(shown[0].body.ends_with("✅ Allow"), "{words}: {shown:?}");
        assert!(is_open(&shown[1]), "{words}: {shown:?}");
        alice.says(&alice.chat, "!no");
        world.until("the answer", |server| {
            server.is_done_with(&alice.chat, &turn)
        });
        let shown = world.matrix.see(|server| questions(server, &alice));
        assert!(shown[1].body.ends_with("❌ Reject"), "{words}: {shown:?}");
        let told = world.matrix.answer_to(&alice.chat, &answers[0]);
        assert!(told.contains("asked:"), "{told}");
    }
}

#[test]
fn a_reply_to_the_question_answers_it_and_a_reply_to_anything_else_does_not() {
    let (world, alice) = World::with_alice();
    let (turn, question) = asked(&world, &alice);
    let reply = |target: &OwnedEventId, words: &str| {
        let relation = json!({"m.in_reply_to": {"event_id": target}});
        let content = json!({"msgtype": "m.text", "body": words, "m.relates_to": relation});
        alice.sends(&alice.chat, content)
    };
    let number = reply(&turn, "1");
    let command = reply(&turn, "!yes");
    world.until("the choices", |server| {
        !server.answers_to(&alice.chat, &command).is_empty()
    });
    let shown = world.matrix.see(|server| questions(server, &alice));
    assert!(is_open(&shown[0]), "{shown:?}");
    reply(&question, "2");
    assert_eq!(outcome(&world, &alice, &turn).0, "You chose: always.");
    // It goes to the agent with what it replies to.
    world.until("the number's own answer", |server| {
        server.is_done_with(&alice.chat, &number)
    });
    let answer = world.matrix.answer_to(&alice.chat, &number);
    assert!(answer.ends_with("\n\n1"), "{answer}");
}

const CHOICES: &str = "To answer the question above, write `!yes`, `!no` or a number: \
    1 ✅ Allow once, 2 ✅ Always allow, 3 ❌ Reject.";

#[test]
fn words_that_can_only_mean_the_open_question_bring_its_choices_at_once() {
    let (world, alice) = World::with_alice();
    let (turn, _) = asked(&world, &alice);
    for words in [
        "yes",
        "Yes!",
        "no.",
        "Y",
        "ok",
        "Да",
        "нет",
        "7",
        "0",
        "100",
        "!7",
        "!yes please",
        "!ok",
        "!да",
    ] {
        let event = alice.says(&alice.chat, words);
        world.until(words, |server| {
            !server.answers_to(&alice.chat, &event).is_empty()
        });
        let told = world.matrix.answer_to(&alice.chat, &event);
        assert_eq!(told, CHOICES, "{words}");
    }
    let shown = world.matrix.see(|server| questions(server, &alice));
    assert!(is_open(&shown[0]), "{shown:?}");
    alice.says(&alice.chat, "!no");
    assert_eq!(outcome(&world, &alice, &turn).0, "You chose: reject.");
    let after = world.ask(&alice, &alice.chat, "yes");
    assert!(after.ends_with(": yes"), "{after}");
}
