//! What is written on the server.

use serde_json::{Value, json};

use super::fixtures::{ALICE, BOT, MALLORY, World, chat_marker, context, user, via};
use crate::matrix::{
    marker::{self, CHAT_MARKER, ChatMarker, SPACE_MARKER},
    reconcile::{
        changes::{StateWrite, Why},
        plan::Recorded,
    },
};

fn writes(world: &World) -> Vec<StateWrite> {
    world.plan(&Recorded::default()).writes
}

fn only_write(world: &World) -> (String, &'static str, String, Value, Why) {
    let mut writes = writes(world);
    assert_eq!(writes.len(), 1, "{writes:#?}");
    let write = writes.remove(0);
    let room = write.room_id.to_string();
    (
        room,
        write.event_type,
        write.state_key,
        write.content,
        write.why,
    )
}

#[test]
fn a_healthy_graph_needs_no_write() {
    assert!(writes(&World::of_alice()).is_empty());
}

#[test]
fn a_missing_or_broken_child_link_is_written_with_the_bots_server() {
    let broken = [
        None,
        Some(json!({})),
        Some(json!({ "via": [] })),
        Some(json!({ "via": 1 })),
    ];
    for content in broken {
        let mut world = World::of_alice();
        world.remove("!space", "m.space.child", "!c2");
        if let Some(content) = content {
            world.put("!space", "m.space.child", "!c2", BOT, content);
        }
        let expected = (
            "!space".into(),
            "m.space.child",
            "!c2".into(),
            via(),
            Why::Link,
        );
        assert_eq!(only_write(&world), expected);
    }
}

#[test]
fn a_child_link_by_someone_else_is_written_anew() {
    let mut world = World::of_alice();
    world.put("!space", "m.space.child", "!c2", MALLORY, via());
    let expected = (
        "!space".into(),
        "m.space.child",
        "!c2".into(),
        via(),
        Why::Link,
    );
    assert_eq!(only_write(&world), expected);
}

#[test]
fn a_missing_parent_link_is_written_as_canonical() {
    let mut world = World::of_alice();
    world.remove("!c2", "m.space.parent", "!space");
    let content = json!({ "via": ["hs"], "canonical": true });
    let expected = (
        "!c2".into(),
        "m.space.parent",
        "!space".into(),
        content,
        Why::Link,
    );
    assert_eq!(only_write(&world), expected);
}

#[test]
fn a_link_that_is_right_is_left_as_it_is() {
    let mut world = World::of_alice();
    let odd = json!({ "via": ["other", "hs"], "order": "7", "suggested": true });
    world.put("!space", "m.space.child", "!c2", BOT, odd);
    assert!(writes(&world).is_empty());
}

#[test]
fn an_archived_chat_that_is_still_linked_is_unlinked() {
    let mut world = World::of_alice();
    let mut marker = chat_marker(ALICE, "!space", 2);
    marker.archived = true;
    world.mark("!c2", &marker);
    let expected = (
        "!space".into(),
        "m.space.child",
        "!c2".into(),
        json!({}),
        Why::Unlink,
    );
    assert_eq!(only_write(&world), expected);
    world.put("!space", "m.space.child", "!c2", BOT, json!({}));
    world.remove("!c2", "m.space.parent", "!space");
    assert!(
        writes(&world).is_empty(),
        "out of the Space no parent is needed"
    );
}

#[test]
fn a_chat_linked_from_two_spaces_of_its_owner_stays_in_the_one_its_marker_names() {
    let mut world = World::of_alice();
    world.space("!second", ALICE);
    world.put("!second", "m.space.child", "!c2", BOT, via());
    let expected = (
        "!second".into(),
        "m.space.child",
        "!c2".into(),
        json!({}),
        Why::Unlink,
    );
    assert_eq!(only_write(&world), expected);
}

#[test]
fn a_parent_that_is_not_the_space_is_taken_back() {
    let mut world = World::of_alice();
    world.put("!c2", "m.space.parent", "!elsewhere", BOT, via());
    let expected = (
        "!c2".into(),
        "m.space.parent",
        "!elsewhere".into(),
        json!({}),
        Why::Unlink,
    );
    assert_eq!(only_write(&world), expected);
}

#[test]
fn a_stamp_says_all_that_was_decided() {
    let mut world = World::of_alice();
    world.remove("!c2", CHAT_MARKER, "");
    let (room, kind, key, content, why) = only_write(&world);
    assert_eq!(
        (room.as_str(), kind, key.as_str(), why),
        ("!c2", CHAT_MARKER, "", Why::Stamp)
    );
    let marker: ChatMarker = marker::read(&content).unwrap();
    assert_eq!(marker.owner, user(ALICE));
    assert_eq!(marker.chat_id, "C2");
    assert_eq!(marker.space_id, super::fixtures::room("!space"));
    assert_eq!(marker.agent_id, "mock");
    assert!(!marker.archived && marker.generation == 0);
    assert_ne!(
        marker.platform_chat_id,
        context(2),
        "derived, as the marker was lost"
    );
}

#[test]
fn a_chat_id_in_other_letters_is_written_as_it_should_be() {
    let mut world = World::of_alice();
    let mut marker = chat_marker(ALICE, "!space", 2);
    "с2".clone_into(&mut marker.chat_id);
    world.mark("!c2", &marker);
    let (_, _, _, content, _) = only_write(&world);
    assert_eq!(content["chat_id"], "C2");
}

#[test]
fn markers_come_before_links() {
    let mut world = World::legacy();
    for number in 1..=3 {
        world.remove("!space", "m.space.child", &format!("!c{number}"));
    }
    let whys: Vec<_> = writes(&world).iter().map(|write| write.why).collect();
    assert_eq!(whys[..4], [Why::Stamp; 4]);
    assert_eq!(whys[4..], [Why::Link; 3]);
    assert_eq!(writes(&world)[0].event_type, SPACE_MARKER);
}
