//! Starting again is a non-event, with the database and without.

use std::time::Duration;

use matrix_sdk::ruma::OwnedEventId;
use surfaces_bot::matrix::store::rows::Rows;

use crate::support::{Fault, Resident, World, view::Shown};

/// Alice with three chats, one of them archived and one cleared, and a setting of her own.
fn lived_in() -> (World, Resident) {
    let (world, alice) = World::with_alice();
    for command in [
        "!new Trip",
        "!new Work",
        "!archive C2",
        "!clear",
        "!settings streaming off",
        "!rename First",
    ] {
        world.ask(&alice, &alice.chat, command);
    }
    world.settles();
    (world, alice)
}

/// What must not change by a restart.
fn facts(world: &World, alice: &Resident) -> (Rows, Vec<Shown>, usize, usize) {
    (
        world.rows(),
        world.matrix.bot_said(&alice.chat),
        world.matrix.count("create_room"),
        world.matrix.see(|server| server.joined().len()),
    )
}

fn a_restart_changes_nothing(leave: impl FnOnce(&mut World)) {
    let (mut world, alice) = lived_in();
    let before = facts(&world, &alice);
    let requests = world.matrix.count("put_state") + world.matrix.count("invite");
    leave(&mut world);
    world.start();
    world.settles();
    assert_eq!(facts(&world, &alice), before);
    assert_eq!(
        world.matrix.count("put_state") + world.matrix.count("invite"),
        requests
    );
    let made = world.ask(&alice, &alice.chat, "!new Next");
    assert!(made.contains("C4 · Next"), "{made}");
    world.ask(&alice, &alice.chat, "!rename Renamed");
    assert!(world.rows().chats.iter().any(|row| row.name == "Renamed"));
}

#[test]
fn with_everything_kept_the_rows_stay_as_they_are() {
    a_restart_changes_nothing(World::kill);
}

#[test]
fn after_a_clean_end_the_rows_stay_as_they_are() {
    a_restart_changes_nothing(|world| {
        world.shut_down();
    });
}

#[test]
fn with_the_database_deleted_the_same_rows_are_written_again() {
    a_restart_changes_nothing(World::kill_and_wipe);
}

#[test]
fn with_everything_deleted_the_same_rows_are_written_again() {
    a_restart_changes_nothing(|world| {
        world.kill_and_wipe_all();
    });
}

/// Alice asks while nobody is there; all is answered in her order, once.
fn messages_are_answered_afterwards(leave: impl FnOnce(&mut World)) {
    let (mut world, alice) = World::with_alice();
    world.ask(&alice, &alice.chat, "before");
    leave(&mut world);
    let questions: Vec<OwnedEventId> = ["one", "two", "three"]
        .map(|text| alice.says(&alice.chat, text))
        .into();
    world.start();
    world.until("the last answer", |server| {
        questions
            .iter()
            .all(|question| server.is_done_with(&alice.chat, question))
    });
    world.settles();
    let said = world.matrix.bot_said(&alice.chat);
    let bodies: Vec<&str> = said[2..]
        .iter()
        .map(|said| said.body.rsplit(' ').next().unwrap())
        .collect();
    assert_eq!(bodies, ["one", "two", "three"]);
    assert_eq!(said.len(), 5, "{said:#?}");
}

#[test]
fn what_was_said_meanwhile_is_answered_oldest_first() {
    messages_are_answered_afterwards(World::kill);
}

#[test]
fn what_was_said_meanwhile_is_answered_oldest_first_without_a_database() {
    messages_are_answered_afterwards(World::kill_and_wipe);
}

#[test]
fn what_was_said_meanwhile_is_answered_oldest_first_with_nothing_left() {
    messages_are_answered_afterwards(|world| {
        world.kill_and_wipe_all();
    });
}

#[test]
fn what_was_said_while_answers_were_waiting_is_answered_once_after_the_loss_of_everything() {
    let (mut world, alice) = World::with_alice();
    let questions: Vec<OwnedEventId> = (1..=9)
        .map(|number| alice.says(&alice.chat, &format!("number {number}")))
        .collect();
    world.until("the fourth answer", |server| {
        server.is_done_with(&alice.chat, &questions[3])
    });
    world.kill_and_wipe_all();
    world.start();
    world.until("the last answer", |server| {
        server.is_done_with(&alice.chat, &questions[8])
    });
    world.settles();
    for question in &questions {
        world.matrix.answer_to(&alice.chat, question);
    }
}

#[test]
fn a_backlog_that_grew_too_old_gets_one_notice_and_commands_in_it_are_carried_out() {
    let (mut world, alice) = World::with_alice();
    world.kill();
    let old = ["one", "two"].map(|text| alice.says(&alice.chat, text));
    let command = alice.says(&alice.chat, "!context all");
    world.clock.advance(Duration::from_hours(25));
    let fresh = alice.says(&alice.chat, "fresh");
    world.start();
    world.until("the fresh answer", |server| {
        server.is_done_with(&alice.chat, &fresh)
    });
    world.settles();
    assert!(
        world
            .matrix
            .see(|server| server.answers_to(&alice.chat, &old[1]))
            .is_empty()
    );
    let notice = world.matrix.answer_to(&alice.chat, &old[0]);
    assert!(
        notice.starts_with("While I was away, 2 messages here grew too old."),
        "{notice}"
    );
    assert!(
        world
            .matrix
            .answer_to(&alice.chat, &command)
            .contains("generation: 0")
    );
    assert!(
        world
            .matrix
            .answer_to(&alice.chat, &fresh)
            .ends_with("fresh")
    );
}

#[test]
fn an_answered_message_stays_answered_where_the_cursor_was_never_moved() {
    let (mut world, alice) = World::with_alice();
    let question = alice.says(&alice.chat, "hello");
    world
        .matrix
        .fail("read_marker", 0, crate::support::Fault::KillBefore);
    world.until_killed_or("the death", |_| false);
    world.matrix.answer_to(&alice.chat, &question);
    world.kill_and_wipe_all();
    world.start();
    let next = world.ask(&alice, &alice.chat, "next");
    assert!(next.ends_with("next"));
    world.matrix.answer_to(&alice.chat, &question);
}

#[test]
fn a_sync_that_never_comes_ends_the_session_and_the_next_one_goes_on() {
    let (mut world, alice) = World::with_alice();
    let slow = Fault::Slow(Duration::from_hours(1));
    world
        .matrix
        .change(|server| server.requests.plan(Some("sync"), 0, 1, slow));
    // The sync that waits is answered; the one after it is not.
    world.ask(&alice, &alice.chat, "before");
    let question = alice.says(&alice.chat, "in silence");
    let why = world.until_the_bot_ends();
    assert!(why.contains("a sync neither came nor failed"), "{why}");
    world.start();
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &question)
    });
}

#[test]
fn the_notice_about_old_messages_counts_those_of_the_owner_alone() {
    let (mut world, alice) = World::with_alice();
    let carol = world.has_a_guest("@carol:hs", &alice.chat);
    world.kill();
    alice.says(&alice.chat, "one");
    carol.says(&alice.chat, "spam");
    alice.reacts(&alice.chat, &alice.says(&alice.chat, "two"), "👍");
    carol.says(&alice.chat, "more spam");
    alice.says(&alice.chat, "three");
    world.clock.advance(Duration::from_hours(25));
    let fresh = alice.says(&alice.chat, "fresh");
    world.start();
    world.until("the fresh answer", |server| {
        server.is_done_with(&alice.chat, &fresh)
    });
    world.settles();
    let notices = notices_of_old_messages(&world, &alice);
    assert_eq!(notices.len(), 1, "{notices:#?}");
    assert!(notices[0].contains(", 3 messages"), "{notices:#?}");
}

fn notices_of_old_messages(world: &World, alice: &crate::support::Resident) -> Vec<String> {
    let said = world.matrix.bot_said(&alice.chat).into_iter();
    said.map(|said| said.body)
        .filter(|body| body.starts_with("While I was away"))
        .collect()
}

#[cfg(feature = "boundaries")]
#[test]
fn the_notice_about_old_messages_is_sent_once_whatever_dies() {
    use surfaces_bot::boundary::{Boundary, watch};
    for at in [
        Boundary::AttemptBegun,
        Boundary::AnswerFrozen,
        Boundary::AfterFinalSend,
        Boundary::FinalMarked,
        Boundary::AfterReadMarker,
        Boundary::CursorSet,
        Boundary::EventFinished,
    ] {
        let (mut world, alice) = World::with_alice();
        world.kill();
        for number in 1..=40 {
            alice.says(&alice.chat, &format!("number {number}"));
        }
        world.clock.advance(Duration::from_hours(25));
        world.start();
        let matrix = world.matrix.clone();
        watch(Some(Box::new(move |reached| {
            if reached == at {
                matrix.change(|server| server.requests.dead = true);
                std::panic::resume_unwind(Box::new("killed"));
            }
        })));
        world.until_killed_or("the death", |_| false);
        watch(None);
        // Those that come now have grown too old by the time they are looked at.
        world.kill();
        alice.says(&alice.chat, "number 41");
        world.clock.advance(Duration::from_hours(25));
        world.start();
        world.settles();
        let fresh = world.ask(&alice, &alice.chat, "fresh");
        assert!(fresh.ends_with("fresh"), "{at:?}: {fresh}");
        let notices = notices_of_old_messages(&world, &alice);
        let told: u32 = notices
            .iter()
            .map(|notice| {
                let count = notice.trim_start_matches("While I was away, ");
                count.split(' ').next().unwrap().parse::<u32>().unwrap()
            })
            .sum();
        assert_eq!(told, 41, "{at:?}: {notices:#?}");
    }
}
