//! Rooms as the bot, a predecessor or a stranger would have left them, built in a line each.

use std::str::FromStr;

use matrix_sdk::ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    core::{chat::Locale, ids::AgentId},
    matrix::{
        marker::{
            self, CHAT_MARKER, CREATION_KEY, ChatMarker, CreationFacts, RoomKind, SPACE_MARKER,
            SpaceMarker,
        },
        reconcile::{
            observe::observe,
            plan::{Defaults, Plan, Recorded, plan},
            report::{ConflictKind, Report, SkipReason},
        },
        state::{RoomState, Snapshot, StateEvent},
        store::rows::{ChatRow, RoomRow, Rows, UserRow},
    },
};

pub(super) const BOT: &str = "@bot:hs";
pub(super) const ALICE: &str = "@alice:hs";
pub(super) const BOB: &str = "@bob:hs";
pub(super) const MALLORY: &str = "@mallory:hs";

pub(super) fn user(id: &str) -> OwnedUserId {
    UserId::parse(id).unwrap()
}

pub(super) fn room(id: &str) -> OwnedRoomId {
    RoomId::parse(id).unwrap()
}

pub(super) fn context(number: u128) -> Uuid {
    Uuid::from_u128(0xc0_0000 + number)
}

pub(super) fn defaults() -> Defaults {
    Defaults {
        agent_id: AgentId::new("mock"),
        brand: "Lambda".to_owned(),
        server_name: "hs".to_owned(),
        locale: Locale::En,
    }
}

pub(super) fn event(kind: &str, key: &str, sender: &str, content: Value) -> StateEvent {
    StateEvent {
        event_type: kind.to_owned(),
        state_key: key.to_owned(),
        sender: user(sender),
        origin_server_ts: 0,
        content,
        invited_by: None,
    }
}

pub(super) fn via() -> Value {
    json!({ "via": ["hs"] })
}

pub(super) fn chat_marker(owner: &str, space: &str, number: u32) -> ChatMarker {
    ChatMarker {
        version: marker::VERSION,
        owner: user(owner),
        chat_id: format!("C{number}"),
        space_id: room(space),
        agent_id: "gpt".to_owned(),
        platform_chat_id: context(u128::from(number)),
        generation: 0,
        archived: false,
    }
}

/// The joined rooms. Every room made is a second younger than the one before.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub(super) snapshot: Snapshot,
    made: u64,
}

impl World {
    /// Alice with a Space `!space` and the chats `!c1` to `!c3`, all as the bot makes them.
    pub(super) fn of_alice() -> Self {
        let mut world = Self::default();
        world.space("!space", ALICE);
        for number in 1..=3 {
            world.chat(&format!("!c{number}"), "!space", ALICE, number);
        }
        world
    }

    /// The same layout as a predecessor made it: no markers, no facts.
    pub(super) fn legacy() -> Self {
        let mut world = Self::default();
        world.made_by(BOT, "!space", json!({ "type": "m.space" }));
        world.put(
            "!space",
            "m.room.name",
            "",
            BOT,
            json!({ "name": "Lambda — Alice" }),
        );
        world.join("!space", ALICE);
        for number in 1..=3 {
            let id = format!("!c{number}");
            world.made_by(BOT, &id, json!({}));
            world.name(&id, &format!("Чат {number}"));
            world.link("!space", &id);
        }
        world
    }

    pub(super) fn put(&mut self, id: &str, kind: &str, key: &str, sender: &str, content: Value) {
        self.state(id).insert(event(kind, key, sender, content));
    }

    pub(super) fn remove(&mut self, id: &str, kind: &str, key: &str) {
        self.state(id)
            .events
            .remove(&(kind.to_owned(), key.to_owned()));
    }

    pub(super) fn leave(&mut self, id: &str) {
        self.snapshot.rooms.remove(&room(id));
    }

    pub(super) fn state(&mut self, id: &str) -> &mut RoomState {
        self.snapshot.rooms.entry(room(id)).or_default()
    }

    /// An empty room with the bot in it.
    pub(super) fn made_by(&mut self, creator: &str, id: &str, content: Value) {
        self.made += 1000;
        let mut create = event("m.room.create", "", creator, content);
        create.origin_server_ts = self.made;
        self.state(id).insert(create);
        self.join(id, BOT);
    }

    pub(super) fn made_for(&mut self, owner: &str, id: &str, kind: RoomKind) {
        let facts = CreationFacts {
            version: marker::VERSION,
            kind,
            owner: user(owner),
            intent: context(u128::from(self.made)),
        };
        let mut content = json!({ CREATION_KEY: marker::write(&facts) });
        if kind == RoomKind::Space {
            content["type"] = json!("m.space");
        }
        self.made_by(BOT, id, content);
    }

    pub(super) fn join(&mut self, id: &str, member: &str) {
        self.member(id, member, "join");
    }

    pub(super) fn member(&mut self, id: &str, member: &str, membership: &str) {
        let content = json!({ "membership": membership });
        self.put(id, "m.room.member", member, member, content);
    }

    pub(super) fn name(&mut self, id: &str, name: &str) {
        self.put(id, "m.room.name", "", BOT, json!({ "name": name }));
    }

    pub(super) fn link(&mut self, space: &str, id: &str) {
        self.put(space, "m.space.child", id, BOT, via());
        self.put(id, "m.space.parent", space, BOT, via());
    }

    pub(super) fn mark(&mut self, id: &str, marker: &ChatMarker) {
        self.put(id, CHAT_MARKER, "", BOT, marker::write(marker));
    }

    pub(super) fn mark_space(&mut self, id: &str, marker: &SpaceMarker) {
        self.put(id, SPACE_MARKER, "", BOT, marker::write(marker));
    }

    pub(super) fn space(&mut self, id: &str, owner: &str) {
        self.made_for(owner, id, RoomKind::Space);
        let name = format!("Lambda — {}", user(owner).localpart());
        self.name(id, &name);
        self.join(id, owner);
        let marker = SpaceMarker {
            version: marker::VERSION,
            owner: user(owner),
            locale: None,
            default_agent: None,
            streaming: None,
        };
        self.mark_space(id, &marker);
    }

    pub(super) fn chat(&mut self, id: &str, space: &str, owner: &str, number: u32) {
        self.made_for(owner, id, RoomKind::Chat);
        self.name(id, &format!("Chat {number}"));
        self.link(space, id);
        self.mark(id, &chat_marker(owner, space, number));
    }

    pub(super) fn plan(&self, recorded: &Recorded) -> Plan {
        plan(&observe(&self.snapshot, &user(BOT)), recorded, &defaults())
    }

    /// Carries the plan out in memory.
    pub(super) fn apply(&mut self, plan: &Plan, recorded: &mut Recorded) {
        for write in &plan.writes {
            let content = write.content.clone();
            let state = self.snapshot.rooms.get_mut(&write.room_id).unwrap();
            state.insert(event(write.event_type, &write.state_key, BOT, content));
        }
        recorded.rows = plan.rows.applied_to(&recorded.rows);
    }

    /// Reconciles, and once more to see that nothing is left to do.
    pub(super) fn settle(&mut self, recorded: &mut Recorded) -> Report {
        let first = self.plan(recorded);
        self.apply(&first, recorded);
        let second = self.plan(recorded);
        assert!(
            second.is_empty(),
            "a second run changes nothing: {second:#?}"
        );
        assert_eq!(second.report.drift, 0);
        first.report
    }

    /// The rows a run from an empty database makes.
    pub(super) fn rows(&self) -> Rows {
        let mut recorded = Recorded::default();
        self.clone().settle(&mut recorded);
        recorded.rows
    }

    /// The rows after a first run, and what it reports.
    pub(super) fn recovered(&mut self) -> (Recorded, Report) {
        let mut recorded = Recorded::default();
        let report = self.settle(&mut recorded);
        (recorded, report)
    }
}

pub(super) fn user_row<'a>(rows: &'a Rows, id: &str) -> &'a UserRow {
    rows.users.iter().find(|row| row.user_id == id).unwrap()
}

pub(super) fn room_row<'a>(rows: &'a Rows, id: &str) -> &'a RoomRow {
    rows.rooms.iter().find(|row| row.room_id == id).unwrap()
}

pub(super) fn chat_row<'a>(rows: &'a Rows, owner: &str, chat_id: &str) -> &'a ChatRow {
    let mut rows = rows.chats.iter();
    rows.find(|row| row.user_id == owner && row.chat_id == chat_id)
        .unwrap()
}

pub(super) fn has_room_row(rows: &Rows, id: &str) -> bool {
    rows.rooms.iter().any(|row| row.room_id == id)
}

/// The chat id that the room has.
pub(super) fn number_of(rows: &Rows, id: &str) -> u32 {
    let text = room_row(rows, id).chat_id.clone().unwrap();
    crate::core::ids::ChatId::from_str(&text).unwrap().number()
}

pub(super) fn conflicts(report: &Report) -> Vec<(ConflictKind, &str)> {
    let conflicts = report.conflicts.iter();
    conflicts
        .map(|conflict| (conflict.kind, conflict.room_id.as_str()))
        .collect()
}

pub(super) fn skips(report: &Report) -> Vec<(&str, SkipReason)> {
    let skipped = report.skipped_rooms.iter();
    skipped
        .map(|skipped| (skipped.room_id.as_str(), skipped.reason))
        .collect()
}
