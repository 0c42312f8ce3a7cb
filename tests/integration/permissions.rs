//! An agent asks before it goes on, and only the chat's owner answers.

use std::time::Duration;

use matrix_sdk::ruma::OwnedEventId;

use crate::support::{Left, Resident, Story, World, fake_matrix::Server, view::Shown};

/// The messages in which an agent asks, as they are shown now.
pub(crate) fn questions(server: &Server, alice: &Resident) -> Vec<Shown> {
    let mut said = server.bot_said(&alice.chat);
    said.retain(|shown| shown.body.contains("May I?"));
    said
}

pub(crate) fn is_open(shown: &Shown) -> bool {
    shown.body.contains("Only you can answer")
}

/// The question is on the screen: the message that waits for it, and its own.
pub(crate) fn asked(world: &World, alice: &Resident) -> (OwnedEventId, OwnedEventId) {
    let turn = alice.says(&alice.chat, "ask permission May I?");
    world.until("the question", |server| {
        !questions(server, alice).is_empty()
    });
    let shown = world.matrix.see(|server| questions(server, alice));
    assert!(is_open(&shown[0]), "{shown:?}");
    (turn, shown[0].id.clone())
}

/// How the turn ended, and what became of the one question.
pub(crate) fn outcome(world: &World, alice: &Resident, turn: &OwnedEventId) -> (String, String) {
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, turn)
    });
    let shown = world.matrix.see(|server| questions(server, alice));
    assert_eq!(shown.len(), 1, "{shown:?}");
    (
        world.matrix.answer_to(&alice.chat, turn),
        shown[0].body.clone(),
    )
}

#[test]
fn a_question_shows_its_options_and_is_answered_by_a_reaction() {
    let (world, alice) = World::with_alice();
    let (turn, question) = asked(&world, &alice);
    let shown = world.matrix.see(|server| questions(server, &alice));
    for line in [
        "1. ✅ Allow once",
        "2. ✅ Always allow",
        "3. ❌ Reject",
        "5 min",
    ] {
        assert!(shown[0].body.contains(line), "{shown:?}");
    }
    alice.reacts(&alice.chat, &question, "👍️");
    let (answer, shown) = outcome(&world, &alice, &turn);
    assert_eq!(answer, "You chose: once.");
    assert!(shown.ends_with("✅ Allow once"), "{shown}");
}

#[test]
fn each_way_to_answer_is_understood() {
    for (words, expected) in [
        ("!yes", "You chose: once."),
        ("!no", "You chose: reject."),
        ("2", "You chose: always."),
        ("!3", "You chose: reject."),
        ("👎", "You chose: reject."),
    ] {
        let (world, alice) = World::with_alice();
        let (turn, _) = asked(&world, &alice);
        let answer = alice.says(&alice.chat, words);
        assert_eq!(outcome(&world, &alice, &turn).0, expected, "{words}");
        world.until("the cursor", |server| server.has_read(&alice.chat, &answer));
        let told = world.matrix.answer_to(&alice.chat, &answer);
        assert!(told.contains("asked:"), "{words}: {told}");
    }
    for (key, expected) in [("2️⃣", "You chose: always."), ("❌", "You chose: reject.")] {
        let (world, alice) = World::with_alice();
        let (turn, question) = asked(&world, &alice);
        alice.reacts(&alice.chat, &question, key);
        assert_eq!(outcome(&world, &alice, &turn).0, expected, "{key}");
    }
}

#[test]
fn what_is_no_answer_waits_for_its_turn_and_strangers_decide_nothing() {
    let (world, alice) = World::with_alice();
    let carol = world.has_a_guest("@carol:hs", &alice.chat);
    let (turn, question) = asked(&world, &alice);
    carol.reacts(&alice.chat, &question, "👍");
    carol.says(&alice.chat, "!yes");
    alice.reacts(&alice.chat, &turn, "👍");
    alice.reacts(&alice.chat, &question, "🎉");
    alice.reacts(&alice.chat, &question, "7️⃣");
    let words = alice.says(&alice.chat, "hm, wait");
    world.goes_on_for(Duration::from_secs(30));
    assert!(is_open(
        &world.matrix.see(|server| questions(server, &alice))[0]
    ));
    alice.says(&alice.chat, "!no");
    assert_eq!(outcome(&world, &alice, &turn).0, "You chose: reject.");
    world.until("the next answers", |server| {
        server.is_done_with(&alice.chat, &words)
    });
    let answer = world.matrix.answer_to(&alice.chat, &words);
    assert!(answer.ends_with(": hm, wait"), "{answer}");
}

#[test]
fn nobody_answering_means_no() {
    let (world, alice) = World::with_alice();
    let (turn, question) = asked(&world, &alice);
    let (answer, shown) = outcome(&world, &alice, &turn);
    assert_eq!(answer, "You refused.");
    assert!(
        shown.ends_with("⌛ Nobody answered in time: refused."),
        "{shown}"
    );
    alice.reacts(&alice.chat, &question, "👍");
    let late = world.ask(&alice, &alice.chat, "!yes");
    assert_eq!(late, "No agent is asking you anything here.");
    let shown = world.matrix.see(|server| questions(server, &alice));
    assert!(shown[0].body.ends_with("refused."), "{shown:?}");
}

#[test]
fn a_stop_closes_the_question() {
    let (world, alice) = World::with_alice();
    let (turn, _) = asked(&world, &alice);
    assert_eq!(world.ask(&alice, &alice.chat, "!stop"), "Stopped.");
    let (answer, shown) = outcome(&world, &alice, &turn);
    assert_eq!(answer, "Stopped.");
    assert!(
        shown.ends_with("No longer waiting for an answer."),
        "{shown}"
    );
}

#[test]
fn an_answer_given_while_the_bot_was_down_counts_whatever_it_lost() {
    for left in [
        Left::Everything,
        Left::NoDatabase,
        Left::NoDevice,
        Left::Nothing,
    ] {
        for reaction in [true, false] {
            let (mut world, alice) = World::with_alice();
            let (turn, question) = asked(&world, &alice);
            match left {
                Left::Everything => world.kill(),
                Left::NoDatabase => world.kill_and_wipe(),
                Left::NoDevice => world.kill_and_lose_the_device(),
                Left::Nothing => world.kill_and_wipe_all(),
            }
            if reaction {
                alice.reacts(&alice.chat, &question, "1️⃣");
            } else {
                alice.says(&alice.chat, "1");
            }
            world.start();
            let (answer, shown) = outcome(&world, &alice, &turn);
            assert_eq!(answer, "You chose: once.", "{left:?} {reaction}");
            assert!(shown.ends_with("✅ Allow once"), "{shown}");
        }
    }
}

#[test]
fn a_question_redacted_with_its_message_does_not_stay_open() {
    let (mut world, alice) = World::with_alice();
    let (turn, _) = asked(&world, &alice);
    world.kill();
    alice.redacts(&alice.chat, &turn);
    world.start();
    world.until("the question closed", |server| {
        questions(server, &alice)[0]
            .body
            .ends_with("No longer waiting for an answer.")
    });
}

type Asked = (Resident, Option<OwnedEventId>);

fn story() -> Story<Asked> {
    Story {
        before: || {
            let mut world = World::new();
            world.settings.permission_timeout = Duration::from_mins(1);
            world.start();
            let alice = world.welcomes("@alice:hs");
            world.goes_on_for(Duration::from_secs(1));
            (world, (alice, None))
        },
        happens: |world, (alice, turn)| {
            *turn = Some(alice.says(&alice.chat, "ask permission May I?"));
            world.until_killed_or("the question", |server| {
                !questions(server, alice).is_empty()
            });
            let shown = world.matrix.see(|server| questions(server, alice));
            if let Some(question) = shown.first() {
                alice.reacts(&alice.chat, &question.id, "👍");
            }
        },
        is_over: |server, (alice, turn)| server.is_done_with(&alice.chat, turn.as_ref().unwrap()),
        check: |world, (alice, turn)| {
            let answer = world.matrix.answer_to(&alice.chat, turn.as_ref().unwrap());
            let said = world.matrix.bot_said(&alice.chat);
            assert_eq!(
                said.len(),
                3,
                "the welcome, the question, the answer: {said:#?}"
            );
            let shown = world.matrix.see(|server| questions(server, alice));
            let expected = match answer.as_str() {
                "You chose: once." => "✅ Allow once",
                "You refused." => "⌛ Nobody answered in time: refused.",
                other => panic!("{other}"),
            };
            assert!(shown[0].body.ends_with(expected), "{answer}: {shown:?}");
        },
    }
}

#[test]
fn wherever_the_process_dies_one_question_is_asked_and_its_answer_counts() {
    story().survives_death(Left::Everything);
}

#[test]
fn wherever_the_process_dies_and_loses_its_stores_one_question_is_asked() {
    story().survives_death(Left::NoDatabase);
    story().survives_death(Left::NoDevice);
    story().survives_death(Left::Nothing);
}

#[test]
fn a_question_too_long_for_one_message_is_shown_whole_before_it_is_asked() {
    let (world, alice) = World::with_alice();
    let command = format!("May I? {} THE END", "echo x && ".repeat(1_500));
    let turn = alice.says(&alice.chat, &format!("ask permission {command}"));
    world.until("the question", |server| {
        questions(server, &alice).iter().any(is_open)
    });
    let said = world.matrix.see(|server| server.bot_said(&alice.chat));
    let asks = said.iter().position(is_open).unwrap();
    let shown: String = said[..asks]
        .iter()
        .filter_map(|shown| shown.body.split_once("```\n"))
        .map(|(_, block)| block.trim_end_matches("\n```").to_owned())
        .collect();
    assert!(shown.contains("THE END"), "{} characters", shown.len());
    assert!(
        said[asks].body.contains("in full above"),
        "{:?}",
        said[asks]
    );
    alice.says(&alice.chat, "!yes");
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &turn)
    });
    assert_eq!(
        world.matrix.answer_to(&alice.chat, &turn),
        "You chose: once."
    );
}
