//! The server's operator deletes rooms of the bot, its Spaces among them.

use matrix_sdk::ruma::{OwnedEventId, OwnedRoomId, RoomId};
use serde_json::json;

use crate::support::{Left, Resident, Story, World};

/// Alice, whose Space and C2 the operator has deleted; C3 is archived.
struct Evicted {
    alice: Resident,
    c3: OwnedRoomId,
    command: Option<OwnedEventId>,
}

fn deletes(world: &World, rooms: &[&RoomId]) {
    for room in rooms {
        world.matrix.change(|server| {
            let bot = server.bot.clone();
            server.append_member(room, &bot, &bot, "leave");
        });
    }
}

fn evicted() -> (World, Evicted) {
    let (world, alice) = World::with_alice();
    for command in [
        "!settings streaming off",
        "!new Trip",
        "!new Work",
        "!archive C3",
        "!clear",
    ] {
        world.ask(&alice, &alice.chat, command);
    }
    let chats = world.matrix.home_of(&alice.id).chats;
    deletes(&world, &[&chats[1], &alice.space]);
    world.settles();
    let command = None;
    let c3 = chats[2].clone();
    (world, Evicted { alice, c3, command })
}

/// The Space that is there now; one was deleted.
fn new_space(world: &World, alice: &Resident) -> OwnedRoomId {
    let mut spaces = world.matrix.home_of(&alice.id).spaces;
    assert_eq!(spaces.len(), 2, "{spaces:?}");
    spaces.retain(|space| *space != alice.space);
    spaces.remove(0)
}

/// The room says that it is in this Space, and in no other.
fn is_at_home(world: &World, room: &RoomId, space: &RoomId, is_linked: bool) {
    world.matrix.see(|server| {
        assert_eq!(server.chat_marker(room)["space_id"], space.as_str());
        let found = server.room(room);
        let parents: Vec<String> = found
            .current()
            .filter(|(_, event)| {
                event.event_type == "m.space.parent" && event.content["via"].is_array()
            })
            .map(|(_, event)| event.state_key)
            .collect();
        if is_linked {
            assert_eq!(parents, [space.as_str()]);
        }
        let rules = found.content("m.room.join_rules", "").unwrap();
        assert_eq!(rules["allow"][0]["room_id"], space.as_str(), "{rules}");
        assert_eq!(
            server
                .children(space)
                .iter()
                .any(|child| child == room.as_str()),
            is_linked
        );
    });
}

fn is_made_whole(world: &World, evicted: &Evicted) {
    let Evicted { alice, c3, .. } = evicted;
    let space = new_space(world, alice);
    is_at_home(world, &alice.chat, &space, true);
    is_at_home(world, c3, &space, false);
    let membership = world
        .matrix
        .see(|server| server.room(&space).membership(&alice.id).to_owned());
    assert_eq!(membership, "invite");
    let rows = world.rows();
    let chats: Vec<(&str, &str)> = rows
        .chats
        .iter()
        .map(|row| (row.chat_id.as_str(), row.status.as_str()))
        .collect();
    assert_eq!(
        chats[..3],
        [("C1", "active"), ("C2", "gone"), ("C3", "archived")]
    );
    assert_eq!(rows.users[0].space_id.as_deref(), Some(space.as_str()));
    assert_eq!(rows.users[0].streaming, Some(false), "settings survive");
    let shown = world.ask(alice, &alice.chat, "!chats");
    assert!(shown.contains("[C1 ·") && !shown.contains("C2"), "{shown}");
}

fn starting_again() -> Story<Evicted> {
    Story {
        before: evicted,
        happens: |_, evicted| {
            let Evicted { alice, command, .. } = evicted;
            *command = Some(alice.says(&alice.chat, "!start"));
        },
        is_over: |server, evicted| {
            server.is_done_with(&evicted.alice.chat, evicted.command.as_ref().unwrap())
        },
        check: |world, evicted| {
            is_made_whole(world, evicted);
            let made = world.ask(&evicted.alice, &evicted.alice.chat, "!new Next");
            assert!(made.contains("C4 · Next"), "{made}");
            world.settles();
            assert_eq!(world.check().drift, 0, "{}", world.check());
        },
    }
}

#[test]
fn a_space_that_was_deleted_is_made_anew_around_the_chats_that_are_left() {
    let (world, mut context) = evicted();
    let story = starting_again();
    (story.happens)(&world, &mut context);
    world.until("the answer", |server| (story.is_over)(server, &context));
    (story.check)(&world, &context);
    assert_eq!(world.matrix.home_of(&context.alice.id).spaces.len(), 2);
}

#[test]
fn a_process_that_dies_at_any_request_while_it_replaces_a_space_makes_one() {
    starting_again().survives_death(Left::Everything);
}

#[test]
fn a_process_that_dies_and_loses_its_database_while_it_replaces_a_space_makes_one() {
    let story = starting_again();
    Story {
        check: |world: &World, evicted: &Evicted| {
            let space = new_space(world, &evicted.alice);
            is_at_home(world, &evicted.alice.chat, &space, true);
            world.settles();
            assert_eq!(world.check().drift, 0, "{}", world.check());
        },
        ..story
    }
    .survives_death(Left::NoDatabase);
}

#[test]
fn a_new_chat_for_a_space_that_no_sync_tells_is_deleted_gets_a_new_space_too() {
    let (world, alice) = World::with_alice();
    world.ask(&alice, &alice.chat, "!new Trip");
    world.matrix.holds_back(&alice.space);
    deletes(&world, &[&alice.space]);
    let made = world.ask(&alice, &alice.chat, "!new Next");
    assert!(made.contains("C3 · Next"), "{made}");
    world.settles();
    let space = new_space(&world, &alice);
    for room in world.matrix.home_of(&alice.id).chats {
        is_at_home(&world, &room, &space, true);
    }
    assert_eq!(world.check().drift, 0, "{}", world.check());
}

#[test]
fn a_chat_to_which_the_operator_brings_the_bot_back_answers_again() {
    let (world, alice) = World::with_alice();
    deletes(&world, &[&alice.chat]);
    world.settles();
    assert_eq!(world.rows().chats[0].status, "gone");
    world.matrix.change(|server| {
        let bot = server.bot.clone();
        server.append_member(&alice.chat, &bot, &bot, "join");
        let content = json!({"name": "Back"});
        server.append(&alice.chat, &alice.id, "m.room.name", Some(""), content);
    });
    world.settles();
    assert_eq!(world.check().drift, 0, "{}", world.check());
    assert_eq!(world.rows().chats[0].name, "Back");
    assert!(world.ask(&alice, &alice.chat, "hello").ends_with("hello"));
}
