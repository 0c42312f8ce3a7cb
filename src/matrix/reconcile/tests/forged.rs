//! What hostile members write binds nothing and is reported.

use serde_json::json;

use super::fixtures::{ALICE, BOB, BOT, MALLORY, World, chat_marker, conflicts, skips, user, via};
use crate::matrix::{
    marker::{self, CHAT_MARKER, CREATION_KEY, SPACE_MARKER},
    reconcile::report::{ConflictKind, SkipReason},
};

#[test]
fn a_forged_chat_marker_in_a_foreign_room_makes_no_chat() {
    let mut world = World::of_alice();
    let expected = world.rows();
    world.made_by(MALLORY, "!trap", json!({}));
    let content = marker::write(&chat_marker(ALICE, "!space", 4));
    world.put("!trap", CHAT_MARKER, "", MALLORY, content);
    let (recorded, report) = world.recovered();
    assert_eq!(recorded.rows, expected);
    assert_eq!(conflicts(&report), [(ConflictKind::ForgedMarker, "!trap")]);
    assert_eq!(skips(&report), [("!trap", SkipReason::ForeignRoom)]);
}

#[test]
fn an_owners_marker_in_the_own_entry_room_is_forged_and_the_room_stays_an_entry_room() {
    let mut world = World::of_alice();
    world.made_by(ALICE, "!entry", json!({}));
    world.state("!entry").entry_of = Some(user(ALICE));
    let expected = world.rows();
    let content = marker::write(&chat_marker(ALICE, "!space", 4));
    world.put("!entry", CHAT_MARKER, "", ALICE, content);
    let (recorded, report) = world.recovered();
    assert_eq!(recorded.rows, expected);
    assert_eq!(conflicts(&report), [(ConflictKind::ForgedMarker, "!entry")]);
}

#[test]
fn a_marker_overwritten_by_someone_else_is_replaced_by_the_bots_own() {
    let mut world = World::of_alice();
    world.space("!mallorys", MALLORY);
    let mut expected = world.rows();
    for (id, kind) in [("!space", SPACE_MARKER), ("!c1", CHAT_MARKER)] {
        let content = marker::write(&chat_marker(MALLORY, "!mallorys", 1));
        world.put(id, kind, "", MALLORY, content);
    }
    let (mut recorded, report) = world.recovered();
    assert_eq!(report.stamped_markers, 2);
    assert_eq!(
        conflicts(&report),
        [
            (ConflictKind::ForgedMarker, "!c1"),
            (ConflictKind::ForgedMarker, "!space")
        ]
    );
    // Agent and context of a marker that is lost are lost with it; whose chat it is can never change.
    for rows in [&mut recorded.rows, &mut expected] {
        for row in rows.rooms.iter_mut().filter(|row| row.room_id == "!c1") {
            row.agent_id = None;
            row.platform_chat_id = None;
        }
    }
    assert_eq!(recorded.rows, expected);
}

#[test]
fn a_foreign_room_that_names_the_bots_space_as_parent_is_not_in_it() {
    let mut world = World::of_alice();
    let expected = world.rows();
    world.made_by(MALLORY, "!trap", json!({}));
    world.name("!trap", "Чат 1");
    world.put("!trap", "m.space.parent", "!space", MALLORY, via());
    let (recorded, report) = world.recovered();
    assert_eq!(recorded.rows, expected);
    assert_eq!(conflicts(&report), [(ConflictKind::ForgedParent, "!trap")]);
}

#[test]
fn a_child_link_in_the_bots_space_by_someone_else_links_nothing() {
    let mut world = World::of_alice();
    let expected = world.rows();
    world.made_by(BOT, "!orphan", json!({}));
    world.put("!space", "m.space.child", "!orphan", MALLORY, via());
    world.put("!space", "m.space.child", "no room", MALLORY, via());
    let (recorded, report) = world.recovered();
    assert_eq!(recorded.rows, expected);
    assert_eq!(
        conflicts(&report),
        [
            (ConflictKind::ForgedChild, "!space"),
            (ConflictKind::ForgedChild, "!space")
        ]
    );
}

#[test]
fn a_foreign_space_that_links_the_bots_chats_owns_none_of_them() {
    let mut world = World::of_alice();
    let expected = world.rows();
    world.made_by(MALLORY, "!theirs", json!({ "type": "m.space" }));
    world.put("!theirs", "m.space.child", "!c1", MALLORY, via());
    world.put("!theirs", "m.space.child", "!their-own", MALLORY, via());
    let (recorded, report) = world.recovered();
    assert_eq!(recorded.rows, expected);
    assert_eq!(conflicts(&report), [(ConflictKind::ForgedChild, "!theirs")]);
    assert_eq!(skips(&report), [("!theirs", SkipReason::ForeignSpace)]);
}

#[test]
fn creation_content_like_the_bots_in_a_room_of_someone_else_is_reported() {
    let mut world = World::of_alice();
    let expected = world.rows();
    let facts = json!({ "version": 1, "kind": "space", "owner": ALICE, "intent": super::fixtures::context(1) });
    let content = json!({ "type": "m.space", CREATION_KEY: facts });
    world.made_by(MALLORY, "!theirs", content);
    let (recorded, report) = world.recovered();
    assert_eq!(recorded.rows, expected);
    assert_eq!(
        conflicts(&report),
        [(ConflictKind::ForgedCreation, "!theirs")]
    );
}

#[test]
fn links_among_rooms_of_others_are_nobodys_concern() {
    let mut world = World::default();
    world.made_by(MALLORY, "!theirs", json!({ "type": "m.space" }));
    world.made_by(MALLORY, "!inside", json!({}));
    world.put("!theirs", "m.space.child", "!inside", MALLORY, via());
    world.put("!inside", "m.space.parent", "!theirs", MALLORY, via());
    let (_, report) = world.recovered();
    assert!(report.conflicts.is_empty());
}

#[test]
fn a_room_name_like_a_chats_binds_nothing() {
    let mut world = World::of_alice();
    let expected = world.rows();
    for id in ["!trap1", "!trap2"] {
        world.made_by(BOB, id, json!({}));
        world.put(id, "m.room.name", "", BOB, json!({ "name": "Чат 1" }));
    }
    assert_eq!(world.rows(), expected);
}

#[test]
fn huge_and_odd_state_breaks_nothing_and_stays_out_of_the_report() {
    let mut world = World::of_alice();
    let huge = "<b>x</b>".repeat(8_000);
    for kind in ["m.space.child", "m.space.parent", CHAT_MARKER, SPACE_MARKER] {
        world.put(
            "!c1",
            kind,
            &"k".repeat(255),
            MALLORY,
            json!({ "via": [&huge], "owner": &huge }),
        );
    }
    world.put("!c1", "m.room.name", "", MALLORY, json!({ "name": &huge }));
    let (recorded, report) = world.recovered();
    assert_eq!(
        report.conflicts.len(),
        3,
        "two markers in one room say the same"
    );
    assert!(
        report
            .conflicts
            .iter()
            .all(|conflict| conflict.detail.len() < 200)
    );
    let name = &super::fixtures::room_row(&recorded.rows, "!c1").display_name;
    assert_eq!(name.chars().count(), crate::core::chat::name::MAX_CHARS);
}
