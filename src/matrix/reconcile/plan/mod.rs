//! From what is observed and what is recorded to what is to be changed: one pure function.
//!
//! The order of the steps is the order of trust: which rooms are the bot's (`classify`), whose the Spaces are
//! (`spaces`), which rooms are whose chats (`chats`), then their numbers and contexts (`numbers`, `contexts`).
//! With that decided, `server` says what to write on the server and `rows` which rows differ. No I/O, no clock,
//! ordered maps only: the same input gives the same plan everywhere.

mod chats;
mod classify;
mod contexts;
mod numbers;
mod records;
mod rows;
mod server;
mod spaces;
mod users;

use std::collections::{BTreeMap, BTreeSet};

use matrix_sdk::ruma::RoomId;
use uuid::Uuid;

use self::{classify::Classified, records::Records, spaces::Spaces};
use super::{
    changes::{RowChanges, StateWrite, Why},
    graph::Graph,
    report::{Conflict, ConflictKind, Report, SkipReason, Skipped},
    seen::Observed,
};
use crate::{
    core::{chat::Locale, ids::AgentId},
    matrix::store::rows::Rows,
};

/// What the bot's own database says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// The three tables.
    pub rows: Rows,
    /// Rooms being made: a room whose creation content names one of these is left to whoever makes it.
    pub pending_intents: BTreeSet<Uuid>,
}

/// What holds where neither the server nor the rows say anything.
#[derive(Clone, Debug, PartialEq)]
pub struct Defaults {
    /// The agent of a new chat.
    pub agent_id: AgentId,
    /// The part of a Space's name before the user's name.
    pub brand: String,
    /// The bot's own server, through which others reach its rooms.
    pub server_name: String,
    /// Language of the names given to nameless chats.
    pub locale: Locale,
}

/// Everything that is to be done, and what it will have come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// To be written on the server first, in this order.
    pub writes: Vec<StateWrite>,
    /// To be applied to the rows after that, in one transaction.
    pub rows: RowChanges,
    /// What it comes to; mode and duration are not known here.
    pub report: Report,
}

impl Plan {
    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.rows.is_empty()
    }
}

/// Decides what is to be changed so that the rows say what the server says.
pub fn plan(observed: &Observed, recorded: &Recorded, defaults: &Defaults) -> Plan {
    let records = Records::of(recorded);
    let mut findings = Findings::default();
    let mut rooms = classify::classify(observed, recorded, &mut findings);
    let graph = graph_of(&rooms);
    let spaces = spaces::resolve(&mut rooms, &records, &mut findings);
    let ground = Ground {
        observed,
        records: &records,
        defaults,
        spaces: &spaces,
        graph: &graph,
    };
    let drafts = chats::find(&ground, &mut rooms, &mut findings);
    let held = numbers::Held::of(&ground, &rooms, &drafts);
    let numbers = numbers::assign(&ground, &drafts, &held, &mut findings);
    let contexts = contexts::assign(&ground, &drafts, &held, &mut findings);
    let known = chats::complete(&ground, drafts, &numbers, &contexts);
    let writes = server::writes(&ground, &rooms, &known);
    let mut tally = rows::diff(&ground, &rooms, &known);
    users::diff(&ground, &rooms, &known, &held, &mut tally);

    let count = |whys: &[Why]| {
        writes
            .iter()
            .filter(|write| whys.contains(&write.why))
            .count()
    };
    let report = Report {
        joined_rooms: observed.rooms.len() + observed.incomplete.len(),
        backfilled_platform_chat_ids: known.iter().filter(|chat| chat.context.backfilled).count(),
        stamped_markers: count(&[Why::Stamp]),
        repaired_space_links: count(&[Why::Link, Why::Unlink]),
        skipped_rooms: findings.skipped.into_iter().collect(),
        conflicts: findings.conflicts.into_iter().collect(),
        drift: writes.len() + tally.changes.len(),
        ..tally.report
    };
    Plan {
        writes,
        rows: tally.changes,
        report,
    }
}

/// What every later step of the plan looks things up in.
struct Ground<'p, 'a> {
    observed: &'a Observed,
    records: &'p Records<'a>,
    defaults: &'a Defaults,
    spaces: &'p Spaces<'a>,
    graph: &'p Graph<'a>,
}

/// Conflicts and skipped rooms, each once, in order.
#[derive(Default)]
struct Findings {
    conflicts: BTreeSet<Conflict>,
    skipped: BTreeSet<Skipped>,
}

impl Findings {
    fn conflict(&mut self, kind: ConflictKind, room: &RoomId, detail: impl Into<String>) {
        self.conflicts.insert(Conflict {
            kind,
            room_id: room.to_owned(),
            detail: detail.into(),
        });
    }

    fn skip(&mut self, room: &RoomId, reason: SkipReason) {
        self.skipped.insert(Skipped {
            room_id: room.to_owned(),
            reason,
        });
    }
}

fn graph_of<'a>(rooms: &Classified<'a>) -> Graph<'a> {
    let mut graph = Graph::default();
    for (space, room) in &rooms.spaces {
        graph.add_space(space, room.seen.children.iter().map(AsRef::as_ref));
    }
    for (id, room) in &rooms.rooms {
        graph.add_room(id, room.seen.parents.iter().map(AsRef::as_ref));
    }
    graph
}

/// Rooms by creation time, then id: who was first keeps what two of them claim.
fn by_age<'a, T>(rooms: &BTreeMap<&'a RoomId, T>, made_at: impl Fn(&T) -> u64) -> Vec<&'a RoomId> {
    let mut order: Vec<(u64, &RoomId)> = rooms
        .iter()
        .map(|(id, room)| (made_at(room), *id))
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(_, id)| id).collect()
}
