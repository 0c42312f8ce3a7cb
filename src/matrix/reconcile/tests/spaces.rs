//! Whose a Space is.

use serde_json::json;

use super::fixtures::{
    ALICE, BOB, BOT, MALLORY, World, conflicts, has_room_row, room_row, skips, user, user_row,
};
use crate::matrix::{
    marker::{self, SPACE_MARKER, SpaceMarker},
    reconcile::{
        plan::Recorded,
        report::{ConflictKind, SkipReason},
    },
    store::rows::{RoomRow, Rows, UserRow},
};

fn unmarked() -> World {
    let mut world = World::default();
    world.made_by(BOT, "!space", json!({ "type": "m.space" }));
    world
}

fn owner(world: &mut World, rows: Rows) -> String {
    let mut recorded = Recorded {
        rows,
        ..Recorded::default()
    };
    world.settle(&mut recorded);
    room_row(&recorded.rows, "!space").matrix_user_id.clone()
}

fn marker_of(owner: &str) -> SpaceMarker {
    SpaceMarker {
        version: marker::VERSION,
        owner: user(owner),
        locale: Some("ru".into()),
        default_agent: Some("coder".into()),
        streaming: Some(false),
    }
}

#[test]
fn the_creation_content_wins_over_the_marker() {
    let mut world = World::default();
    world.space("!space", ALICE);
    world.mark_space("!space", &marker_of(BOB));
    let (recorded, report) = world.recovered();
    assert_eq!(
        conflicts(&report),
        [(ConflictKind::OwnerMismatch, "!space")]
    );
    let row = user_row(&recorded.rows, ALICE);
    assert_eq!(row.locale.as_deref(), Some("ru"), "the settings are kept");
    assert_eq!(recorded.rows.users.len(), 1);
    assert_eq!(report.stamped_markers, 1);
}

#[test]
fn the_marker_wins_over_chats_rows_and_members() {
    let mut world = unmarked();
    world.mark_space("!space", &marker_of(ALICE));
    world.join("!space", BOB);
    let rows = Rows {
        users: vec![UserRow {
            user_id: MALLORY.into(),
            space_id: Some("!space".into()),
            ..UserRow::default()
        }],
        ..Rows::default()
    };
    assert_eq!(owner(&mut world, rows), ALICE);
}

#[test]
fn chats_that_agree_tell_the_owner_of_an_unmarked_space() {
    let mut world = unmarked();
    world.join("!space", BOB);
    world.chat("!c1", "!space", ALICE, 1);
    world.chat("!c2", "!space", ALICE, 2);
    assert_eq!(owner(&mut world, Rows::default()), ALICE);
}

#[test]
fn chats_that_disagree_tell_nothing() {
    let mut world = unmarked();
    world.join("!space", BOB);
    world.chat("!c1", "!space", ALICE, 1);
    world.chat("!c2", "!space", MALLORY, 1);
    world.chat("!c3", "!space", ALICE, 3);
    assert_eq!(owner(&mut world, Rows::default()), BOB);
}

#[test]
fn a_row_tells_the_owner_where_the_server_does_not() {
    let space_row = RoomRow {
        room_id: "!space".into(),
        room_type: "space".into(),
        matrix_user_id: ALICE.into(),
        ..RoomRow::default()
    };
    let user_row = UserRow {
        user_id: ALICE.into(),
        space_id: Some("!space".into()),
        ..UserRow::default()
    };
    let tables = [
        Rows {
            rooms: vec![space_row],
            ..Rows::default()
        },
        Rows {
            users: vec![user_row],
            ..Rows::default()
        },
    ];
    for rows in tables {
        let mut world = unmarked();
        world.join("!space", ALICE);
        world.join("!space", BOB);
        assert_eq!(owner(&mut world, rows), ALICE);
    }
}

#[test]
fn the_only_other_account_that_was_ever_there_is_the_owner() {
    for membership in ["join", "leave", "ban", "invite"] {
        let mut world = unmarked();
        world.member("!space", ALICE, membership);
        assert_eq!(owner(&mut world, Rows::default()), ALICE, "{membership}");
    }
}

#[test]
fn a_guest_who_was_only_invited_does_not_make_the_owner_doubtful() {
    let mut world = unmarked();
    world.join("!space", ALICE);
    world.member("!space", BOB, "invite");
    assert_eq!(owner(&mut world, Rows::default()), ALICE);
}

#[test]
fn two_accounts_or_none_are_ambiguous_and_make_no_row() {
    let groups: [&[&str]; 2] = [&[], &[ALICE, BOB]];
    for accounts in groups {
        let mut world = World::legacy();
        world.remove("!space", "m.room.member", ALICE);
        for account in accounts {
            world.join("!space", account);
        }
        let (recorded, report) = world.recovered();
        assert_eq!(
            conflicts(&report),
            [(ConflictKind::OwnerAmbiguous, "!space")]
        );
        assert!(
            skips(&report)
                .iter()
                .all(|(_, reason)| *reason == SkipReason::OwnerAmbiguous)
        );
        assert_eq!(skips(&report).len(), 4, "the Space and its unmarked chats");
        assert_eq!(recorded.rows, Rows::default());
    }
}

#[test]
fn an_account_that_left_keeps_its_space() {
    let mut world = World::legacy();
    world.member("!space", ALICE, "leave");
    assert_eq!(
        user_row(&world.rows(), ALICE).space_id.as_deref(),
        Some("!space")
    );
}

#[test]
fn the_older_of_two_spaces_is_the_users_space() {
    let mut world = World::default();
    world.space("!z-old", ALICE);
    world.space("!a-new", ALICE);
    world.chat("!c1", "!a-new", ALICE, 1);
    world.chat("!c2", "!z-old", ALICE, 2);
    let (recorded, report) = world.recovered();
    assert_eq!(conflicts(&report), [(ConflictKind::SecondSpace, "!a-new")]);
    assert_eq!(
        user_row(&recorded.rows, ALICE).space_id.as_deref(),
        Some("!z-old")
    );
    assert_eq!(
        room_row(&recorded.rows, "!c1").space_id.as_deref(),
        Some("!a-new")
    );
    assert!(has_room_row(&recorded.rows, "!a-new"));
    assert_eq!(
        report.repaired_space_links, 0,
        "each chat stays where its marker says"
    );
}

#[test]
fn of_two_spaces_of_the_same_instant_the_smaller_id_is_the_older() {
    let mut world = World::default();
    world.space("!b", ALICE);
    world.space("!a", ALICE);
    for id in ["!a", "!b"] {
        let key = ("m.room.create".to_owned(), String::new());
        world
            .state(id)
            .events
            .get_mut(&key)
            .unwrap()
            .origin_server_ts = 7;
    }
    assert_eq!(
        user_row(&world.rows(), ALICE).space_id.as_deref(),
        Some("!a")
    );
}

#[test]
fn spaces_that_link_each_other_stay_spaces() {
    let mut world = World::of_alice();
    world.space("!other", BOB);
    world.link("!space", "!other");
    world.link("!other", "!space");
    world.link("!space", "!space");
    let (recorded, report) = world.recovered();
    assert_eq!(room_row(&recorded.rows, "!other").room_type, "space");
    assert_eq!(room_row(&recorded.rows, "!other").matrix_user_id, BOB);
    assert_eq!(report.repaired_space_links, 0);
}

#[test]
fn an_unmarked_space_is_stamped_with_the_settings_its_owners_row_remembers() {
    let mut world = unmarked();
    world.join("!space", ALICE);
    let row = UserRow {
        user_id: ALICE.into(),
        space_id: Some("!space".into()),
        locale: Some("ru".into()),
        default_agent: Some("coder".into()),
        streaming: Some(false),
        ..UserRow::default()
    };
    let mut recorded = Recorded::default();
    recorded.rows.users.push(row);
    world.settle(&mut recorded);
    let stamped = world.state("!space").get(SPACE_MARKER, "").unwrap().clone();
    assert_eq!(
        marker::read::<SpaceMarker>(&stamped.content),
        Some(marker_of(ALICE))
    );
}
