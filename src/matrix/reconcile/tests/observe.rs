//! Reading state that anyone may have written, in any shape.

use serde_json::{Value, json};

use super::fixtures::{ALICE, BOT, MALLORY, World, chat_marker, room, user, via};
use crate::matrix::{
    marker::{self, CHAT_MARKER, CREATION_KEY},
    reconcile::{
        observe::observe,
        seen::{Forged, Mark, RoomType, SeenRoom},
    },
};

fn see(world: &World, id: &str) -> SeenRoom {
    observe(&world.snapshot, &user(BOT)).rooms[&room(id)].clone()
}

fn made(content: Value) -> World {
    let mut world = World::default();
    world.made_by(BOT, "!r", content);
    world
}

#[test]
fn the_room_type_is_read_from_the_creation_event() {
    let cases = [
        (json!({}), RoomType::Plain),
        (json!({ "type": "m.space" }), RoomType::Space),
        (json!({ "type": "m.policy" }), RoomType::Other),
        (json!({ "type": 7 }), RoomType::Other),
        (json!("not an object"), RoomType::Plain),
    ];
    for (content, expected) in cases {
        let seen = see(&made(content.clone()), "!r");
        assert_eq!(seen.creation.unwrap().room_type, expected, "{content}");
    }
}

#[test]
fn facts_of_a_later_version_are_told_from_broken_ones() {
    let newer = made(json!({ CREATION_KEY: { "version": 2, "shape": "unknown" } }));
    assert_eq!(see(&newer, "!r").creation.unwrap().facts, Mark::Newer);
    let broken = made(json!({ CREATION_KEY: { "version": 1, "kind": "castle" } }));
    assert_eq!(see(&broken, "!r").creation.unwrap().facts, Mark::Malformed);
}

#[test]
fn only_links_with_a_way_to_the_room_count() {
    let cases = [
        (via(), true),
        (json!({ "via": ["a", "b"], "suggested": true }), true),
        (json!({}), false),
        (json!({ "via": [] }), false),
        (json!({ "via": [""] }), false),
        (json!({ "via": ["hs", 7] }), false),
        (json!({ "via": "hs" }), false),
        (json!(null), false),
    ];
    for (content, counts) in cases {
        let mut world = made(json!({ "type": "m.space" }));
        world.put("!r", "m.space.child", "!c", BOT, content.clone());
        assert_eq!(!see(&world, "!r").children.is_empty(), counts, "{content}");
    }
}

#[test]
fn a_link_to_something_that_is_no_room_is_no_link() {
    let mut world = made(json!({}));
    world.put("!r", "m.space.parent", "no room", BOT, via());
    world.put("!r", "m.space.parent", "", BOT, via());
    assert!(see(&world, "!r").parents.is_empty());
}

#[test]
fn what_others_wrote_is_remembered_without_its_content() {
    let mut world = made(json!({}));
    world.put("!r", "m.space.parent", "!s", MALLORY, via());
    world.put("!r", "m.space.child", "!s", MALLORY, json!({ "via": 1 }));
    world.put(
        "!r",
        CHAT_MARKER,
        "",
        MALLORY,
        marker::write(&chat_marker(ALICE, "!s", 1)),
    );
    let seen = see(&world, "!r");
    assert_eq!(seen.chat_marker, Mark::Absent);
    assert!(seen.parents.is_empty() && seen.children.is_empty());
    let forged: Vec<_> = seen.forgeries.iter().map(|forgery| forgery.of).collect();
    assert_eq!(forged, [Forged::Marker, Forged::Child, Forged::Parent]);
}

#[test]
fn a_link_taken_back_by_someone_else_is_no_forgery() {
    let mut world = made(json!({}));
    world.put("!r", "m.space.parent", "!s", MALLORY, json!({}));
    assert!(see(&world, "!r").forgeries.is_empty());
}

#[test]
fn a_marker_under_another_key_is_no_marker() {
    let mut world = made(json!({}));
    let content = marker::write(&chat_marker(ALICE, "!s", 1));
    world.put("!r", CHAT_MARKER, "x", BOT, content);
    assert_eq!(see(&world, "!r").chat_marker, Mark::Absent);
}

#[test]
fn names_are_texts_that_show_something_and_have_an_end() {
    let cases = [
        (json!({ "name": "Work" }), Some("Work".to_owned())),
        (json!({ "name": " \n" }), None),
        (json!({ "name": 7 }), None),
        (json!({}), None),
        (json!({ "name": "я".repeat(60_000) }), Some("я".repeat(255))),
    ];
    for (content, expected) in cases {
        let mut world = made(json!({}));
        world.put("!r", "m.room.name", "", ALICE, content);
        assert_eq!(see(&world, "!r").name, expected);
    }
}

#[test]
fn accounts_are_read_in_spaces_of_the_bot_only() {
    let mut world = made(json!({ "type": "m.space" }));
    world.join("!r", ALICE);
    world.member("!r", MALLORY, "knock");
    world.put(
        "!r",
        "m.room.member",
        "nobody",
        BOT,
        json!({ "membership": "join" }),
    );
    let seen = see(&world, "!r");
    assert_eq!(seen.accounts.keys().collect::<Vec<_>>(), [&user(ALICE)]);
    let mut foreign = World::default();
    foreign.made_by(MALLORY, "!r", json!({ "type": "m.space" }));
    foreign.join("!r", ALICE);
    assert!(see(&foreign, "!r").accounts.is_empty());
}

#[test]
fn a_room_named_incomplete_is_not_read_at_all() {
    let mut world = made(json!({}));
    world.snapshot.incomplete.insert(room("!r"));
    let observed = observe(&world.snapshot, &user(BOT));
    assert!(observed.rooms.is_empty());
    assert!(observed.incomplete.contains(&room("!r")));
}

#[test]
fn the_bot_never_counts_as_its_own_inviter() {
    let mut world = made(json!({}));
    world.state("!r").entry_of = Some(user(BOT));
    assert_eq!(see(&world, "!r").entry_of, None);
}
