//! Rows of users.

use serde_json::json;

use super::fixtures::{ALICE, BOB, MALLORY, World, room, user, user_row};
use crate::matrix::{
    marker::SpaceMarker,
    reconcile::{plan::Recorded, report::Report},
    store::rows::{ChatRow, UserRow},
};

fn reconciled(world: &mut World, users: Vec<UserRow>) -> (Recorded, Report) {
    let mut recorded = Recorded::default();
    recorded.rows.users = users;
    let report = world.settle(&mut recorded);
    (recorded, report)
}

fn row(user: &str, space: Option<&str>) -> UserRow {
    UserRow {
        user_id: user.into(),
        space_id: space.map(str::to_owned),
        next_chat_index: 1,
        ..UserRow::default()
    }
}

#[test]
fn the_display_name_comes_from_the_spaces_name() {
    let cases = [
        ("Lambda — Алиса", "Алиса"),
        ("Lambda — a — b", "a — b"),
        ("Lambda — ", "In the Space"),
        ("My own name", "In the Space"),
    ];
    for (name, expected) in cases {
        let mut world = World::of_alice();
        world.name("!space", name);
        let content = json!({ "membership": "join", "displayname": "In the Space" });
        world.put("!space", "m.room.member", ALICE, ALICE, content);
        assert_eq!(user_row(&world.rows(), ALICE).display_name, expected);
    }
}

#[test]
fn an_owner_whom_nobody_names_is_called_by_the_user_id() {
    let mut world = World::of_alice();
    world.remove("!space", "m.room.name", "");
    world.remove("!space", "m.room.member", ALICE);
    assert_eq!(user_row(&world.rows(), ALICE).display_name, "alice");
}

#[test]
fn settings_come_from_the_marker_and_not_from_the_row() {
    let mut world = World::of_alice();
    world.mark_space(
        "!space",
        &SpaceMarker {
            version: 1,
            owner: user(ALICE),
            locale: Some("ru".into()),
            default_agent: None,
            streaming: Some(false),
        },
    );
    let wrong = UserRow {
        locale: Some("en".into()),
        default_agent: Some("coder".into()),
        ..row(ALICE, Some("!space"))
    };
    let (recorded, report) = reconciled(&mut world, vec![wrong]);
    let row = user_row(&recorded.rows, ALICE);
    assert_eq!(row.locale.as_deref(), Some("ru"));
    assert_eq!(row.default_agent, None);
    assert_eq!(row.streaming, Some(false));
    assert_eq!(report.repaired_user_meta, 1);
}

#[test]
fn the_next_number_is_counted_and_never_believed() {
    for stale in [0, 1, 77] {
        let mut world = World::of_alice();
        let wrong = UserRow {
            next_chat_index: stale,
            ..row(ALICE, Some("!space"))
        };
        let (recorded, _) = reconciled(&mut world, vec![wrong]);
        assert_eq!(user_row(&recorded.rows, ALICE).next_chat_index, 4);
    }
}

#[test]
fn a_gone_chat_counts_for_the_next_number() {
    let mut world = World::of_alice();
    let mut recorded = Recorded::default();
    recorded.rows.chats.push(ChatRow {
        user_id: ALICE.into(),
        chat_id: "C12".into(),
        surface_ref: "!long-gone".into(),
        name: String::new(),
        status: "gone".into(),
    });
    world.settle(&mut recorded);
    assert_eq!(user_row(&recorded.rows, ALICE).next_chat_index, 13);
}

#[test]
fn a_user_row_with_the_wrong_owner_is_moved() {
    let mut world = World::of_alice();
    let (recorded, report) = reconciled(&mut world, vec![row(MALLORY, Some("!space"))]);
    assert_eq!(recorded.rows.users.len(), 1);
    assert_eq!(recorded.rows.users[0].user_id, ALICE);
    assert_eq!(
        (report.restored_user_meta, report.repaired_user_meta),
        (0, 1)
    );
}

#[test]
fn a_second_user_row_of_the_same_space_is_dropped() {
    let mut world = World::of_alice();
    let mut recorded = world.recovered().0;
    recorded.rows.users.push(row(MALLORY, Some("!space")));
    let report = world.settle(&mut recorded);
    assert_eq!(recorded.rows.users.len(), 1);
    assert_eq!(report.repaired_user_meta, 1);
}

#[test]
fn two_users_whose_spaces_were_swapped_get_their_own_back() {
    let mut world = World::of_alice();
    world.space("!bobs", BOB);
    let mut recorded = world.recovered().0;
    let before = recorded.rows.clone();
    recorded.rows.users[0].space_id = Some("!bobs".into());
    recorded.rows.users[1].space_id = Some("!space".into());
    let report = world.settle(&mut recorded);
    assert_eq!(recorded.rows, before);
    assert_eq!(report.repaired_user_meta, 2);
}

#[test]
fn a_user_row_that_points_at_no_space_of_the_bots_loses_it() {
    let mut world = World::of_alice();
    world.made_by(MALLORY, "!theirs", json!({ "type": "m.space" }));
    for wrong in ["!theirs", "!c1"] {
        let (recorded, _) = reconciled(&mut world.clone(), vec![row(BOB, Some(wrong))]);
        assert_eq!(user_row(&recorded.rows, BOB).space_id, None, "{wrong}");
    }
}

#[test]
fn a_user_whose_space_the_bot_left_keeps_the_row() {
    let mut world = World::default();
    let kept = row(BOB, Some("!left"));
    let (recorded, report) = reconciled(&mut world, vec![kept.clone()]);
    assert_eq!(recorded.rows.users, [kept]);
    assert_eq!(report.drift, 0);
}

#[test]
fn the_row_of_a_user_whose_space_cannot_be_read_is_left_alone() {
    let mut world = World::of_alice();
    world.snapshot.incomplete.insert(room("!space"));
    let odd = UserRow {
        next_chat_index: 9,
        ..row(ALICE, Some("!space"))
    };
    let (recorded, _) = reconciled(&mut world, vec![odd.clone()]);
    assert_eq!(recorded.rows.users, [odd]);
}

#[test]
fn a_user_without_a_row_whose_space_cannot_be_read_gets_one_all_the_same() {
    let mut world = World::of_alice();
    world.snapshot.incomplete.insert(room("!space"));
    for users in [
        vec![],
        vec![row(ALICE, None)],
        vec![row(ALICE, Some("!left"))],
    ] {
        let (recorded, _) = reconciled(&mut world.clone(), users);
        let row = user_row(&recorded.rows, ALICE);
        assert_eq!(
            row.space_id.as_deref(),
            Some("!space"),
            "or a second Space would be made"
        );
        assert_eq!(row.next_chat_index, 4);
    }
}
