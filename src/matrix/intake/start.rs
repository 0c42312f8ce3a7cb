//! Where in a timeline the part begins that is not finished with.

use matrix_sdk::ruma::{EventId, OwnedEventId, UserId};
use serde_json::Value;

use super::{GapIntake, is_last_word, is_message};
use crate::matrix::batch::{JoinedUpdate, TimelineItem};

/// The beginning of that part.
pub(super) struct Start {
    /// The place of its first event in the timeline.
    index: usize,
    /// Set where the bot came into the room without an event in the timeline: what is older than this is history, wherever
    /// it stands. In milliseconds since the Unix epoch.
    arrived_at: Option<u64>,
    /// Set where it begins before the timeline does: the event to go back to.
    gap_until: Option<OwnedEventId>,
}

impl Start {
    /// In a timeline that begins with history.
    pub(super) fn after_history(bot: &UserId, update: &JoinedUpdate) -> Self {
        let position_of = |event: &EventId| {
            update
                .timeline
                .iter()
                .position(|item| item.event_id == event)
        };
        let arrival = Self::after_arrival(bot, update);
        if let Some(cursor) = &update.fully_read {
            return match position_of(cursor) {
                Some(index) => arrival.not_before(index + 1),
                None => Self {
                    gap_until: Some(cursor.clone()),
                    ..arrival
                },
            };
        }
        // Never moved: the room of a predecessor, or one in which no message is done yet. What the bot said last without
        // a question is then the best witness; where it said nothing, all that came after its join waits, and where it
        // neither spoke nor came, nothing does. A join that is nowhere in a timeline without a gap is one that the server
        // tells elsewhere.
        let timeline = &update.timeline;
        let has_come = arrival.index > 0
            || (arrival.arrived_at.is_some() && update.gap_before.is_none())
            || timeline
                .iter()
                .any(|item| item.sender == bot && is_message(item));
        let last_word = timeline.iter().rposition(|item| is_last_word(bot, item));
        match last_word {
            Some(index) => arrival.not_before(index + 1),
            None if has_come => arrival,
            None => arrival.not_before(update.timeline.len()),
        }
    }

    /// In a timeline of nothing but news. In a room just joined, it may reach back before the join.
    pub(super) fn after_arrival(bot: &UserId, update: &JoinedUpdate) -> Self {
        Self {
            index: after_own_join(bot, &update.timeline),
            arrived_at: arrival_in_state(bot, update),
            gap_until: None,
        }
    }

    fn not_before(self, index: usize) -> Self {
        Self {
            index: self.index.max(index),
            ..self
        }
    }

    /// Whether this event of the timeline stands before the beginning.
    pub(super) fn is_history(&self, index: usize, item: &TimelineItem) -> bool {
        index < self.index || self.arrived_at.is_some_and(|at| item.origin_server_ts < at)
    }

    /// The stretch before the timeline, if it is worth fetching: if something unfinished may be in it.
    pub(super) fn gap(self, from_nothing: bool, update: &JoinedUpdate) -> Option<GapIntake> {
        let reaches_back = update
            .timeline
            .first()
            .is_some_and(|first| self.is_history(0, first));
        let from_token = update.gap_before.clone().filter(|_| !reaches_back)?;
        if self.index > 0 || (from_nothing && self.gap_until.is_none()) {
            return None;
        }
        Some(GapIntake {
            from_token,
            until: self.gap_until,
        })
    }
}

/// When the bot came into the room, where the update says so beside a timeline in which nothing is told of it. Before a
/// timeline that begins after the join, servers must tell it there; some do so in any case.
fn arrival_in_state(bot: &UserId, update: &JoinedUpdate) -> Option<u64> {
    if update
        .timeline
        .iter()
        .any(|item| item.is_membership_of(bot))
    {
        return None;
    }
    update
        .state
        .iter()
        .rev()
        .find(|event| event.event_type == "m.room.member" && event.state_key == bot.as_str())
        .filter(|event| event.content.get("membership").and_then(Value::as_str) == Some("join"))
        .map(|event| event.origin_server_ts)
}

/// The place after the bot's own latest arrival.
fn after_own_join(bot: &UserId, timeline: &[TimelineItem]) -> usize {
    timeline
        .iter()
        .rposition(|item| is_arrival_of(bot, item))
        .map_or(0, |join| join + 1)
}

/// Whether this user came into the room with this event.
pub fn is_arrival_of(user: &UserId, item: &TimelineItem) -> bool {
    item.is_membership_of(user)
        && item.content.get("membership").and_then(Value::as_str) == Some("join")
        && !item.was_joined
}
