//! The store on real files and in memory.

mod agent_sessions;
mod attempts;
mod compaction;
mod followers;
mod inherited;
mod journal;
mod open;
mod outbox;
mod parked;
mod provisions;
mod queue;
mod refusals;
mod state_cache;

use matrix_sdk::ruma::{OwnedRoomId, owned_user_id, room_id};
use serde_json::{Value, json};

use super::*;
use crate::matrix::{
    batch::TimelineItem,
    intake::{BatchIntake, Fate, RoomIntake},
};

const DEVICE: &str = "DEVICE";

fn room() -> OwnedRoomId {
    room_id!("!r:hs").to_owned()
}

fn message(id: &str, sender: &str, body: &str) -> TimelineItem {
    TimelineItem {
        event_id: id.try_into().unwrap(),
        sender: sender.try_into().unwrap(),
        event_type: "m.room.message".to_owned(),
        state_key: None,
        origin_server_ts: 0,
        content: json!({"msgtype": "m.text", "body": body}),
        was_joined: false,
    }
}

/// What a sync brought of the one room.
fn brought(items: &[TimelineItem]) -> RoomIntake {
    RoomIntake {
        room: room(),
        bot: owned_user_id!("@bot:hs"),
        state: Vec::new(),
        fully_read: None,
        entry_of: None,
        drafts: Vec::new(),
        questions: Vec::new(),
        answered: [].into(),
        events: items
            .iter()
            .map(|item| (item.clone(), Fate::Pending))
            .collect(),
        spoke_behind: None,
        amendments: Vec::new(),
        gap: None,
    }
}

fn batch(position: &str, room: RoomIntake) -> BatchIntake {
    BatchIntake {
        position: position.to_owned(),
        rooms: vec![room],
        ..BatchIntake::default()
    }
}

async fn pending(store: &Store) -> Vec<(String, Value)> {
    let entries = store.pending(&room(), 1_000).await.unwrap();
    entries
        .into_iter()
        .map(|entry| {
            (
                entry.item.event_id.to_string(),
                entry.item.content["body"].clone(),
            )
        })
        .collect()
}

async fn pending_ids(store: &Store) -> Vec<String> {
    pending(store).await.into_iter().map(|(id, _)| id).collect()
}
