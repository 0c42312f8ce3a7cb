//! The first sync of a start: short where that is enough, full where something may be missing.

use std::collections::BTreeMap;

use matrix_sdk::ruma::{OwnedRoomId, owned_room_id};
use surfaces_bot::matrix::{bot::FirstSync, state::RoomState};

use crate::support::{Fault, World};

#[test]
fn a_plain_restart_asks_for_no_state() {
    let (mut world, _alice) = World::with_alice();
    world.settles();
    let asked = world.matrix.count("room_state");
    world.restart();
    world.goes_on_for(std::time::Duration::from_secs(10));
    assert_eq!(world.matrix.count("room_state"), asked);
    assert_eq!(world.log.count("asking for the full state"), 0);
}

#[test]
fn a_room_list_that_differs_brings_the_full_state() {
    let (mut world, alice) = World::with_alice();
    world.settles();
    world.kill();
    world.with_store(|store| {
        let chat = alice.chat.clone();
        async move {
            let position = store.position("DEVICE").await.unwrap().unwrap();
            let forgets = surfaces_bot::matrix::intake::BatchIntake {
                position,
                left: vec![chat],
                ..Default::default()
            };
            store.commit("DEVICE", forgets).await.unwrap();
        }
    });
    world.start();
    world.goes_on_for(std::time::Duration::from_secs(10));
    assert!(world.ask(&alice, &alice.chat, "hello").ends_with("hello"));
    assert_eq!(world.log.count("asking for the full state"), 1);
    assert_eq!(world.matrix.count("create_room"), 2);
}

/// The cache of room state.
fn kept_state(world: &World) -> BTreeMap<OwnedRoomId, RoomState> {
    world.with_store(|store| async move { store.read_rooms(RoomState::clone).await.unwrap() })
}

/// Adds what the cache must not hold: a room that does not exist.
fn add_a_room_that_does_not_exist(world: &World) {
    world.with_store(|store| async move {
        let room = owned_room_id!("!nowhere:hs");
        store.replace_room_state(&room, Vec::new()).await.unwrap();
    });
}

#[test]
fn a_room_too_many_in_the_cache_costs_one_full_state_and_nothing_else() {
    let (mut world, alice) = World::with_alice();
    world.ask(&alice, &alice.chat, "!save Trip");
    world.settles();
    let before = world.rows();
    world.kill();
    add_a_room_that_does_not_exist(&world);
    for asked in [1, 1] {
        world.start();
        world.settles();
        assert_eq!(world.rows(), before);
        assert_eq!(world.log.count("asking for the full state"), asked);
        assert!(
            world
                .log
                .lines_with(" ready ")
                .iter()
                .all(|line| line.contains("skipped_rooms=0"))
        );
        assert!(world.ask(&alice, &alice.chat, "!load").contains("Trip"));
        world.settles();
        world.kill();
    }
}

#[test]
fn a_position_that_is_lost_while_nothing_happens_costs_no_kept_state() {
    let (world, alice) = World::with_alice();
    world.settles();
    let (before, kept) = (world.rows(), kept_state(&world));
    world.matrix.fail("sync", 0, Fault::Refused("M_UNKNOWN"));
    world.settles();
    assert_eq!(world.log.count("does not accept the kept position"), 1);
    assert_eq!(kept_state(&world), kept);
    assert_eq!(world.rows(), before);
    world.ask(&alice, &alice.chat, "after");
}

#[test]
fn a_sync_that_is_refused_for_another_reason_is_asked_again_from_the_same_position() {
    let (mut world, alice) = World::with_alice();
    world.settles();
    for while_running in [true, false] {
        if !while_running {
            world.kill();
        }
        for code in ["M_FORBIDDEN", "M_RESOURCE_LIMIT_EXCEEDED", "M_UNRECOGNIZED"] {
            world.matrix.fail("sync", 0, Fault::Refused(code));
        }
        if !while_running {
            world.start();
        }
        world.settles();
        world.ask(&alice, &alice.chat, "after");
    }
    assert_eq!(world.log.count("does not accept the kept position"), 0);
}

#[test]
fn a_position_that_the_server_does_not_know_is_given_up() {
    let (mut world, alice) = World::with_alice();
    world.ask(&alice, &alice.chat, "before");
    world.settles();
    let before = world.rows();
    world.kill();
    world
        .matrix
        .change(|server| server.known_from = server.position + 1);
    let question = alice.says(&alice.chat, "meanwhile");
    world.start();
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &question)
    });
    world.settles();
    assert_eq!(world.rows(), before);
    assert_eq!(world.matrix.bot_said(&alice.chat).len(), 3);
    assert_eq!(world.log.count("does not accept the kept position"), 1);
}

#[test]
fn a_position_that_is_lost_while_the_bot_runs_is_given_up_too() {
    let (world, alice) = World::with_alice();
    world.ask(&alice, &alice.chat, "before");
    world
        .matrix
        .change(|server| server.known_from = server.position + 1);
    world.ask(&alice, &alice.chat, "after");
    world.settles();
    assert_eq!(world.matrix.bot_said(&alice.chat).len(), 3);
}

#[test]
fn the_operator_can_ask_for_the_full_state() {
    let (mut world, alice) = World::with_alice();
    world.ask(&alice, &alice.chat, "before");
    let before = world.rows();
    world.kill();
    world.settings.first_sync = FirstSync::Full;
    let question = alice.says(&alice.chat, "meanwhile");
    world.start();
    world.until("the answer", |server| {
        server.is_done_with(&alice.chat, &question)
    });
    assert_eq!(world.rows(), before);
    assert_eq!(world.matrix.bot_said(&alice.chat).len(), 3);
}

#[test]
fn a_child_link_that_a_full_state_does_not_mention_is_neither_lost_nor_written_again() {
    let (mut world, alice) = World::with_alice();
    world.settles();
    let (before, written) = (world.rows(), world.matrix.count("put_state"));
    world
        .matrix
        .change(|server| server.dropped_children.insert(alice.chat.to_string()));
    world.kill_and_wipe();
    world.start();
    world.settles();
    assert_eq!(world.rows(), before);
    assert_eq!(world.matrix.count("put_state"), written);
}

#[test]
fn nothing_is_handled_before_the_rows_agree() {
    let (mut world, alice) = World::with_alice();
    world.kill_and_wipe();
    alice.says(&alice.chat, "!new Trip");
    alice.says(&alice.entry, "!chats");
    let from = world.matrix.see(|server| server.requests.log.len());
    world.start();
    world.settles();
    let kinds: Vec<&str> = world.matrix.see(|server| {
        server.requests.log[from..]
            .iter()
            .map(|request| request.kind)
            .take(3)
            .collect()
    });
    assert_eq!(kinds[..2], ["sync", "joined_rooms"]);
    assert_eq!(world.matrix.home_of(&alice.id).chats.len(), 2);
    assert_eq!(world.log.count(" ready "), 2);
}
