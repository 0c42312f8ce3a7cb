//! What a joined room is taken for.

use serde_json::json;

use super::fixtures::{
    ALICE, BOB, BOT, MALLORY, World, conflicts, context, event, has_room_row, room, room_row,
    skips, user,
};
use crate::matrix::{
    marker::{CHAT_MARKER, CREATION_KEY, RoomKind},
    reconcile::{
        plan::Recorded,
        report::{ConflictKind, SkipReason},
    },
    store::rows::RoomRow,
};

fn invited_by(world: &mut World, id: &str, inviter: &str) {
    let mut member = event("m.room.member", BOT, BOT, json!({ "membership": "join" }));
    member.invited_by = Some(user(inviter));
    world.state(id).insert(member);
}

#[test]
fn a_healthy_space_and_its_chats_get_their_rows() {
    let rows = World::of_alice().rows();
    let kinds: Vec<_> = rows
        .rooms
        .iter()
        .map(|row| (row.room_id.as_str(), row.room_type.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("!c1", "chat"),
            ("!c2", "chat"),
            ("!c3", "chat"),
            ("!space", "space")
        ]
    );
    assert_eq!(rows.chats.len(), 3);
    assert_eq!(rows.users.len(), 1);
}

#[test]
fn a_room_that_the_bot_noted_as_entry_room_is_one() {
    let mut world = World::default();
    world.made_by(ALICE, "!entry", json!({}));
    world.name("!entry", "Hello");
    world.state("!entry").entry_of = Some(user(ALICE));
    let expected = RoomRow {
        room_id: "!entry".into(),
        room_type: "entry".into(),
        display_name: "Hello".into(),
        matrix_user_id: ALICE.into(),
        ..RoomRow::default()
    };
    assert_eq!(world.rows().rooms, [expected]);
}

#[test]
fn without_the_note_an_entry_room_is_known_by_its_invite() {
    let mut world = World::default();
    world.made_by(ALICE, "!entry", json!({}));
    invited_by(&mut world, "!entry", BOB);
    let (recorded, report) = world.recovered();
    assert_eq!(room_row(&recorded.rows, "!entry").matrix_user_id, BOB);
    assert!(skips(&report).is_empty());
}

#[test]
fn a_room_of_others_that_nobody_invited_the_bot_to_is_foreign() {
    let mut world = World::default();
    world.made_by(MALLORY, "!foreign", json!({}));
    let (recorded, report) = world.recovered();
    assert!(recorded.rows.rooms.is_empty());
    assert_eq!(skips(&report), [("!foreign", SkipReason::ForeignRoom)]);
}

#[test]
fn a_space_of_someone_else_stays_foreign_even_with_an_invite() {
    let mut world = World::default();
    world.made_by(MALLORY, "!theirs", json!({ "type": "m.space" }));
    invited_by(&mut world, "!theirs", MALLORY);
    let (recorded, report) = world.recovered();
    assert!(recorded.rows.rooms.is_empty());
    assert_eq!(skips(&report), [("!theirs", SkipReason::ForeignSpace)]);
}

#[test]
fn a_foreign_room_that_the_bot_linked_is_no_entry_room() {
    let mut world = World::of_alice();
    world.made_by(BOB, "!linked", json!({}));
    invited_by(&mut world, "!linked", BOB);
    world.put(
        "!space",
        "m.space.child",
        "!linked",
        BOT,
        json!({ "via": ["hs"] }),
    );
    let (recorded, report) = world.recovered();
    assert!(!has_room_row(&recorded.rows, "!linked"));
    assert_eq!(skips(&report), [("!linked", SkipReason::ForeignRoom)]);
}

#[test]
fn a_room_that_is_being_made_is_left_to_its_maker() {
    let mut world = World::default();
    world.space("!space", ALICE);
    let intent = context(1000);
    world.made_for(ALICE, "!new", RoomKind::Chat);
    let mut recorded = Recorded {
        pending_intents: [intent].into(),
        ..Recorded::default()
    };
    let report = world.settle(&mut recorded);
    assert_eq!(skips(&report), [("!new", SkipReason::BeingMade)]);
    assert!(!has_room_row(&recorded.rows, "!new"));
    recorded.pending_intents.clear();
    world.settle(&mut recorded);
    assert!(
        has_room_row(&recorded.rows, "!new"),
        "nobody makes it any more"
    );
}

#[test]
fn rooms_of_the_bot_that_are_nothing_are_left_alone() {
    let mut world = World::default();
    world.made_by(BOT, "!orphan", json!({}));
    world.name("!orphan", "Чат 1");
    world.made_by(BOT, "!policy", json!({ "type": "m.policy" }));
    let (recorded, report) = world.recovered();
    assert!(recorded.rows.rooms.is_empty());
    assert_eq!(
        skips(&report),
        [
            ("!orphan", SkipReason::Unclassified),
            ("!policy", SkipReason::Unclassified)
        ]
    );
}

#[test]
fn a_room_without_its_creation_event_is_incomplete() {
    let mut world = World::of_alice();
    world.remove("!c2", "m.room.create", "");
    let (recorded, report) = world.recovered();
    assert!(!has_room_row(&recorded.rows, "!c2"));
    assert_eq!(skips(&report), [("!c2", SkipReason::StateIncomplete)]);
}

#[test]
fn a_chat_that_says_it_is_a_space_is_left_alone() {
    let mut world = World::default();
    let facts =
        |kind: &str| json!({ "version": 1, "kind": kind, "owner": ALICE, "intent": context(1) });
    world.made_by(
        BOT,
        "!a",
        json!({ "type": "m.space", CREATION_KEY: facts("chat") }),
    );
    world.made_by(BOT, "!b", json!({ CREATION_KEY: facts("space") }));
    let (_, report) = world.recovered();
    assert_eq!(
        skips(&report),
        [
            ("!a", SkipReason::KindContradiction),
            ("!b", SkipReason::KindContradiction)
        ]
    );
}

#[test]
fn what_a_later_version_wrote_is_not_overwritten() {
    let mut world = World::of_alice();
    let mut recorded = world.recovered().0;
    let before = recorded.clone();
    world.put(
        "!c1",
        CHAT_MARKER,
        "",
        BOT,
        json!({ "version": 2, "flavour": "new" }),
    );
    let report = world.settle(&mut recorded);
    assert_eq!(skips(&report), [("!c1", SkipReason::NewerVersion)]);
    assert_eq!(recorded, before);
}

#[test]
fn a_broken_marker_of_the_bot_counts_as_missing_and_is_reported() {
    let mut world = World::of_alice();
    world.put("!c1", CHAT_MARKER, "", BOT, json!({ "version": 1 }));
    let (recorded, report) = world.recovered();
    assert_eq!(conflicts(&report), [(ConflictKind::MalformedMarker, "!c1")]);
    assert_eq!(report.stamped_markers, 1);
    assert_eq!(
        room_row(&recorded.rows, "!c1").chat_id.as_deref(),
        Some("C1")
    );
}

#[test]
fn rooms_left_alone_keep_their_rows_as_they_are() {
    let mut world = World::of_alice();
    let mut recorded = world.recovered().0;
    let before = recorded.rows.clone();
    world.leave("!c3");
    for id in ["!space", "!c1", "!c2", "!c3"] {
        world.snapshot.incomplete.insert(room(id));
    }
    let report = world.settle(&mut recorded);
    assert_eq!(recorded.rows, before);
    assert_eq!(report.joined_rooms, 4);
    assert!(
        skips(&report)
            .iter()
            .all(|(_, reason)| *reason == SkipReason::StateIncomplete)
    );
}
