//! Graphs, rows and damage of any kind, for the properties to hold of.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use super::super::fixtures::{
    ALICE, BOB, BOT, MALLORY, World, chat_marker, context, event, room, user, via,
};
use crate::matrix::{
    marker::{self, CHAT_MARKER, CREATION_KEY, SPACE_MARKER},
    reconcile::plan::Recorded,
    state::{KEPT_TYPES, StateEvent},
    store::rows::{ChatRow, RoomRow, Rows, UserRow},
};

pub(super) const ROOMS: [&str; 7] = ["!a", "!b", "!c", "!d", "!e", "!f", "!g"];
pub(super) const USERS: [&str; 4] = [ALICE, BOB, MALLORY, BOT];
pub(super) const AUTHORED: [&str; 4] =
    [SPACE_MARKER, CHAT_MARKER, "m.space.child", "m.space.parent"];

pub(super) fn any_room() -> impl Strategy<Value = &'static str> {
    select(&ROOMS[..])
}

pub(super) fn any_user() -> impl Strategy<Value = &'static str> {
    select(&USERS[..])
}

pub(super) fn any_person() -> impl Strategy<Value = &'static str> {
    select(&USERS[..3])
}

/// Any JSON at all.
pub(super) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let key = select(
            &[
                "via",
                "version",
                "owner",
                "type",
                "name",
                "membership",
                CREATION_KEY,
            ][..],
        );
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((key, inner), 0..3).prop_map(|pairs| {
                let pairs = pairs
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value));
                Value::Object(pairs.collect())
            }),
        ]
    })
}

pub(super) fn any_chat_marker() -> impl Strategy<Value = Value> {
    let fields = (
        any_person(),
        any_room(),
        0..5_u32,
        0..5_u128,
        0..3_u32,
        any::<bool>(),
    );
    fields.prop_map(|(owner, space, number, id, generation, archived)| {
        let mut marker = chat_marker(owner, space, number);
        marker.platform_chat_id = context(id);
        marker.generation = generation;
        marker.archived = archived;
        marker::write(&marker)
    })
}

pub(super) fn any_creation() -> impl Strategy<Value = Value> {
    let kind = select(&["space", "chat"][..]);
    let facts = (kind, any_person(), 0..4_u128).prop_map(|(kind, owner, intent)| {
        json!({ CREATION_KEY: { "version": 1, "kind": kind, "owner": owner, "intent": context(intent) } })
    });
    let facts = facts.boxed();
    prop_oneof![
        3 => Just(json!({})),
        3 => Just(json!({ "type": "m.space" })),
        3 => facts.clone(),
        3 => facts.prop_map(|mut content| {
            content["type"] = json!("m.space");
            content
        }),
        1 => any_json(),
    ]
}

/// Content that fits the type, or none that anything fits.
pub(super) fn any_content(kind: &'static str) -> BoxedStrategy<Value> {
    let fitting = match kind {
        "m.room.create" => any_creation().boxed(),
        "m.room.member" => select(&["join", "invite", "leave", "ban"][..])
            .prop_map(|membership| json!({ "membership": membership, "displayname": "Someone" }))
            .boxed(),
        "m.room.name" => select(&["Чат 1", "Chat 2", "Lambda — Alice", "", "Work 77777"][..])
            .prop_map(|name| json!({ "name": name }))
            .boxed(),
        "m.space.child" | "m.space.parent" => select(vec![via(), via(), json!({})]).boxed(),
        CHAT_MARKER => any_chat_marker().boxed(),
        SPACE_MARKER => any_person()
            .prop_map(|owner| json!({ "version": 1, "owner": owner, "locale": "ru" }))
            .boxed(),
        _ => any_json().boxed(),
    };
    prop_oneof![9 => fitting, 1 => any_json()].boxed()
}

pub(super) fn any_key(kind: &'static str) -> BoxedStrategy<String> {
    match kind {
        "m.room.member" => any_user().prop_map(str::to_owned).boxed(),
        "m.space.child" | "m.space.parent" => {
            prop_oneof![9 => any_room().prop_map(str::to_owned), 1 => ".{0,3}"].boxed()
        }
        _ => Just(String::new()).boxed(),
    }
}

pub(super) fn any_event() -> impl Strategy<Value = (&'static str, StateEvent)> {
    let kind = select(&KEPT_TYPES[..]);
    let sender = prop_oneof![4 => Just(BOT), 1 => any_user()];
    let parts = kind.prop_flat_map(|kind| (Just(kind), any_key(kind), any_content(kind)));
    (
        any_room(),
        parts,
        sender,
        0..4_u64,
        proptest::option::of(any_person()),
    )
        .prop_map(|(id, (kind, key, content), sender, at, inviter)| {
            let mut event = event(kind, &key, sender, content);
            event.origin_server_ts = at;
            event.invited_by = inviter.map(user);
            (id, event)
        })
}

/// Rooms that mostly exist, with all kinds of state.
pub(super) fn any_events() -> impl Strategy<Value = Vec<(&'static str, StateEvent)>> {
    let create = (
        any_room(),
        any_creation(),
        prop_oneof![4 => Just(BOT), 1 => Just(MALLORY)],
        0..4_u64,
    )
        .prop_map(|(id, content, creator, at)| {
            let mut event = event("m.room.create", "", creator, content);
            event.origin_server_ts = at;
            (id, event)
        });
    (vec(create, 3..14), vec(any_event(), 0..40)).prop_map(|(mut creates, events)| {
        creates.extend(events);
        creates
    })
}

pub(super) fn world_of(events: &[(&'static str, StateEvent)]) -> World {
    let mut world = World::default();
    for (id, event) in events {
        world.state(id).insert(event.clone());
    }
    world
}

pub(super) fn any_world() -> impl Strategy<Value = World> {
    (any_events(), proptest::option::weighted(0.2, any_room())).prop_map(|(events, incomplete)| {
        let mut world = world_of(&events);
        world.snapshot.incomplete.extend(incomplete.map(room));
        world
    })
}

pub(super) fn any_context_text() -> impl Strategy<Value = Option<String>> {
    let text = prop_oneof![(0..5_u128).prop_map(|id| context(id).to_string()), ".{0,4}"];
    proptest::option::of(text)
}

pub(super) fn any_chat_id() -> impl Strategy<Value = String> {
    prop_oneof![9 => (0..6_u32).prop_map(|number| format!("C{number}")), 1 => ".{0,3}"]
}

pub(super) fn any_user_row() -> impl Strategy<Value = UserRow> {
    (any_person(), proptest::option::of(any_room()), 0..9_u32).prop_map(|(user, space, next)| {
        UserRow {
            user_id: user.into(),
            space_id: space.map(str::to_owned),
            next_chat_index: next,
            ..UserRow::default()
        }
    })
}

pub(super) fn any_room_row() -> impl Strategy<Value = RoomRow> {
    let kind = select(&["space", "chat", "chat", "entry", "?"][..]);
    let names = (
        any_room(),
        kind,
        any_person(),
        proptest::option::of(any_room()),
    );
    let ids = (
        proptest::option::of(any_chat_id()),
        any_context_text(),
        0..3_u32,
        any::<bool>(),
    );
    (names, ids).prop_map(
        |((id, kind, owner, space), (chat_id, context, generation, gone))| RoomRow {
            room_id: id.into(),
            room_type: kind.into(),
            chat_id,
            matrix_user_id: owner.into(),
            space_id: space.map(str::to_owned),
            platform_chat_id: context,
            generation,
            gone,
            ..RoomRow::default()
        },
    )
}

pub(super) fn any_chat_row() -> impl Strategy<Value = ChatRow> {
    let status = select(&["active", "archived", "gone"][..]);
    (any_person(), any_chat_id(), any_room(), status).prop_map(|(user, chat_id, id, status)| {
        ChatRow {
            user_id: user.into(),
            chat_id,
            surface_ref: id.into(),
            name: String::new(),
            status: status.into(),
        }
    })
}

pub(super) fn any_recorded() -> impl Strategy<Value = Recorded> {
    let tables = (
        vec(any_user_row(), 0..4),
        vec(any_room_row(), 0..9),
        vec(any_chat_row(), 0..9),
    );
    (tables, vec(0..4_u128, 0..2)).prop_map(|((mut users, mut rooms, mut chats), intents)| {
        users.sort_by(|a, b| a.user_id.cmp(&b.user_id));
        users.dedup_by(|a, b| a.user_id == b.user_id);
        rooms.sort_by(|a, b| a.room_id.cmp(&b.room_id));
        rooms.dedup_by(|a, b| a.room_id == b.room_id);
        let key = |row: &ChatRow| (row.user_id.clone(), row.chat_id.clone());
        chats.sort_by_key(key);
        chats.dedup_by_key(|row| key(row));
        Recorded {
            rows: Rows {
                users,
                rooms,
                chats,
            },
            pending_intents: intents.into_iter().map(context).collect(),
        }
    })
}

/// One thing that goes wrong with a row.
#[derive(Clone, Debug)]
pub(super) enum Damage {
    DropUser(usize),
    DropRoom(usize),
    DropChat(usize),
    User(usize, UserRow),
    Room(usize, RoomRow),
    ChatRoom(usize, &'static str),
    ChatKey(usize, &'static str, u32),
}

pub(super) fn any_damage() -> impl Strategy<Value = Damage> {
    let at = any::<usize>;
    prop_oneof![
        at().prop_map(Damage::DropUser),
        at().prop_map(Damage::DropRoom),
        at().prop_map(Damage::DropChat),
        (at(), any_user_row()).prop_map(|(at, row)| Damage::User(at, row)),
        (at(), any_room_row()).prop_map(|(at, row)| Damage::Room(at, row)),
        (at(), any_room()).prop_map(|(at, id)| Damage::ChatRoom(at, id)),
        (at(), any_person(), 50..60_u32)
            .prop_map(|(at, user, number)| Damage::ChatKey(at, user, number)),
    ]
}

pub(super) fn slot<T>(rows: &mut [T], at: usize) -> Option<&mut T> {
    let length = rows.len().max(1);
    rows.get_mut(at % length)
}

pub(super) fn drop_row<T>(rows: &mut Vec<T>, at: usize) {
    if !rows.is_empty() {
        rows.remove(at % rows.len());
    }
}

impl Damage {
    pub(super) fn done_to(self, rows: &mut Rows) {
        match self {
            Self::DropUser(at) => drop_row(&mut rows.users, at),
            Self::DropRoom(at) => drop_row(&mut rows.rooms, at),
            Self::DropChat(at) => drop_row(&mut rows.chats, at),
            Self::User(at, wrong) => {
                if let Some(row) = slot(&mut rows.users, at) {
                    let user_id = row.user_id.clone();
                    *row = UserRow { user_id, ..wrong };
                }
            }
            Self::Room(at, wrong) => {
                if let Some(row) = slot(&mut rows.rooms, at) {
                    let room_id = row.room_id.clone();
                    *row = RoomRow { room_id, ..wrong };
                }
            }
            Self::ChatRoom(at, id) => {
                // A row with a wrong key and a wrong room names nothing that could be repaired.
                if let Some(row) = slot(&mut rows.chats, at).filter(|row| row.chat_id.len() < 3) {
                    row.surface_ref = id.into();
                }
            }
            Self::ChatKey(at, user, number) => {
                let key = (user.to_owned(), format!("C{number}"));
                let is_free = rows
                    .chats
                    .iter()
                    .all(|row| (&row.user_id, &row.chat_id) != (&key.0, &key.1));
                let is_right = |row: &&mut ChatRow| {
                    let number = row.chat_id[1..].parse::<usize>().unwrap();
                    ROOMS.get(number + 1) == Some(&row.surface_ref.as_str())
                };
                if let Some(row) = slot(&mut rows.chats, at)
                    .filter(is_right)
                    .filter(|_| is_free)
                {
                    (row.user_id, row.chat_id) = key;
                }
            }
        }
    }
}

/// Two users, their Spaces `!a` and `!b`, and chats in the other rooms; all marked.
pub(super) fn healthy_world() -> impl Strategy<Value = World> {
    vec((any::<bool>(), any::<bool>(), 0..3_u32), 0..5).prop_map(|chats| {
        let mut world = World::default();
        world.space("!a", ALICE);
        world.space("!b", BOB);
        for (at, (is_alices, archived, generation)) in chats.into_iter().enumerate() {
            let (owner, space) = if is_alices {
                (ALICE, "!a")
            } else {
                (BOB, "!b")
            };
            let number = u32::try_from(at).unwrap() + 1;
            world.chat(ROOMS[at + 2], space, owner, number);
            let mut marker = chat_marker(owner, space, number);
            marker.generation = generation;
            marker.archived = archived;
            world.mark(ROOMS[at + 2], &marker);
        }
        world
    })
}
