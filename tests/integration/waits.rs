//! What the server makes one user wait for, nobody else waits for.

use std::time::Duration;

use matrix_sdk::ruma::RoomId;
use serde_json::json;
use surfaces_bot::clock::Clock;

use crate::support::{Fault, Person, Resident, World};

/// As Synapse says where somebody was invited too often.
const LIMIT: Fault = Fault::RateLimited(Some(Duration::from_secs(333)));

/// The time that this takes, in the world's own.
fn time_of(world: &World, happens: impl FnOnce()) -> Duration {
    let before = world.clock.now();
    happens();
    world.clock.now().duration_since(before).unwrap()
}

/// Somebody else works as if nothing were: commands that write into their rooms, a new chat, and a new user.
fn others_are_served(world: &World, carol: &Resident, newcomer: &str) {
    // A reconcile comes between, as it does in every running bot now and then.
    carol.removes_the_bot_from(&carol.entry);
    let time = time_of(world, || {
        for command in [
            "!new Trip",
            "!settings streaming off",
            "!archive C2",
            "!save Here",
        ] {
            world.ask(carol, &carol.chat, command);
        }
        world.welcomes(newcomer);
    });
    assert!(time < Duration::from_mins(1), "it took {time:?}");
}

fn is_invited(world: &World, person: &Person, room: &RoomId) -> bool {
    world
        .matrix
        .see(|server| server.room(room).membership(&person.id) == "invite")
}

/// Alice is onboarded by a server that will not let her be invited for 333 seconds.
fn waits_for_invitations() -> (World, Resident, Person) {
    let world = World::running();
    let carol = world.welcomes("@carol:hs");
    world.matrix.fail_often("invite", 0, 2, LIMIT);
    let alice = world.person("@alice:hs");
    let entry = alice.invites_the_bot();
    world.until("the pointer", |server| server.has_pointed_in(&entry));
    let said = world.matrix.bot_said(&entry);
    assert!(said[0].body.contains("in a few minutes"), "{said:?}");
    (world, carol, alice)
}

#[test]
fn a_limit_on_invitations_of_one_user_holds_up_nobody() {
    let (world, carol, alice) = waits_for_invitations();
    others_are_served(&world, &carol, "@dave:hs");
    let home = world.matrix.home_of(&alice.id);
    assert!(!is_invited(&world, &alice, home.space()));
    world.goes_on_for(Duration::from_secs(340));
    for room in [home.space(), home.chat()] {
        assert!(is_invited(&world, &alice, room));
        assert_eq!(world.matrix.count_in("invite", room), 2);
        alice.joins(room);
    }
    assert!(world.ask(&alice, home.chat(), "hello").ends_with("hello"));
    assert_eq!(world.check().drift, 0);
}

#[test]
fn an_invitation_that_waits_is_given_after_a_restart_and_not_before_its_time() {
    let (mut world, _carol, alice) = waits_for_invitations();
    world.restart();
    world.goes_on_for(Duration::from_mins(2));
    let home = world.matrix.home_of(&alice.id);
    assert_eq!(world.matrix.count_in("invite", home.space()), 1);
    world.goes_on_for(Duration::from_secs(220));
    for room in [home.space(), home.chat()] {
        assert!(is_invited(&world, &alice, room));
        assert_eq!(world.matrix.count_in("invite", room), 2);
    }
    world.restart();
    world.settles();
    assert_eq!(
        world.matrix.count_in("invite", home.space()),
        2,
        "once is enough"
    );
}

#[test]
fn a_bot_that_waits_to_invite_ends_at_once() {
    let (mut world, _carol, _alice) = waits_for_invitations();
    let clock = world.clock.clone();
    let before = clock.now();
    world.shut_down();
    let time = clock.now().duration_since(before).unwrap();
    assert!(time < Duration::from_secs(5), "{time:?}");
}

#[test]
fn a_limit_on_requests_for_one_user_holds_up_nobody() {
    for (kind, command) in [
        ("create_room", "!new Trip"),
        ("put_state", "!rename Trip"),
        ("put_state", "!archive"),
        ("put_state", "!clear"),
        ("put_state", "!settings language ru"),
        ("put_state", "!save Trip"),
        ("joined_rooms", "!new Trip"),
    ] {
        let (world, alice) = World::with_alice();
        let carol = world.welcomes("@carol:hs");
        world.goes_on_for(Duration::from_secs(10));
        world.matrix.fail(kind, 0, LIMIT);
        let asked = world.matrix.count(kind);
        let question = alice.says(&alice.chat, command);
        world.until(command, |server| {
            let log = &server.requests.log;
            log.iter().filter(|request| request.kind == kind).count() > asked
        });
        others_are_served(&world, &carol, "@dave:hs");
        // Nor is she held up herself, elsewhere.
        let time = time_of(&world, || {
            world.ask(&alice, &alice.entry, "!settings streaming off");
        });
        assert!(time < Duration::from_mins(1), "{command}: {time:?}");
        world.until(command, |server| {
            server.is_done_with(&alice.chat, &question)
        });
        world.settles();
        assert_eq!(world.check().drift, 0, "{command}");
    }
}

#[test]
fn a_limit_that_a_reconcile_meets_holds_up_nobody() {
    let (world, alice) = World::with_alice();
    let carol = world.welcomes("@carol:hs");
    // A room with no row, as of an invitation that was accepted in another client of the bot's account.
    let room = alice.makes_a_room(&json!({}));
    world.matrix.change(|server| {
        let bot = server.bot.clone();
        server.append_member(&room, &bot, &bot, "join");
    });
    world.settles();
    world.matrix.fail("room_state", 0, LIMIT);
    alice.says(&room, "hello");
    world.until("the reconcile", |server| {
        let log = &server.requests.log;
        log.iter()
            .any(|request| request.kind == "room_state" && request.room.as_ref() == Some(&room))
    });
    others_are_served(&world, &carol, "@dave:hs");
    assert!(world.ask(&alice, &alice.chat, "hello").ends_with("hello"));
}

#[test]
fn a_bot_that_waits_for_a_room_ends_at_once() {
    let (mut world, alice) = World::with_alice();
    world.matrix.fail("create_room", 0, LIMIT);
    let question = alice.says(&alice.chat, "!new Trip");
    world.goes_on_for(Duration::from_secs(10));
    let clock = world.clock.clone();
    let before = clock.now();
    world.shut_down();
    let time = clock.now().duration_since(before).unwrap();
    assert!(time < Duration::from_secs(5), "{time:?}");
    world.start();
    world.until("the chat", |server| {
        server.is_done_with(&alice.chat, &question)
    });
    assert_eq!(world.matrix.home_of(&alice.id).chats.len(), 2);
}
