//! Which rooms are whose chats, in which Space, under which name, with which agent and context.

use serde_json::json;
use uuid::Uuid;

use super::fixtures::{
    ALICE, BOB, BOT, World, chat_marker, chat_row, conflicts, context, has_room_row, room_row,
    skips, via,
};
use crate::{
    core::ids::{PlatformChatId, RoomKey},
    matrix::{
        marker::{CHAT_MARKER, RoomKind, SpaceMarker},
        reconcile::{
            plan::Recorded,
            report::{ConflictKind, SkipReason},
        },
        store::rows::{ChatRow, RoomRow, Rows},
    },
};

fn derived(id: &str, generation: u32) -> String {
    PlatformChatId::backfill(&RoomKey::new(id), generation).to_string()
}

fn context_of(rows: &Rows, id: &str) -> String {
    room_row(rows, id).platform_chat_id.clone().unwrap()
}

fn with_row(row: RoomRow) -> Recorded {
    let mut recorded = Recorded::default();
    recorded.rows.rooms.push(row);
    recorded
}

fn recorded_chat(id: &str) -> RoomRow {
    RoomRow {
        room_id: id.into(),
        room_type: "chat".into(),
        matrix_user_id: ALICE.into(),
        space_id: Some("!space".into()),
        ..RoomRow::default()
    }
}

#[test]
fn a_legacy_layout_is_recovered_stamped_and_settled() {
    let mut world = World::legacy();
    let (recorded, report) = world.recovered();
    assert_eq!(report.stamped_markers, 4);
    assert_eq!(report.backfilled_platform_chat_ids, 3);
    assert_eq!(report.repaired_space_links, 0);
    assert!(report.conflicts.is_empty() && report.skipped_rooms.is_empty());
    for number in 1..=3 {
        let row = chat_row(&recorded.rows, ALICE, &format!("C{number}"));
        assert_eq!(row.surface_ref, format!("!c{number}"));
        assert_eq!(row.name, format!("Чат {number}"));
        assert_eq!(row.status, "active");
        assert_eq!(
            context_of(&recorded.rows, &row.surface_ref),
            derived(&row.surface_ref, 0)
        );
    }
    let rows = recorded.rows;
    assert_eq!(world.rows(), rows, "the stamps alone give the same rows");
}

#[test]
fn one_link_of_the_two_is_enough_and_the_other_is_repaired() {
    for (id, kind, key) in [
        ("!space", "m.space.child", "!c1"),
        ("!c1", "m.space.parent", "!space"),
    ] {
        let mut world = World::legacy();
        world.remove(id, kind, key);
        let (recorded, report) = world.recovered();
        assert_eq!(report.repaired_space_links, 1, "{kind}");
        assert_eq!(chat_row(&recorded.rows, ALICE, "C1").status, "active");
    }
}

#[test]
fn a_row_bears_witness_for_a_room_that_lost_both_links() {
    let mut world = World::legacy();
    let mut recorded = with_row(recorded_chat("!c1"));
    world.remove("!space", "m.space.child", "!c1");
    world.remove("!c1", "m.space.parent", "!space");
    let mut without_row = world.clone();
    world.settle(&mut recorded);
    assert_eq!(chat_row(&recorded.rows, ALICE, "C1").surface_ref, "!c1");
    let (_, report) = without_row.recovered();
    assert_eq!(skips(&report), [("!c1", SkipReason::Unclassified)]);
}

#[test]
fn a_row_of_another_owner_bears_no_witness() {
    let mut world = World::legacy();
    world.made_by(BOT, "!stray", json!({}));
    let row = RoomRow {
        matrix_user_id: BOB.into(),
        ..recorded_chat("!stray")
    };
    let report = world.settle(&mut with_row(row));
    assert_eq!(skips(&report), [("!stray", SkipReason::Unclassified)]);
}

#[test]
fn a_room_whose_making_was_cut_short_is_finished() {
    let mut world = World::default();
    world.space("!space", ALICE);
    world.made_for(ALICE, "!half", RoomKind::Chat);
    let (recorded, report) = world.recovered();
    assert_eq!(report.stamped_markers, 1);
    assert_eq!(report.repaired_space_links, 2);
    let row = room_row(&recorded.rows, "!half");
    assert_eq!(row.space_id.as_deref(), Some("!space"));
    assert_eq!(row.display_name, "Chat 1");
    assert_eq!(row.agent_id.as_deref(), Some("mock"));
}

#[test]
fn the_creation_content_wins_over_the_marker_about_the_owner() {
    let mut world = World::of_alice();
    world.space("!bobs", BOB);
    world.mark("!c1", &chat_marker(BOB, "!bobs", 1));
    let (recorded, report) = world.recovered();
    assert_eq!(room_row(&recorded.rows, "!c1").matrix_user_id, ALICE);
    assert_eq!(
        room_row(&recorded.rows, "!c1").space_id.as_deref(),
        Some("!space")
    );
    assert_eq!(
        conflicts(&report),
        [
            (ConflictKind::OwnerMismatch, "!c1"),
            (ConflictKind::SpaceMismatch, "!c1")
        ]
    );
}

#[test]
fn an_unmarked_room_in_the_spaces_of_two_owners_belongs_where_it_hangs_firmest() {
    let mut world = World::legacy();
    world.space("!bobs", BOB);
    world.put("!bobs", "m.space.child", "!c1", BOT, via());
    let (recorded, report) = world.recovered();
    assert_eq!(room_row(&recorded.rows, "!c1").matrix_user_id, ALICE);
    assert_eq!(conflicts(&report), [(ConflictKind::SpaceMismatch, "!c1")]);
    assert_eq!(
        report.repaired_space_links, 1,
        "the other link is taken back"
    );
}

#[test]
fn a_chat_whose_space_was_replaced_moves_to_the_new_one() {
    let mut world = World::of_alice();
    world.leave("!space");
    world.space("!new", ALICE);
    let (recorded, report) = world.recovered();
    assert_eq!(report.stamped_markers, 3);
    assert_eq!(
        report.repaired_space_links, 9,
        "child, parent, and the old parent taken back"
    );
    assert_eq!(
        room_row(&recorded.rows, "!c2").space_id.as_deref(),
        Some("!new")
    );
    assert_eq!(conflicts(&report).len(), 3);
}

#[test]
fn a_marked_chat_without_its_space_keeps_its_rows() {
    let mut world = World::of_alice();
    let (before, _) = world.recovered();
    world.leave("!space");
    let (recorded, report) = world.recovered();
    assert_eq!(recorded.rows.chats, before.rows.chats);
    assert_eq!(report.repaired_space_links, 0);
    assert_eq!(skips(&report).len(), 3);
    assert!(
        skips(&report)
            .iter()
            .all(|(_, reason)| *reason == SkipReason::SpaceMissing)
    );
}

#[test]
fn an_unmarked_chat_without_its_space_is_left_alone() {
    let mut world = World::legacy();
    world.leave("!space");
    world.made_for(ALICE, "!half", RoomKind::Chat);
    let (recorded, report) = world.recovered();
    assert_eq!(recorded.rows, Rows::default());
    assert_eq!(skips(&report).len(), 4);
    assert!(
        skips(&report)
            .iter()
            .all(|(_, reason)| *reason == SkipReason::SpaceMissing)
    );
}

#[test]
fn a_chat_in_a_space_that_cannot_be_read_keeps_its_rows_and_links() {
    let mut world = World::of_alice();
    world.remove("!space", "m.room.create", "");
    world.remove("!c1", "m.space.parent", "!space");
    let (recorded, report) = world.recovered();
    assert!(has_room_row(&recorded.rows, "!c1"));
    assert_eq!(report.repaired_space_links, 0);
    assert_eq!(skips(&report), [("!space", SkipReason::StateIncomplete)]);
}

#[test]
fn an_archived_chat_is_archived_by_its_marker() {
    let mut world = World::of_alice();
    let mut marker = chat_marker(ALICE, "!space", 2);
    marker.archived = true;
    world.mark("!c2", &marker);
    let (recorded, report) = world.recovered();
    assert_eq!(chat_row(&recorded.rows, ALICE, "C2").status, "archived");
    assert_eq!(report.repaired_space_links, 1, "its link is taken back");
}

#[test]
fn an_unmarked_chat_is_archived_only_without_a_link_and_by_its_row() {
    let archived = ChatRow {
        user_id: ALICE.into(),
        chat_id: "C1".into(),
        surface_ref: "!c1".into(),
        name: "Чат 1".into(),
        status: "archived".into(),
    };
    for (is_linked, expected) in [(true, "active"), (false, "archived")] {
        let mut world = World::legacy();
        if !is_linked {
            world.remove("!space", "m.space.child", "!c1");
        }
        let mut recorded = with_row(recorded_chat("!c1"));
        recorded.rows.chats.push(archived.clone());
        world.settle(&mut recorded);
        assert_eq!(chat_row(&recorded.rows, ALICE, "C1").status, expected);
        assert_eq!(
            world.rows().chats,
            recorded.rows.chats,
            "the stamp says so, too"
        );
    }
}

#[test]
fn the_agent_is_the_markers_then_the_rows_then_the_spaces_then_the_default() {
    let agent = |rows: &Rows| room_row(rows, "!c1").agent_id.clone().unwrap();
    let mut world = World::of_alice();
    assert_eq!(agent(&world.rows()), "gpt");
    world.remove("!c1", CHAT_MARKER, "");
    let mut recorded = with_row(RoomRow {
        agent_id: Some("coder".into()),
        ..recorded_chat("!c1")
    });
    world.clone().settle(&mut recorded);
    assert_eq!(agent(&recorded.rows), "coder");
    assert_eq!(agent(&world.rows()), "mock");
    world.mark_space(
        "!space",
        &SpaceMarker {
            version: 1,
            owner: super::fixtures::user(ALICE),
            locale: Some("ru".into()),
            default_agent: Some("remote".into()),
            streaming: None,
        },
    );
    assert_eq!(agent(&world.rows()), "remote");
    world.remove("!c1", "m.room.name", "");
    assert_eq!(room_row(&world.rows(), "!c1").display_name, "Чат 1");
}

#[test]
fn a_nameless_chat_keeps_the_name_its_row_remembers() {
    let mut world = World::of_alice();
    world.remove("!c1", "m.room.name", "");
    let mut recorded = with_row(RoomRow {
        display_name: "Old name".into(),
        ..recorded_chat("!c1")
    });
    world.settle(&mut recorded);
    assert_eq!(room_row(&recorded.rows, "!c1").display_name, "Old name");
    assert_eq!(chat_row(&recorded.rows, ALICE, "C1").name, "Old name");
}

#[test]
fn the_marker_tells_the_context_and_its_generation() {
    let mut world = World::of_alice();
    let mut marker = chat_marker(ALICE, "!space", 1);
    marker.generation = 4;
    world.mark("!c1", &marker);
    let mut recorded = with_row(RoomRow {
        platform_chat_id: Some(context(99).to_string()),
        generation: 3,
        ..recorded_chat("!c1")
    });
    let report = world.settle(&mut recorded);
    assert_eq!(context_of(&recorded.rows, "!c1"), context(1).to_string());
    assert_eq!(room_row(&recorded.rows, "!c1").generation, 4);
    assert_eq!(report.backfilled_platform_chat_ids, 0);
}

#[test]
fn without_a_marker_the_row_tells_the_context() {
    let mut world = World::legacy();
    let mut recorded = with_row(RoomRow {
        platform_chat_id: Some(context(99).to_string()),
        generation: 3,
        ..recorded_chat("!c1")
    });
    let report = world.settle(&mut recorded);
    assert_eq!(context_of(&recorded.rows, "!c1"), context(99).to_string());
    assert_eq!(room_row(&recorded.rows, "!c1").generation, 3);
    assert_eq!(report.backfilled_platform_chat_ids, 2);
    assert_eq!(
        context_of(&world.rows(), "!c1"),
        context(99).to_string(),
        "stamped"
    );
}

#[test]
fn a_context_in_a_row_that_is_no_uuid_is_derived_anew() {
    let mut world = World::legacy();
    let mut recorded = with_row(RoomRow {
        platform_chat_id: Some("falsified".into()),
        generation: 3,
        ..recorded_chat("!c1")
    });
    world.settle(&mut recorded);
    assert_eq!(context_of(&recorded.rows, "!c1"), derived("!c1", 0));
    assert_eq!(room_row(&recorded.rows, "!c1").generation, 0);
}

#[test]
fn the_older_of_two_rooms_keeps_a_context_that_both_claim() {
    let mut world = World::of_alice();
    let mut marker = chat_marker(ALICE, "!space", 2);
    marker.platform_chat_id = context(1);
    marker.generation = 2;
    world.mark("!c2", &marker);
    let (recorded, report) = world.recovered();
    assert_eq!(conflicts(&report), [(ConflictKind::ContextTaken, "!c2")]);
    assert_eq!(report.backfilled_platform_chat_ids, 1);
    assert_eq!(context_of(&recorded.rows, "!c1"), context(1).to_string());
    assert_eq!(context_of(&recorded.rows, "!c2"), derived("!c2", 2));
    assert_eq!(world.rows(), recorded.rows, "the new marker says so, too");
}

#[test]
fn a_row_cannot_take_a_context_that_a_marker_names() {
    let mut world = World::of_alice();
    world.remove("!c1", CHAT_MARKER, "");
    let mut recorded = with_row(RoomRow {
        platform_chat_id: Some(context(3).to_string()),
        ..recorded_chat("!c1")
    });
    let report = world.settle(&mut recorded);
    assert_eq!(conflicts(&report), [(ConflictKind::ContextTaken, "!c1")]);
    assert_eq!(context_of(&recorded.rows, "!c1"), derived("!c1", 0));
}

#[test]
fn a_derived_context_that_another_room_holds_is_passed_over() {
    let mut world = World::of_alice();
    let mut marker = chat_marker(ALICE, "!space", 2);
    marker.platform_chat_id = Uuid::parse_str(&derived("!c1", 0)).unwrap();
    world.mark("!c2", &marker);
    world.remove("!c1", CHAT_MARKER, "");
    let (recorded, _) = world.recovered();
    assert_eq!(context_of(&recorded.rows, "!c1"), derived("!c1", 1));
    assert_eq!(room_row(&recorded.rows, "!c1").generation, 1);
}
