//! What of a sync response is worth keeping, and which of its events still need an answer. Pure.
//!
//! A sync that starts from a kept position brings only what is new. One that starts from nothing also brings history,
//! and then the server's own cursor (`m.fully_read`) and the answers in the timeline tell what is finished with.

mod start;

use std::collections::BTreeMap;

use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde_json::Value;

use self::start::Start;
pub use self::start::is_arrival_of;
use crate::matrix::{
    batch::{JoinedUpdate, SyncBatch, TimelineItem},
    event,
    marker::{ANSWERS_KEY, ASKS_KEY, DRAFT_KEY},
    questions::note::{self, Shown},
    state::StateEvent,
};

/// What is to become of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It waits for its turn.
    Pending,
    /// It is known, and never handled.
    Done,
}

/// The new form of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// The message.
    pub target: OwnedEventId,
    /// Who edited; only the message's own sender may.
    pub sender: OwnedUserId,
    /// The new content.
    pub content: Value,
}

/// The deletion of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Redaction {
    /// The message.
    pub target: OwnedEventId,
    /// Who deleted it.
    pub sender: OwnedUserId,
}

/// A change to a message that may still wait for its turn.
#[derive(Clone, Debug, PartialEq)]
pub enum Amendment {
    /// It was edited.
    Edit(Edit),
    /// It was redacted.
    Redact(Redaction),
}

/// A stretch the response left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GapIntake {
    /// Where to fetch from, backwards.
    pub from_token: String,
    /// The event to stop at; else the first event the journal knows.
    pub until: Option<OwnedEventId>,
}

/// What one room brought.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomIntake {
    /// The room.
    pub room: OwnedRoomId,
    /// The account of the bot: whose membership and messages are its own.
    pub bot: OwnedUserId,
    /// Kept state.
    pub state: Vec<StateEvent>,
    /// The server's cursor, where told.
    pub fully_read: Option<OwnedEventId>,
    /// Our note about an entry room, where told.
    pub entry_of: Option<OwnedUserId>,
    /// Answers that were cut off while they grew: the question, and the message to complete.
    pub drafts: Vec<(OwnedEventId, OwnedEventId)>,
    /// Permission questions that the bot asked here, each with the number of `events` before it.
    pub questions: Vec<(usize, Shown)>,
    /// Questions that are answered, and an event that does so: none of them waits, should it come with a gap.
    pub answered: BTreeMap<OwnedEventId, OwnedEventId>,
    /// Events for the journal, oldest first.
    pub events: Vec<(TimelineItem, Fate)>,
    /// Where the bot's own last message of this stretch stands: behind so many of the events.
    pub spoke_behind: Option<usize>,
    /// Changes to events of the journal.
    pub amendments: Vec<Amendment>,
    /// A stretch that was left out.
    pub gap: Option<GapIntake>,
}

/// What one page of a gap brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageIntake {
    /// As in [`RoomIntake`]: none of them waits, on whatever page it comes.
    pub answered: BTreeMap<OwnedEventId, OwnedEventId>,
    /// As in [`RoomIntake`].
    pub drafts: Vec<(OwnedEventId, OwnedEventId)>,
    /// Permission questions that the bot asked here, newest first, each with the number of `events` after it.
    pub questions: Vec<(usize, Shown)>,
    /// Edits of messages that come on this page or a later one, newest first. Redacted messages come without content.
    pub edits: Vec<Edit>,
    /// Redactions of messages that came before the gap.
    pub redacted: Vec<Redaction>,
    /// Events for the journal, newest first like the page.
    pub events: Vec<TimelineItem>,
}

/// What one sync response brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchIntake {
    /// The position after it.
    pub position: String,
    /// Whether it replaces all kept state.
    pub full_state: bool,
    /// Set where the events came while the bot was there: so many of one person may wait in a room.
    pub queue_limit: Option<u32>,
    /// A reconcile follows and writes the rows, and its report counts what it changes: the commit leaves them alone.
    pub before_reconcile: bool,
    /// Joined rooms with news.
    pub rooms: Vec<RoomIntake>,
    /// Rooms the bot was invited to, and by whom.
    pub invited: Vec<(OwnedRoomId, OwnedUserId)>,
    /// Rooms the bot is no longer in.
    pub left: Vec<OwnedRoomId>,
}

impl BatchIntake {
    /// The events that wait for an answer, and their rooms.
    pub fn wanted(&self) -> impl Iterator<Item = (&RoomId, &EventId)> {
        self.rooms.iter().flat_map(|room| {
            room.events
                .iter()
                .filter(|(_, fate)| *fate == Fate::Pending)
                .map(|(item, _)| (&*room.room, &*item.event_id))
        })
    }
}

/// Sorts a whole response.
pub fn take_in(bot: &UserId, batch: SyncBatch) -> BatchIntake {
    let from_nothing = batch.from_nothing;
    BatchIntake {
        position: batch.next_batch,
        full_state: batch.full_state,
        queue_limit: None,
        before_reconcile: false,
        rooms: batch
            .joined
            .into_iter()
            .map(|(room, update)| room_intake(bot, from_nothing, room, update))
            .collect(),
        invited: batch.invited.into_iter().collect(),
        left: batch.left,
    }
}

fn room_intake(
    bot: &UserId,
    from_nothing: bool,
    room: OwnedRoomId,
    update: JoinedUpdate,
) -> RoomIntake {
    let start = if from_nothing {
        Start::after_history(bot, &update)
    } else {
        Start::after_arrival(bot, &update)
    };
    let answered = answered_in(bot, &update.timeline);
    let drafts = drafts_in(bot, &update.timeline, &answered);
    let last_word = update
        .timeline
        .iter()
        .rev()
        .find(|item| is_last_word(bot, item));
    let fully_read = update.fully_read.clone().or_else(|| {
        // Never moved, but the bot has spoken: what it said last is as good a cursor.
        last_word
            .filter(|_| from_nothing)
            .map(|item| item.event_id.clone())
    });
    let (mut events, mut questions) = (Vec::new(), Vec::new());
    let mut amendments = Vec::new();
    let mut spoke_behind = None;
    for (index, item) in update.timeline.iter().enumerate() {
        if item.sender == bot {
            // Also where nothing was lost: where a question stands among the messages decides which of them answer it.
            questions.extend(note::shown_by(bot, item).map(|shown| (events.len(), shown)));
            // A permission question belongs to the answer that waits for it.
            let stands =
                is_message(item) && !event::is_edit(item) && item.content.get(ASKS_KEY).is_none();
            if stands {
                spoke_behind = Some(events.len());
            }
            continue;
        }
        let meaning = meaning(item);
        let waits = meaning.waits()
            && !start.is_history(index, item)
            && !answered.contains_key(&item.event_id);
        let fate = if waits { Fate::Pending } else { Fate::Done };
        match meaning {
            Meaning::Irrelevant => {}
            Meaning::Amends(amendment) => {
                amendments.push(amendment);
                events.push((item.clone(), fate));
            }
            Meaning::Wanted => events.push((item.clone(), fate)),
        }
    }
    let state = update.state_as(bot);
    let gap = start.gap(from_nothing, &update);
    RoomIntake {
        room,
        bot: bot.to_owned(),
        state,
        fully_read,
        entry_of: update.entry_of,
        drafts,
        questions,
        answered,
        events,
        spoke_behind,
        amendments,
        gap,
    }
}

/// Whether this message of the bot shows that what stands before it is done, in a room without a read marker. An answer
/// shows that of its own question alone: a draft, a permission question and the answer to a command that was carried out
/// ahead of its turn stand behind messages that still wait.
fn is_last_word(bot: &UserId, item: &TimelineItem) -> bool {
    item.sender == bot
        && is_message(item)
        && item.content.get(ANSWERS_KEY).is_none()
        && item.content.get(ASKS_KEY).is_none()
}

fn is_message(item: &TimelineItem) -> bool {
    matches!(
        item.event_type.as_str(),
        "m.room.message" | "m.room.encrypted"
    )
}

/// What an event of someone else is to the bot.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// It may need an answer.
    Wanted,
    /// It changes another event.
    Amends(Amendment),
    /// Not answered, and no change to an event that is.
    Irrelevant,
}

impl Meaning {
    /// Whether the event takes its turn in the room. A redaction does: what was kept of its message goes then.
    const fn waits(&self) -> bool {
        matches!(self, Self::Wanted | Self::Amends(Amendment::Redact(_)))
    }
}

/// The message that the event deletes, if it is a redaction.
pub fn redacted_by(item: &TimelineItem) -> Option<OwnedEventId> {
    match meaning(item) {
        Meaning::Amends(Amendment::Redact(redaction)) => Some(redaction.target),
        _ => None,
    }
}

/// What an event of someone else is to the bot.
pub fn meaning(item: &TimelineItem) -> Meaning {
    match item.event_type.as_str() {
        "m.room.redaction" => {
            event_id(item.content.get("redacts")).map_or(Meaning::Irrelevant, |target| {
                Meaning::Amends(Amendment::Redact(Redaction {
                    target,
                    sender: item.sender.clone(),
                }))
            })
        }
        event_type if event::is_message(event_type) => match item.content.get("m.new_content") {
            _ if !event::is_edit(item) && event::is_for_the_bot(item) => Meaning::Wanted,
            Some(content) if event::is_edit(item) && content.is_object() => {
                let relation = item.content.get("m.relates_to");
                event_id(relation.and_then(|relation| relation.get("event_id"))).map_or(
                    Meaning::Irrelevant,
                    |target| {
                        Meaning::Amends(Amendment::Edit(Edit {
                            target,
                            sender: item.sender.clone(),
                            content: content.clone(),
                        }))
                    },
                )
            }
            _ => Meaning::Irrelevant,
        },
        "m.room.encrypted" => Meaning::Wanted,
        // Only what may be an answer to a question; whether one is open, whoever handles it sees.
        "m.reaction" if event::reaction(item).is_some() => Meaning::Wanted,
        "m.room.name" if item.state_key.as_deref() == Some("") => Meaning::Wanted,
        _ => Meaning::Irrelevant,
    }
}

/// Without the memberships of others where somebody else made the room: nobody asks for them, and there may be thousands.
pub fn needed_state(bot: &UserId, mut state: Vec<StateEvent>) -> Vec<StateEvent> {
    let is_ours = |event: &StateEvent| event.event_type == "m.room.create" && event.sender == bot;
    if !state.iter().any(is_ours) {
        state
            .retain(|event| event.event_type != "m.room.member" || event.state_key == bot.as_str());
    }
    state
}

/// What a page of older events, fetched into a gap, means for the journal.
pub fn page_intake(bot: &UserId, page: &[TimelineItem]) -> PageIntake {
    let answered = answered_in(bot, page);
    let (mut edits, mut redacted) = (Vec::new(), Vec::new());
    let (mut events, mut questions) = (Vec::new(), Vec::new());
    for item in page {
        if item.sender == bot {
            questions.extend(note::shown_by(bot, item).map(|shown| (events.len(), shown)));
            continue;
        }
        let meaning = meaning(item);
        if meaning.waits() {
            events.push(item.clone());
        }
        match meaning {
            Meaning::Amends(Amendment::Edit(edit)) => edits.push(edit),
            Meaning::Amends(Amendment::Redact(redaction)) => redacted.push(redaction),
            Meaning::Wanted | Meaning::Irrelevant => {}
        }
    }
    PageIntake {
        drafts: drafts_in(bot, page, &answered),
        questions,
        answered,
        edits,
        redacted,
        events,
    }
}

/// The questions that the bot's own events of this page answer.
fn answered_in(bot: &UserId, page: &[TimelineItem]) -> BTreeMap<OwnedEventId, OwnedEventId> {
    page.iter()
        .filter(|item| item.sender == bot && item.content.get(DRAFT_KEY).is_none())
        .filter_map(|item| {
            Some((
                event_id(item.content.get(ANSWERS_KEY))?,
                item.event_id.clone(),
            ))
        })
        .collect()
}

/// Drafts without a final answer: the question, and the message that was to become the answer.
fn drafts_in(
    bot: &UserId,
    page: &[TimelineItem],
    answered: &BTreeMap<OwnedEventId, OwnedEventId>,
) -> Vec<(OwnedEventId, OwnedEventId)> {
    page.iter()
        .filter(|item| {
            item.sender == bot && item.content.get(DRAFT_KEY).is_some() && !event::is_edit(item)
        })
        .filter_map(|item| {
            Some((
                event_id(item.content.get(ANSWERS_KEY))?,
                item.event_id.clone(),
            ))
        })
        .filter(|(question, _)| !answered.contains_key(question))
        .collect()
}

fn event_id(value: Option<&Value>) -> Option<OwnedEventId> {
    value?.as_str()?.try_into().ok()
}

#[cfg(test)]
mod tests;
