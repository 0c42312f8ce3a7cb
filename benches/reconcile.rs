//! Reconcile of 10,000 rooms of 1,000 users, from an empty database and from a complete one.
//!
//! The snapshot is read, planned and applied to a row store in memory; no request is needed, as the graph is healthy.
//! A run drops the snapshot it was given; what that costs is measured apart, and so are its pure steps.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on may stop")]

use std::{
    collections::{BTreeMap, BTreeSet},
    hint::black_box,
    sync::Mutex,
    time::SystemTime,
};

use async_trait::async_trait;
use criterion::{
    BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::{Value, json};
use surfaces_bot::{
    core::{chat::Locale, ids::AgentId},
    matrix::{
        batch::TimelineItem,
        client::{MatrixClient, MatrixError, NewRoom},
        reconcile::{
            self, Defaults, Mode, Outcome, Recorded, RowChanges, RowStore, RowStoreError,
            observe::observe, plan::plan,
        },
        state::{RoomState, Snapshot, StateEvent},
        store::{
            Store,
            rows::{ChatRow, RoomRow, Rows, UserRow},
        },
    },
};

const USERS: usize = 1_000;
const CHATS_EACH: usize = 9;
const BOT: &str = "@bot:example.org";

type Answer<T> = Result<T, MatrixError>;

/// A server that is asked which rooms are joined, and nothing else.
struct SilentServer(OwnedUserId);

#[async_trait]
impl MatrixClient for SilentServer {
    fn user_id(&self) -> &UserId {
        &self.0
    }
    async fn joined_rooms(&self) -> Answer<BTreeSet<OwnedRoomId>> {
        Ok(BTreeSet::new())
    }
    async fn room_state(&self, _: &RoomId) -> Answer<Vec<StateEvent>> {
        unreachable!()
    }
    async fn joined_members(&self, _: &RoomId) -> Answer<BTreeSet<OwnedUserId>> {
        unreachable!()
    }
    async fn display_name(&self, _: &UserId) -> Answer<Option<String>> {
        unreachable!()
    }
    async fn decrypt(&self, _: &RoomId, _: &TimelineItem) -> Answer<Option<TimelineItem>> {
        unreachable!()
    }
    async fn default_room_version(&self) -> Answer<String> {
        unreachable!()
    }
    async fn create_room(&self, _: &NewRoom) -> Answer<OwnedRoomId> {
        unreachable!()
    }
    async fn put_state(&self, _: &RoomId, _: &str, _: &str, _: &Value) -> Answer<()> {
        unreachable!()
    }
    async fn put_room_account_data(&self, _: &RoomId, _: &str, _: &Value) -> Answer<()> {
        unreachable!()
    }
    async fn invite(&self, _: &RoomId, _: &UserId) -> Answer<()> {
        unreachable!()
    }
    async fn join(&self, _: &RoomId) -> Answer<()> {
        unreachable!()
    }
    async fn leave(&self, _: &RoomId) -> Answer<()> {
        unreachable!()
    }
    async fn forget(&self, _: &RoomId) -> Answer<()> {
        unreachable!()
    }
    async fn send_message(&self, _: &RoomId, _: &str, _: &Value) -> Answer<OwnedEventId> {
        unreachable!()
    }
    async fn set_read_marker(&self, _: &RoomId, _: &EventId) -> Answer<()> {
        unreachable!()
    }
    async fn set_typing(&self, _: &RoomId, _: bool) -> Answer<()> {
        unreachable!()
    }
    async fn event(&self, _: &RoomId, _: &EventId) -> Answer<Option<TimelineItem>> {
        unreachable!()
    }
    async fn messages_before(
        &self,
        _: &RoomId,
        _: Option<&str>,
    ) -> Answer<(Vec<TimelineItem>, Option<String>)> {
        unreachable!()
    }
}

/// Rows in maps by primary key.
#[derive(Clone, Default)]
struct Tables {
    users: BTreeMap<String, UserRow>,
    rooms: BTreeMap<String, RoomRow>,
    chats: BTreeMap<(String, String), ChatRow>,
}

#[derive(Default)]
struct MemoryRows(Mutex<Tables>);

#[async_trait]
impl RowStore for MemoryRows {
    async fn recorded(&self) -> Result<Recorded, RowStoreError> {
        let tables = self.0.lock().unwrap();
        let mut recorded = Recorded::default();
        recorded.rows.users = tables.users.values().cloned().collect();
        recorded.rows.rooms = tables.rooms.values().cloned().collect();
        recorded.rows.chats = tables.chats.values().cloned().collect();
        Ok(recorded)
    }

    async fn apply_rows(
        &self,
        changes: &RowChanges,
        _recorded: &Rows,
    ) -> Result<bool, RowStoreError> {
        let mut tables = self.0.lock().unwrap();
        for row in &changes.put_users {
            tables.users.insert(row.user_id.clone(), row.clone());
        }
        for row in &changes.put_rooms {
            tables.rooms.insert(row.room_id.clone(), row.clone());
        }
        for row in &changes.put_chats {
            let key = (row.user_id.clone(), row.chat_id.clone());
            tables.chats.insert(key, row.clone());
        }
        Ok(true)
    }
}

fn put(state: &mut RoomState, at: usize, kind: &str, key: &str, sender: &str, content: Value) {
    state.insert(StateEvent {
        event_type: kind.to_owned(),
        state_key: key.to_owned(),
        sender: UserId::parse(sender).unwrap(),
        origin_server_ts: u64::try_from(at).unwrap(),
        content,
        invited_by: None,
    });
}

/// What the bot's rooms hold after `createRoom`, without the events of the room's own kind.
fn room(at: usize, owner: &str, create: Value, name: &str) -> RoomState {
    let mut state = RoomState::default();
    put(&mut state, at, "m.room.create", "", BOT, create);
    put(
        &mut state,
        at,
        "m.room.member",
        BOT,
        BOT,
        json!({ "membership": "join" }),
    );
    let joined = json!({ "membership": "join", "displayname": "A user" });
    put(&mut state, at, "m.room.member", owner, owner, joined);
    put(
        &mut state,
        at,
        "m.room.name",
        "",
        BOT,
        json!({ "name": name }),
    );
    let levels = json!({ "users": { BOT: 100 }, "events": { "m.room.name": 50 }, "invite": 50 });
    put(&mut state, at, "m.room.power_levels", "", BOT, levels);
    let rule = json!({ "join_rule": "restricted", "allow": [{ "type": "m.room_membership" }] });
    put(&mut state, at, "m.room.join_rules", "", BOT, rule);
    state
}

fn snapshot() -> Snapshot {
    let mut snapshot = Snapshot::default();
    let via = json!({ "via": ["example.org"] });
    for user in 0..USERS {
        let owner = format!("@user{user}:example.org");
        let space = format!("!space{user:05}:example.org");
        let facts = |kind: &str, at: usize| {
            let intent = format!("00000000-0000-4000-8000-{at:012}");
            json!({ "version": 1, "kind": kind, "owner": owner, "intent": intent })
        };
        let at = user * 10;
        let create = json!({ "type": "m.space", "io.lambda.surfaces": facts("space", at) });
        let mut space_state = room(at, &owner, create, &format!("Lambda — User {user}"));
        let marker = json!({ "version": 1, "owner": owner });
        put(
            &mut space_state,
            at,
            "io.lambda.surfaces.space",
            "",
            BOT,
            marker,
        );
        for chat in 1..=CHATS_EACH {
            let at = at + chat;
            let id = format!("!chat{user:05}x{chat}:example.org");
            let create = json!({ "io.lambda.surfaces": facts("chat", at) });
            let mut state = room(at, &owner, create, &format!("Chat {chat}"));
            let marker = json!({
                "version": 1, "owner": owner, "chat_id": format!("C{chat}"), "space_id": space,
                "agent_id": "assistant", "platform_chat_id": format!("10000000-0000-4000-8000-{at:012}"),
                "generation": 0, "archived": false,
            });
            put(&mut state, at, "io.lambda.surfaces.chat", "", BOT, marker);
            put(&mut state, at, "m.space.parent", &space, BOT, via.clone());
            put(&mut space_state, at, "m.space.child", &id, BOT, via.clone());
            snapshot.rooms.insert(RoomId::parse(&id).unwrap(), state);
        }
        snapshot
            .rooms
            .insert(RoomId::parse(&space).unwrap(), space_state);
    }
    snapshot
}

fn defaults() -> Defaults {
    Defaults {
        agent_id: AgentId::new("assistant"),
        brand: "Lambda".to_owned(),
        server_name: "example.org".to_owned(),
        locale: Locale::En,
    }
}

fn reconcile(
    runtime: &tokio::runtime::Runtime,
    rows: &dyn RowStore,
    snapshot: Snapshot,
) -> Outcome {
    let server = SilentServer(UserId::parse(BOT).unwrap());
    let defaults = defaults();
    let observed = observe(&snapshot, &server.0);
    drop(snapshot);
    let run = reconcile::run(&server, rows, observed, &defaults, &Mode::Full);
    runtime.block_on(run).unwrap()
}

fn ten_thousand_rooms(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let snapshot = snapshot();
    assert_eq!(snapshot.rooms.len(), 10_000);
    let complete = MemoryRows::default();
    let first = reconcile(&runtime, &complete, snapshot.clone());
    assert_eq!(first.report.drift, 20_000);
    let mut group = criterion.benchmark_group("reconcile 10,000 rooms of 1,000 users");
    group.sample_size(20);
    group.bench_function("from an empty database", |bencher| {
        bencher.iter_batched(
            || (MemoryRows::default(), snapshot.clone()),
            |(rows, snapshot)| black_box(reconcile(&runtime, &rows, snapshot)),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("from a complete database", |bencher| {
        bencher.iter_batched(
            || snapshot.clone(),
            |snapshot| {
                let outcome = reconcile(&runtime, &complete, snapshot);
                assert_eq!(outcome.report.drift, 0);
                outcome
            },
            BatchSize::PerIteration,
        );
    });
    in_sqlite(&mut group, &runtime, &snapshot);
    let bot = UserId::parse(BOT).unwrap();
    let observed = observe(&snapshot, &bot);
    let recorded = runtime.block_on(complete.recorded()).unwrap();
    group.bench_function("observing alone", |bencher| {
        bencher.iter_with_large_drop(|| observe(&snapshot, &bot));
    });
    group.bench_function("planning alone, from an empty database", |bencher| {
        let recorded = Recorded::default();
        bencher.iter_with_large_drop(|| plan(&observed, &recorded, &defaults()));
    });
    group.bench_function("planning alone, from a complete database", |bencher| {
        bencher.iter_with_large_drop(|| plan(&observed, &recorded, &defaults()));
    });
    group.bench_function("dropping the snapshot alone", |bencher| {
        bencher.iter_batched(|| snapshot.clone(), drop, BatchSize::PerIteration);
    });
    group.finish();
}

/// The same, with the rows read from and written to a database file.
fn in_sqlite(
    group: &mut BenchmarkGroup<'_, WallTime>,
    runtime: &tokio::runtime::Runtime,
    snapshot: &Snapshot,
) {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: String| {
        Store::open(&folder.path().join(name), SystemTime::UNIX_EPOCH)
            .unwrap()
            .store
    };
    let mut number = 0;
    group.bench_function("from an empty database file", |bencher| {
        bencher.iter_batched(
            || {
                number += 1;
                (open(format!("{number}.db")), snapshot.clone())
            },
            |(store, snapshot)| reconcile(runtime, &store, snapshot),
            BatchSize::PerIteration,
        );
    });
    let complete = open("complete.db".to_owned());
    reconcile(runtime, &complete, snapshot.clone());
    group.bench_function("from a complete database file", |bencher| {
        bencher.iter_batched(
            || snapshot.clone(),
            |snapshot| reconcile(runtime, &complete, snapshot),
            BatchSize::PerIteration,
        );
    });
}

criterion_group!(benches, ten_thousand_rooms);
criterion_main!(benches);
