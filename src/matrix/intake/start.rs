//! Where in a timeline the part begins that is not finished with.

use matrix_sdk::ruma::{EventId, OwnedEventId, UserId};
use serde_json::Value;

use super::{GapIntake, is_message};
use crate::matrix::batch::{JoinedUpdate, TimelineItem};

/// The beginning of that part.
pub(super) struct Start {
    /// The place of its first event in the timeline.
    pub(super) index: usize,
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
        let joined = after_own_join(bot, &update.timeline);
        if let Some(cursor) = &update.fully_read {
            return match position_of(cursor) {
                Some(index) => Self::at(joined.max(index + 1)),
                None => Self {
                    index: joined,
                    gap_until: Some(cursor.clone()),
                },
            };
        }
        // Never moved: the room of a predecessor, or one that was just made. What the bot said last is then the best
        // witness; where it said nothing, all that came after its join waits, and where it neither spoke nor came,
        // nothing does.
        let last_word = update
            .timeline
            .iter()
            .rposition(|item| item.sender == bot && is_message(item))
            .map_or(joined, |index| joined.max(index + 1));
        Self::at(if last_word == 0 {
            update.timeline.len()
        } else {
            last_word
        })
    }

    /// In a timeline of nothing but news. In a room just joined, it may reach back before the join.
    pub(super) fn after_arrival(bot: &UserId, timeline: &[TimelineItem]) -> Self {
        Self::at(after_own_join(bot, timeline))
    }

    const fn at(index: usize) -> Self {
        Self {
            index,
            gap_until: None,
        }
    }

    /// The stretch before the timeline, if it is worth fetching: if something unfinished may be in it.
    pub(super) fn gap(self, from_nothing: bool, token: Option<String>) -> Option<GapIntake> {
        let from_token = token.filter(|_| self.index == 0)?;
        if from_nothing && self.gap_until.is_none() {
            return None;
        }
        Some(GapIntake {
            from_token,
            until: self.gap_until,
        })
    }
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
    item.event_type == "m.room.member"
        && item.state_key.as_deref() == Some(user.as_str())
        && item.content.get("membership").and_then(Value::as_str) == Some("join")
        && !item.was_joined
}
