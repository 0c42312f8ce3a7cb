//! Which number a chat has.

use serde_json::json;

use super::fixtures::{
    ALICE, BOB, BOT, World, chat_marker, chat_row, conflicts, number_of, room, user_row,
};
use crate::matrix::{
    marker::CHAT_MARKER,
    reconcile::{plan::Recorded, report::ConflictKind},
    store::rows::{ChatRow, RoomRow, Rows},
};

/// Legacy chats of Alice with these names, oldest first, in rooms `!r0`, `!r1` and so on.
fn named(names: &[&str]) -> World {
    let mut world = World::default();
    world.space("!space", ALICE);
    for (at, name) in names.iter().enumerate() {
        let id = format!("!r{at}");
        world.made_by(BOT, &id, json!({}));
        world.name(&id, name);
        world.link("!space", &id);
    }
    world
}

fn numbers(rows: &Rows, rooms: usize) -> Vec<u32> {
    (0..rooms)
        .map(|at| number_of(rows, &format!("!r{at}")))
        .collect()
}

fn gone(user: &str, chat_id: &str) -> ChatRow {
    ChatRow {
        user_id: user.into(),
        chat_id: chat_id.into(),
        surface_ref: format!("!gone-{chat_id}"),
        name: "Old".into(),
        status: "gone".into(),
    }
}

#[test]
fn unmarked_rooms_are_numbered_by_name_then_by_age() {
    let cases: [(&[&str], &[u32]); 7] = [
        (&["Чат 1", "Чат 2", "Чат 3"], &[1, 2, 3]),
        (&["Чат 3", "Чат 1"], &[3, 1]),
        (&["Work", "Чат 2"], &[1, 2]),
        (&["Чат 2", "Chat 2", "Chat 02 again"], &[2, 1, 3]),
        (&["Work", "Play", "Чат 1"], &[2, 3, 1]),
        (&["Plan 7 of 9", "10⁹"], &[7, 10]),
        (
            &["Chat 0", "№ 99999", "Chat 99999999999999999999"],
            &[1, 2, 3],
        ),
    ];
    for (names, expected) in cases {
        assert_eq!(
            numbers(&named(names).rows(), names.len()),
            expected,
            "{names:?}"
        );
    }
}

#[test]
fn rooms_of_the_same_instant_are_ordered_by_id() {
    let mut world = named(&["Work", "Play"]);
    for (id, at) in [("!r0", 9), ("!r1", 9)] {
        let key = ("m.room.create".to_owned(), String::new());
        world
            .state(id)
            .events
            .get_mut(&key)
            .unwrap()
            .origin_server_ts = at;
    }
    assert_eq!(numbers(&world.rows(), 2), [1, 2]);
}

#[test]
fn a_row_wins_over_the_name() {
    let mut world = named(&["Чат 1"]);
    let mut recorded = Recorded::default();
    recorded.rows.rooms.push(RoomRow {
        room_id: "!r0".into(),
        room_type: "chat".into(),
        chat_id: Some("C8".into()),
        matrix_user_id: ALICE.into(),
        ..RoomRow::default()
    });
    world.settle(&mut recorded);
    assert_eq!(number_of(&recorded.rows, "!r0"), 8);
    assert_eq!(number_of(&world.rows(), "!r0"), 8, "stamped");
}

#[test]
fn the_chat_row_alone_is_a_row_too() {
    let mut world = named(&["Чат 1"]);
    let mut recorded = Recorded::default();
    recorded.rows.chats.push(ChatRow {
        surface_ref: "!r0".into(),
        status: "active".into(),
        ..gone(ALICE, "C5")
    });
    world.settle(&mut recorded);
    assert_eq!(number_of(&recorded.rows, "!r0"), 5);
}

#[test]
fn the_marker_wins_over_the_row() {
    let mut world = World::of_alice();
    let mut recorded = world.recovered().0;
    for row in &mut recorded.rows.rooms {
        row.chat_id = row.chat_id.as_ref().map(|_| "C9".to_owned());
    }
    let report = world.settle(&mut recorded);
    assert_eq!(report.repaired_room_meta, 3);
    assert_eq!(recorded.rows, world.rows());
}

#[test]
fn the_older_of_two_rooms_keeps_the_id_that_both_claim() {
    let mut world = World::of_alice();
    let mut marker = chat_marker(ALICE, "!space", 1);
    marker.platform_chat_id = super::fixtures::context(3);
    world.mark("!c3", &marker);
    let (recorded, report) = world.recovered();
    assert_eq!(conflicts(&report), [(ConflictKind::ChatIdTaken, "!c3")]);
    assert_eq!(chat_row(&recorded.rows, ALICE, "C1").surface_ref, "!c1");
    assert_eq!(
        chat_row(&recorded.rows, ALICE, "C3").surface_ref,
        "!c3",
        "by its name"
    );
    assert_eq!(world.rows(), recorded.rows, "the new marker says so, too");
}

#[test]
fn two_users_may_have_the_same_number() {
    let mut world = World::of_alice();
    world.space("!bobs", BOB);
    world.chat("!b1", "!bobs", BOB, 1);
    let mut marker = chat_marker(BOB, "!bobs", 1);
    marker.platform_chat_id = super::fixtures::context(50);
    world.mark("!b1", &marker);
    let (recorded, report) = world.recovered();
    assert!(report.conflicts.is_empty());
    assert_eq!(chat_row(&recorded.rows, BOB, "C1").surface_ref, "!b1");
}

#[test]
fn a_marker_with_a_chat_id_that_is_none_counts_as_having_none() {
    for broken in ["C0", "", "C", "4", "C4294967296"] {
        let mut world = World::of_alice();
        let mut marker = chat_marker(ALICE, "!space", 2);
        broken.clone_into(&mut marker.chat_id);
        world.mark("!c2", &marker);
        let (recorded, report) = world.recovered();
        assert_eq!(
            conflicts(&report),
            [(ConflictKind::MalformedMarker, "!c2")],
            "{broken:?}"
        );
        assert_eq!(number_of(&recorded.rows, "!c2"), 2, "by its name");
    }
}

#[test]
fn the_highest_number_there_is_breaks_nothing() {
    let mut world = World::of_alice();
    let mut marker = chat_marker(ALICE, "!space", u32::MAX);
    marker.platform_chat_id = super::fixtures::context(77);
    world.mark("!c3", &marker);
    let rows = world.rows();
    assert_eq!(number_of(&rows, "!c3"), u32::MAX);
    assert_eq!(user_row(&rows, ALICE).next_chat_index, u32::MAX);
}

#[test]
fn a_gone_chat_keeps_its_number() {
    let mut world = named(&["Work", "Чат 2"]);
    let mut recorded = Recorded::default();
    recorded.rows.chats = vec![gone(ALICE, "C1"), gone(ALICE, "C2"), gone(BOB, "C3")];
    world.settle(&mut recorded);
    assert_eq!(numbers(&recorded.rows, 2), [3, 4]);
    assert_eq!(chat_row(&recorded.rows, ALICE, "C1").status, "gone");
}

#[test]
fn only_a_marker_takes_the_number_of_a_row_without_a_room() {
    let mut world = World::of_alice();
    let mut recorded = Recorded::default();
    recorded.rows.chats = vec![gone(ALICE, "C2")];
    world.settle(&mut recorded);
    assert_eq!(chat_row(&recorded.rows, ALICE, "C2").surface_ref, "!c2");
}

#[test]
fn a_room_that_cannot_be_read_keeps_its_number_against_a_marker() {
    let mut world = World::of_alice();
    let mut recorded = world.recovered().0;
    let mut marker = chat_marker(ALICE, "!space", 1);
    marker.platform_chat_id = super::fixtures::context(2);
    world.mark("!c2", &marker);
    world.snapshot.incomplete.insert(room("!c1"));
    let report = world.settle(&mut recorded);
    assert_eq!(conflicts(&report), [(ConflictKind::ChatIdTaken, "!c2")]);
    assert_eq!(chat_row(&recorded.rows, ALICE, "C1").surface_ref, "!c1");
    assert_eq!(chat_row(&recorded.rows, ALICE, "C2").surface_ref, "!c2");
}

#[test]
fn a_room_that_is_being_made_keeps_the_number_in_its_marker() {
    let mut world = World::of_alice();
    let mut recorded = Recorded {
        pending_intents: [super::fixtures::context(1000)].into(),
        ..Recorded::default()
    };
    world.remove("!c2", CHAT_MARKER, "");
    world.name("!c2", "Чат 1");
    world.settle(&mut recorded);
    assert_eq!(number_of(&recorded.rows, "!c2"), 2, "C1 is being made");
    assert_eq!(user_row(&recorded.rows, ALICE).next_chat_index, 4);
}
