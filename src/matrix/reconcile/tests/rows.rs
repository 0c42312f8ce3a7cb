//! Rows of rooms and chats: what is wrong is put right, what has lost its room is kept and marked.

use serde_json::json;

use super::fixtures::{ALICE, BOB, MALLORY, World, chat_row, has_room_row, room, room_row};
use crate::matrix::{
    reconcile::{plan::Recorded, report::Report},
    store::rows::{ChatRow, RoomRow, Rows},
};

/// Alice's world with right rows, then made wrong, then reconciled.
fn after(damage: impl FnOnce(&mut World, &mut Rows)) -> (Rows, Rows, Report) {
    let mut world = World::of_alice();
    let mut recorded = world.recovered().0;
    let before = recorded.rows.clone();
    damage(&mut world, &mut recorded.rows);
    let report = world.settle(&mut recorded);
    (before, recorded.rows, report)
}

fn figures(report: &Report) -> [usize; 6] {
    [
        report.restored_user_meta,
        report.restored_room_meta,
        report.restored_chat_rows,
        report.repaired_user_meta,
        report.repaired_room_meta,
        report.repaired_chat_rows,
    ]
}

#[test]
fn an_empty_database_is_restored_and_counted() {
    let (_, report) = World::of_alice().recovered();
    assert_eq!(figures(&report), [1, 4, 3, 0, 0, 0]);
    assert_eq!(report.drift, 8);
    assert_eq!(report.joined_rooms, 4);
}

#[test]
fn right_rows_are_not_touched() {
    let (before, rows, report) = after(|_, _| {});
    assert_eq!(before, rows);
    assert_eq!(figures(&report), [0; 6]);
    assert_eq!(report.drift, 0);
}

#[test]
fn single_missing_rows_are_restored() {
    let (before, rows, report) = after(|_, rows| {
        rows.rooms.remove(1);
        rows.chats.remove(2);
    });
    assert_eq!(before, rows);
    assert_eq!(figures(&report), [0, 1, 1, 0, 0, 0]);
}

#[test]
fn falsified_columns_are_repaired() {
    let (before, rows, report) = after(|_, rows| {
        rows.rooms[0].matrix_user_id = MALLORY.into();
        rows.rooms[1].platform_chat_id = None;
        rows.rooms[2].room_type = "entry".into();
        rows.rooms[3].room_type = "chat".into();
        rows.chats[0].status = "archived".into();
        rows.chats[1].name = "Other".into();
        rows.chats[2].surface_ref = "!nowhere".into();
    });
    assert_eq!(before, rows);
    assert_eq!(figures(&report), [0, 0, 0, 0, 4, 3]);
    assert_eq!(report.drift, 7);
}

#[test]
fn swapped_rooms_are_swapped_back() {
    let (before, rows, report) = after(|_, rows| {
        rows.chats[0].surface_ref = "!c2".into();
        rows.chats[1].surface_ref = "!c1".into();
    });
    assert_eq!(before, rows);
    assert_eq!(figures(&report), [0, 0, 0, 0, 0, 2]);
}

#[test]
fn a_row_under_a_wrong_key_is_moved_which_is_one_repair() {
    let (before, rows, report) = after(|_, rows| rows.chats[0].user_id = MALLORY.into());
    assert_eq!(before, rows);
    assert_eq!(figures(&report), [0, 0, 0, 0, 0, 1]);
    assert_eq!(report.drift, 2, "one row dropped, one put");
}

#[test]
fn a_second_row_of_the_same_room_is_dropped() {
    let (before, rows, report) = after(|_, rows| {
        let copy = ChatRow {
            chat_id: "C7".into(),
            ..rows.chats[0].clone()
        };
        rows.chats.push(copy);
    });
    assert_eq!(before, rows, "and C7 is not a number that counts");
    assert_eq!(figures(&report), [0, 0, 0, 0, 0, 1]);
}

#[test]
fn a_room_left_by_the_bot_keeps_its_rows_as_gone() {
    let (before, rows, report) = after(|world, _| world.leave("!c2"));
    assert_eq!(report.gone_rooms, 1);
    assert_eq!(figures(&report), [0; 6]);
    assert!(room_row(&rows, "!c2").gone);
    assert_eq!(chat_row(&rows, ALICE, "C2").status, "gone");
    assert_eq!(rows.users, before.users, "its number stays taken");
    assert_eq!(rows.chats.len(), 3);
}

#[test]
fn a_room_that_comes_back_gets_its_status_back() {
    let mut world = World::of_alice();
    let mut recorded = world.recovered().0;
    let before = recorded.rows.clone();
    let state = world.snapshot.rooms.remove(&room("!c2")).unwrap();
    world.settle(&mut recorded);
    world.snapshot.rooms.insert(room("!c2"), state);
    let report = world.settle(&mut recorded);
    assert_eq!(recorded.rows, before);
    assert_eq!(figures(&report), [0, 0, 0, 0, 1, 1]);
}

#[test]
fn a_space_left_by_the_bot_is_gone_and_its_user_is_not() {
    let (before, rows, report) = after(|world, _| world.leave("!space"));
    assert!(room_row(&rows, "!space").gone);
    assert_eq!(rows.users, before.users);
    assert_eq!(rows.chats, before.chats);
    assert_eq!(report.gone_rooms, 1);
}

#[test]
fn a_row_that_binds_a_room_of_someone_else_is_dropped() {
    let (before, rows, report) = after(|world, rows| {
        world.made_by(MALLORY, "!theirs", json!({}));
        rows.rooms.push(RoomRow {
            room_id: "!theirs".into(),
            ..rows.rooms[0].clone()
        });
        rows.chats.push(ChatRow {
            chat_id: "C9".into(),
            surface_ref: "!theirs".into(),
            ..rows.chats[0].clone()
        });
    });
    assert_eq!(rows.rooms, before.rooms);
    assert_eq!(
        chat_row(&rows, ALICE, "C9").status,
        "gone",
        "a number once given stays given"
    );
    assert_eq!(figures(&report), [0, 0, 0, 1, 1, 1]);
}

#[test]
fn an_entry_room_known_by_its_row_alone_is_kept() {
    let mut world = World::default();
    world.made_by(BOB, "!entry", json!({}));
    let entry = RoomRow {
        room_id: "!entry".into(),
        room_type: "entry".into(),
        matrix_user_id: BOB.into(),
        ..RoomRow::default()
    };
    let mut recorded = Recorded::default();
    recorded.rows.rooms.push(entry.clone());
    world.settle(&mut recorded);
    assert_eq!(recorded.rows.rooms, [entry]);
    world.leave("!entry");
    let report = world.settle(&mut recorded);
    assert!(room_row(&recorded.rows, "!entry").gone);
    assert_eq!(report.gone_rooms, 1);
    world.made_by(BOB, "!entry", json!({}));
    world.settle(&mut recorded);
    assert!(!room_row(&recorded.rows, "!entry").gone);
}

#[test]
fn the_row_of_an_incomplete_room_is_neither_repaired_nor_gone() {
    let (_, rows, report) = after(|world, rows| {
        world.snapshot.incomplete.insert(room("!c2"));
        rows.rooms[1].display_name = "Other".into();
        rows.chats[1].status = "archived".into();
    });
    assert_eq!(room_row(&rows, "!c2").display_name, "Other");
    assert_eq!(chat_row(&rows, ALICE, "C2").status, "archived");
    assert_eq!(report.drift, 0);
}

#[test]
fn a_renamed_room_renames_its_rows() {
    let (_, rows, report) = after(|world, _| world.name("!c2", "Holidays"));
    assert_eq!(room_row(&rows, "!c2").display_name, "Holidays");
    assert_eq!(chat_row(&rows, ALICE, "C2").name, "Holidays");
    assert_eq!(figures(&report), [0, 0, 0, 0, 1, 1]);
    assert!(has_room_row(&rows, "!c2"));
}
