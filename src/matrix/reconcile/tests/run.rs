//! Whole runs, with the second look at what does not add up.

use super::{
    fakes::{MemoryRows, Server, forbidden},
    fixtures::{
        ALICE, BOT, World, chat_marker, chat_row, conflicts, context, defaults, has_room_row, room,
        skips, user, via,
    },
};
use crate::matrix::{
    client::MatrixError,
    marker::CHAT_MARKER,
    reconcile::{
        Mode, Outcome, ReconcileError,
        observe::observe,
        report::{ConflictKind, SkipReason},
        run,
    },
    state::Snapshot,
};

async fn reconcile(
    server: &Server,
    rows: &MemoryRows,
    snapshot: &Snapshot,
    mode: Mode,
) -> Result<Outcome, ReconcileError> {
    let observed = observe(snapshot, &user(BOT));
    run(server, rows, observed, &defaults(), &mode).await
}

async fn full(server: &Server, rows: &MemoryRows, snapshot: &Snapshot) -> Outcome {
    reconcile(server, rows, snapshot, Mode::Full).await.unwrap()
}

/// The snapshot as the caller keeps it after a run.
fn kept(snapshot: &Snapshot, outcome: &Outcome) -> Snapshot {
    let mut kept = snapshot.clone();
    kept.rooms.extend(outcome.refreshed.clone());
    for (room, event) in &outcome.written {
        kept.rooms.get_mut(room).unwrap().insert(event.clone());
    }
    kept
}

#[tokio::test]
async fn a_healthy_graph_costs_no_request_and_one_transaction() {
    let world = World::of_alice();
    let (server, rows) = (Server::with(&world.snapshot), MemoryRows::default());
    let outcome = full(&server, &rows, &world.snapshot).await;
    assert!(server.asked().is_empty() && server.written().is_empty());
    assert_eq!(*rows.transactions.lock().unwrap(), 1);
    assert_eq!(outcome.report.mode, "full");
    assert_eq!(outcome.report.restored_chat_rows, 3);
    let again = full(&server, &rows, &world.snapshot).await;
    assert_eq!(
        *rows.transactions.lock().unwrap(),
        1,
        "nothing to do, nothing done"
    );
    assert_eq!(again.report.drift, 0);
}

#[tokio::test]
async fn a_link_that_only_the_snapshot_lacks_is_not_written() {
    let world = World::of_alice();
    let server = Server::with(&world.snapshot);
    let mut short = world.clone();
    short.remove("!space", "m.space.child", "!c2");
    let rows = MemoryRows::default();
    let outcome = full(&server, &rows, &short.snapshot).await;
    assert_eq!(server.asked(), ["!space"]);
    assert!(server.written().is_empty());
    assert_eq!(outcome.report.repaired_space_links, 0);
    assert_eq!(kept(&short.snapshot, &outcome), world.snapshot);
}

#[tokio::test]
async fn a_marker_that_only_the_snapshot_lacks_is_not_overwritten() {
    let world = World::of_alice();
    let server = Server::with(&world.snapshot);
    let mut short = world.clone();
    short.remove("!c2", CHAT_MARKER, "");
    let rows = MemoryRows::default();
    let outcome = full(&server, &rows, &short.snapshot).await;
    assert_eq!(server.asked(), ["!c2"]);
    assert_eq!(outcome.report.stamped_markers, 0);
    assert_eq!(rows.recorded_now().rows, world.rows());
}

#[tokio::test]
async fn a_room_without_creation_or_own_membership_is_looked_at_again() {
    let world = World::of_alice();
    let server = Server::with(&world.snapshot);
    let mut short = world.clone();
    short.remove("!c1", "m.room.create", "");
    short.remove("!c3", "m.room.member", BOT);
    let rows = MemoryRows::default();
    full(&server, &rows, &short.snapshot).await;
    assert_eq!(server.asked(), ["!c1", "!c3"]);
    assert_eq!(rows.recorded_now().rows, world.rows());
}

#[tokio::test]
async fn a_space_that_links_a_room_without_the_bot_is_looked_at_once() {
    let mut world = World::of_alice();
    world.put("!space", "m.space.child", "!left", BOT, via());
    let (server, rows) = (Server::with(&world.snapshot), MemoryRows::default());
    let outcome = full(&server, &rows, &world.snapshot).await;
    assert_eq!(server.asked(), ["!space"]);
    assert_eq!(
        outcome.report.repaired_space_links, 0,
        "the link stays: the room may come back"
    );
}

#[tokio::test]
async fn a_room_whose_state_the_server_refuses_is_left_alone() {
    let mut world = World::of_alice();
    world.remove("!c2", CHAT_MARKER, "");
    let server = Server::with(&world.snapshot).failing("!c2", "state", forbidden);
    let rows = MemoryRows::default();
    let outcome = full(&server, &rows, &world.snapshot).await;
    assert_eq!(
        skips(&outcome.report),
        [("!c2", SkipReason::StateIncomplete)]
    );
    assert!(server.written().is_empty());
    assert!(!has_room_row(&rows.recorded_now().rows, "!c2"));
}

#[tokio::test]
async fn a_server_that_does_not_answer_ends_the_run_before_anything_is_written() {
    let world = World::legacy();
    let down = || MatrixError::Unanswered("timeout".into());
    let server = Server::with(&world.snapshot).failing("!c2", "state", down);
    let rows = MemoryRows::default();
    let error = reconcile(&server, &rows, &world.snapshot, Mode::Full).await;
    assert!(matches!(error, Err(ReconcileError::Matrix(_))));
    assert!(server.written().is_empty());
    assert_eq!(*rows.transactions.lock().unwrap(), 0);
}

#[tokio::test]
async fn a_run_cut_off_while_it_writes_is_finished_by_the_next() {
    let world = World::legacy();
    let expected = world.rows();
    let ending = || MatrixError::ShuttingDown;
    let mut server = Server::with(&world.snapshot).failing("!c2", CHAT_MARKER, ending);
    let rows = MemoryRows::default();
    let error = reconcile(&server, &rows, &world.snapshot, Mode::Full).await;
    assert!(matches!(
        error,
        Err(ReconcileError::Matrix(MatrixError::ShuttingDown))
    ));
    assert_eq!(
        *rows.transactions.lock().unwrap(),
        0,
        "rows come after the server"
    );
    server.failures.clear();
    full(&server, &rows, &world.snapshot).await;
    assert_eq!(rows.recorded_now().rows, expected);
}

#[tokio::test]
async fn a_refused_write_is_a_conflict_and_stops_nothing() {
    let world = World::legacy();
    let server = Server::with(&world.snapshot).failing("!c2", CHAT_MARKER, forbidden);
    let rows = MemoryRows::default();
    let outcome = full(&server, &rows, &world.snapshot).await;
    assert_eq!(
        conflicts(&outcome.report),
        [(ConflictKind::WriteRefused, "!c2")]
    );
    assert_eq!(server.written().len(), 3);
    assert_eq!(
        chat_row(&rows.recorded_now().rows, ALICE, "C2").surface_ref,
        "!c2"
    );
}

#[tokio::test]
async fn a_second_run_is_empty_with_the_events_kept_and_without() {
    let world = World::legacy();
    let (server, rows) = (Server::with(&world.snapshot), MemoryRows::default());
    let outcome = full(&server, &rows, &world.snapshot).await;
    assert_eq!(outcome.written.len(), 4);
    let with = full(&server, &rows, &kept(&world.snapshot, &outcome)).await;
    assert_eq!(with.report.drift, 0);
    assert!(with.report.conflicts.is_empty());
    let without = full(&server, &rows, &world.snapshot).await;
    assert_eq!(
        without.report.drift, 0,
        "the second look finds what was written"
    );
    assert_eq!(server.written().len(), 4);
}

#[tokio::test]
async fn a_check_reports_what_a_run_would_do_and_writes_nothing() {
    let world = World::legacy();
    let (server, rows) = (Server::with(&world.snapshot), MemoryRows::default());
    let mut check = reconcile(&server, &rows, &world.snapshot, Mode::Check)
        .await
        .unwrap();
    assert!(server.written().is_empty() && check.written.is_empty());
    assert_eq!(*rows.transactions.lock().unwrap(), 0);
    let outcome = full(&server, &rows, &world.snapshot).await;
    assert_eq!(check.report.mode, "check");
    assert!(check.report.drift > 0);
    check.report.mode = "full";
    check.report.duration_ms = outcome.report.duration_ms;
    assert_eq!(check.report, outcome.report);
}

#[tokio::test]
async fn a_single_room_is_reconciled_by_the_same_path() {
    let world = World::of_alice();
    let (server, rows) = (Server::with(&world.snapshot), MemoryRows::default());
    full(&server, &rows, &world.snapshot).await;
    let right = rows.recorded_now();
    rows.recorded.lock().unwrap().rows.rooms.remove(0);
    let mode = Mode::Single(room("!c1"));
    let outcome = reconcile(&server, &rows, &world.snapshot, mode)
        .await
        .unwrap();
    assert_eq!(outcome.report.mode, "single");
    assert_eq!(outcome.report.restored_room_meta, 1);
    assert_eq!(rows.recorded_now(), right);
}

#[tokio::test]
async fn a_joined_room_that_was_not_observed_is_not_gone() {
    let world = World::of_alice();
    let (server, rows) = (Server::with(&world.snapshot), MemoryRows::default());
    full(&server, &rows, &world.snapshot).await;
    let right = rows.recorded_now();
    let mut behind = world.clone();
    behind.leave("!c3");
    for mode in [Mode::Single(room("!c1")), Mode::Full, Mode::Check] {
        let outcome = reconcile(&server, &rows, &behind.snapshot, mode).await;
        let report = outcome.unwrap().report;
        assert_eq!(report.gone_rooms, 0);
        assert_eq!(skips(&report), [("!c3", SkipReason::StateIncomplete)]);
        assert_eq!(rows.recorded_now(), right);
    }
    server.truth.lock().unwrap().remove(&room("!c3"));
    let outcome = full(&server, &rows, &behind.snapshot).await;
    assert_eq!(outcome.report.gone_rooms, 1, "the server says so");
}

#[tokio::test]
async fn a_single_run_does_not_undo_a_command_whose_echo_is_still_to_come() {
    let mut world = World::of_alice();
    let behind = world.clone();
    let mut marker = chat_marker(ALICE, "!space", 2);
    marker.generation = 1;
    marker.platform_chat_id = context(200);
    world.mark("!c2", &marker);
    let (server, rows) = (Server::with(&world.snapshot), MemoryRows::default());
    full(&server, &rows, &world.snapshot).await;
    let right = rows.recorded_now();
    let mode = Mode::Single(room("!c1"));
    let outcome = reconcile(&server, &rows, &behind.snapshot, mode)
        .await
        .unwrap();
    assert_eq!(server.asked(), ["!c2"]);
    assert_eq!(outcome.report.drift, 0);
    assert_eq!(rows.recorded_now(), right);
}

#[tokio::test]
async fn an_older_marker_that_a_sync_told_last_does_not_bring_a_context_back() {
    let mut world = World::of_alice();
    let stale = world.clone();
    let mut marker = chat_marker(ALICE, "!space", 2);
    marker.generation = 1;
    marker.platform_chat_id = context(200);
    world.mark("!c2", &marker);
    let (server, rows) = (Server::with(&world.snapshot), MemoryRows::default());
    full(&server, &rows, &world.snapshot).await;
    let right = rows.recorded_now();
    for mode in [Mode::Check, Mode::Full] {
        let outcome = reconcile(&server, &rows, &stale.snapshot, mode)
            .await
            .unwrap();
        assert_eq!(outcome.report.drift, 0);
        assert_eq!(kept(&stale.snapshot, &outcome), world.snapshot);
    }
    assert_eq!(server.asked(), ["!c2", "!c2"]);
    assert_eq!(rows.recorded_now(), right);
}

#[tokio::test]
async fn what_only_a_sync_tells_survives_the_second_look() {
    let mut world = World::default();
    world.made_by(ALICE, "!entry", serde_json::json!({}));
    world.state("!entry").entry_of = Some(user(ALICE));
    world.made_by(ALICE, "!other", serde_json::json!({}));
    let mut member = world
        .state("!other")
        .get("m.room.member", BOT)
        .unwrap()
        .clone();
    member.invited_by = Some(user(ALICE));
    world.state("!other").insert(member);
    let server = Server::with(&world.snapshot);
    let mut short = world.clone();
    short.remove("!entry", "m.room.create", "");
    short.remove("!other", "m.room.create", "");
    let rows = MemoryRows::default();
    let outcome = full(&server, &rows, &short.snapshot).await;
    assert_eq!(outcome.refreshed.len(), 2);
    assert_eq!(
        rows.recorded_now().rows.rooms.len(),
        2,
        "both are entry rooms"
    );
}

#[tokio::test]
async fn a_store_that_fails_ends_the_run() {
    let world = World::of_alice();
    let server = Server::with(&world.snapshot);
    let rows = MemoryRows {
        is_broken: true,
        ..MemoryRows::default()
    };
    let error = reconcile(&server, &rows, &world.snapshot, Mode::Full).await;
    assert!(matches!(error, Err(ReconcileError::Store(_))));
}
