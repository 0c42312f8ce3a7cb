//! The fake homeserver's `/sync`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use matrix_sdk::ruma::OwnedUserId;
use serde_json::Value;
use surfaces_bot::matrix::{
    batch::{JoinedUpdate, SyncBatch},
    client::{MatrixError, SyncFrom, SyncSource},
    marker::ENTRY_NOTE,
    state::{KEPT_TYPES, StateEvent},
};
use tokio::time::{Instant, timeout_at};

use super::{
    fake_client::begin,
    fake_matrix::{FakeMatrix, Server},
    requests::refused_with,
    room::{HELD_BACK, Room},
};

/// The sync of one client. A client takes no response in twice, and knows it by its `next_batch`.
pub(crate) struct FakeSync {
    matrix: FakeMatrix,
    /// `next_batch` of the last response, as the SDK keeps it in memory. A new client has none.
    seen: Mutex<Option<String>>,
}

impl FakeSync {
    /// A new client.
    pub(crate) fn new(matrix: FakeMatrix) -> Self {
        Self {
            matrix,
            seen: Mutex::default(),
        }
    }

    /// The response as the SDK hands it out: one that ends where the last one ended comes without its rooms.
    fn taken_in(&self, batch: SyncBatch) -> SyncBatch {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.as_ref() == Some(&batch.next_batch) {
            return SyncBatch {
                joined: BTreeMap::new(),
                invited: BTreeMap::new(),
                left: Vec::new(),
                ..batch
            };
        }
        *seen = Some(batch.next_batch.clone());
        batch
    }
}

#[async_trait]
impl SyncSource for FakeSync {
    async fn sync(&self, from: SyncFrom, wait: Duration) -> Result<SyncBatch, MatrixError> {
        let until = Instant::now() + wait;
        let mut news = self.matrix.news();
        let mut batch = begin(&self.matrix, "sync", None, |server| server.sync(&from)).await?;
        while !batch.full_state && is_empty(&batch) {
            // A long poll: the answer waits for something to tell.
            if timeout_at(until, news.changed()).await.is_err() {
                break;
            }
            let (dead, answer) = self
                .matrix
                .quietly(|server| (server.requests.dead, server.sync(&from)));
            if dead {
                return std::future::pending().await;
            }
            batch = answer?;
        }
        self.matrix.quietly(|server| server.syncs(&batch));
        Ok(self.taken_in(batch))
    }
}

fn is_empty(batch: &SyncBatch) -> bool {
    batch.joined.is_empty() && batch.invited.is_empty() && batch.left.is_empty()
}

/// What a response is about: events after `since`, and the full state where that was asked for.
#[derive(Clone, Copy)]
struct Scope {
    since: u64,
    full: bool,
    from_nothing: bool,
}

impl Server {
    fn sync(&mut self, from: &SyncFrom) -> Result<SyncBatch, MatrixError> {
        let since = match from {
            SyncFrom::Nothing => 0,
            SyncFrom::Position(position) | SyncFrom::PositionWithFullState(position) => {
                self.known_position(position)?
            }
        };
        let since = if self.repeats > 0 && since > 0 {
            self.repeats -= 1;
            self.told_before.min(since)
        } else {
            self.told_before = since;
            since
        };
        let scope = Scope {
            since,
            full: !matches!(from, SyncFrom::Position(_)),
            from_nothing: *from == SyncFrom::Nothing,
        };
        let mut batch = SyncBatch {
            next_batch: format!("s{}", self.position),
            full_state: scope.full,
            from_nothing: scope.from_nothing,
            joined: BTreeMap::new(),
            invited: BTreeMap::new(),
            left: Vec::new(),
        };
        let told = self
            .rooms
            .values()
            .filter(|room| !self.untold.contains(&room.id));
        for room in told {
            let is_news = room.member_since(&self.bot) > since;
            match room.membership(&self.bot) {
                "join" => {
                    if let Some(update) = self.joined_update(room, scope) {
                        batch.joined.insert(room.id.clone(), update);
                    }
                }
                "invite" if is_news || scope.full => {
                    let invite = room.state_item("m.room.member", self.bot.as_str());
                    let inviter = invite.map(|invite| invite.sender.clone());
                    batch
                        .invited
                        .extend(inviter.map(|by| (room.id.clone(), by)));
                }
                "leave" | "ban" if is_news && !scope.from_nothing => {
                    batch.left.push(room.id.clone());
                }
                _ => {}
            }
        }
        Ok(batch)
    }

    fn known_position(&self, position: &str) -> Result<u64, MatrixError> {
        position
            .strip_prefix('s')
            .and_then(|number| number.parse().ok())
            .filter(|number| (self.known_from..=self.position).contains(number))
            .ok_or_else(|| refused_with(400, "M_UNKNOWN"))
    }

    fn joined_update(&self, room: &Room, scope: Scope) -> Option<JoinedUpdate> {
        let is_new_here = room.member_since(&self.bot) > scope.since;
        let tells_all = scope.from_nothing || is_new_here;
        let new: Vec<usize> = (0..room.events.len())
            .filter(|index| {
                let at = room.events[*index].at;
                at != HELD_BACK && (tells_all || at > scope.since)
            })
            .collect();
        let shown = &new[new.len().saturating_sub(self.timeline_limit)..];
        let full_state = scope.full || is_new_here;
        let account_data = |event_type: &str| {
            let (at, content) = room.account_data.get(event_type)?;
            (full_state || *at > scope.since).then_some(content)
        };
        let text = |content: Option<&Value>, key: &str| {
            content.and_then(|content| content.get(key)?.as_str().map(str::to_owned))
        };
        let update = JoinedUpdate {
            state: room
                .current()
                .filter(|(at, event)| self.tells(event, *at, full_state, scope.since))
                .map(|(_, event)| event)
                .collect(),
            timeline: shown
                .iter()
                .map(|index| room.events[*index].item.clone())
                .collect(),
            gap_before: (shown.len() < new.len()).then(|| format!("t{}", shown[0])),
            fully_read: text(account_data("m.fully_read"), "event_id")
                .and_then(|event| event.try_into().ok()),
            entry_of: text(account_data(ENTRY_NOTE), "user")
                .and_then(|user| OwnedUserId::try_from(user).ok()),
        };
        let has_news = full_state
            || !new.is_empty()
            || room.account_data.values().any(|(at, _)| *at > scope.since);
        has_news.then_some(update)
    }

    fn tells(&self, event: &StateEvent, at: u64, full_state: bool, since: u64) -> bool {
        let is_dropped = full_state
            && event.event_type == "m.space.child"
            && self.dropped_children.contains(&event.state_key);
        KEPT_TYPES.contains(&event.event_type.as_str())
            && at != HELD_BACK
            && (full_state || at > since)
            && !is_dropped
    }
}
