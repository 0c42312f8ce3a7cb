//! A homeserver in memory: the bot reaches it through `FakeClient` and `FakeSync`, tests through [`FakeMatrix`] and
//! `Person`. It keeps its own rules, as a real one would: membership, power, transaction ids.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use matrix_sdk::ruma::{OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId, owned_user_id};
use serde_json::{Value, json};
use surfaces_bot::matrix::batch::{SyncBatch, TimelineItem};
use tokio::sync::watch;

use super::{
    clock::WorldClock,
    requests::{Fault, LostRoom, Requests},
    room::{HELD_BACK, Room},
};

/// Everything the homeserver knows.
pub(crate) struct Server {
    pub(crate) bot: OwnedUserId,
    pub(crate) rooms: BTreeMap<OwnedRoomId, Room>,
    pub(crate) position: u64,
    pub(crate) requests: Requests,
    pub(crate) names: BTreeMap<OwnedUserId, String>,
    /// By device, room and transaction id.
    pub(crate) transactions: BTreeMap<(String, OwnedRoomId, String), OwnedEventId>,
    /// Events of one room in one sync response.
    pub(crate) timeline_limit: usize,
    /// Events in one page of messages.
    pub(crate) page: usize,
    /// Positions before this one are not known any more.
    pub(crate) known_from: u64,
    /// So many of the next syncs tell again what the one before told.
    pub(crate) repeats: usize,
    /// Where the sync before this one began.
    pub(crate) told_before: u64,
    /// Children that full states do not mention, as happens in rooms whose history has forked.
    pub(crate) dropped_children: BTreeSet<String>,
    /// Rooms that no sync mentions, joined or not.
    pub(crate) untold: BTreeSet<OwnedRoomId>,
    /// Rooms whose new events no sync is told of for now.
    held_back: BTreeSet<OwnedRoomId>,
    /// Rooms that the SDK has as joined, by the syncs it was given.
    pub(crate) synced: BTreeSet<OwnedRoomId>,
    /// Rooms the bot forgot.
    pub(crate) forgotten: BTreeSet<OwnedRoomId>,
    pub(crate) typing: Vec<(OwnedRoomId, bool)>,
    /// Content by its address.
    pub(crate) media: BTreeMap<String, Vec<u8>>,
    /// Megolm sessions whose key the bot has.
    pub(crate) keys_of_the_bot: BTreeSet<String>,
    clock: Arc<WorldClock>,
    events: usize,
}

impl Server {
    pub(crate) fn new_room(&mut self) -> OwnedRoomId {
        let number = self.rooms.len() + 1;
        let room = OwnedRoomId::try_from(format!("!room{number:03}:hs")).expect("a room id");
        self.rooms.insert(room.clone(), Room::new(room.clone()));
        room
    }

    pub(crate) fn next_position(&mut self) -> u64 {
        self.position += 1;
        self.position
    }

    pub(crate) fn append(
        &mut self,
        room: &RoomId,
        sender: &UserId,
        event_type: &str,
        state_key: Option<&str>,
        content: Value,
    ) -> OwnedEventId {
        self.events += 1;
        let event_id =
            OwnedEventId::try_from(format!("$event{:04}", self.events)).expect("an event id");
        let at = self.next_position();
        let at = if self.held_back.contains(room) {
            HELD_BACK
        } else {
            at
        };
        let item = TimelineItem {
            event_id: event_id.clone(),
            sender: sender.to_owned(),
            event_type: event_type.to_owned(),
            state_key: state_key.map(str::to_owned),
            origin_server_ts: self.clock.millis(),
            content,
            was_joined: false,
        };
        self.room_mut(room).append(item, at);
        event_id
    }

    pub(crate) fn append_member(
        &mut self,
        room: &RoomId,
        sender: &UserId,
        user: &UserId,
        membership: &str,
    ) {
        let content = self.member_content(user, membership);
        self.append(room, sender, "m.room.member", Some(user.as_str()), content);
    }

    /// Servers copy the name in a user's profile into the membership events that they write for the user.
    pub(crate) fn member_content(&self, user: &UserId, membership: &str) -> Value {
        let mut content = json!({"membership": membership});
        if let Some(name) = self.names.get(user).filter(|_| membership == "join") {
            content["displayname"] = json!(name);
        }
        content
    }

    pub(crate) fn room(&self, room: &RoomId) -> &Room {
        self.rooms.get(room).expect("the room exists")
    }

    pub(crate) fn room_mut(&mut self, room: &RoomId) -> &mut Room {
        self.rooms.get_mut(room).expect("the room exists")
    }

    /// The bot leaves by another client of its account, or by the server's operator.
    pub(crate) fn removes_the_bot(&mut self, which: &LostRoom) {
        let joined = self.joined();
        let room = match which {
            LostRoom::Named(room) => joined.get(room),
            LostRoom::Newest => joined.last(),
        };
        if let Some(room) = room {
            let bot = self.bot.clone();
            self.append_member(room, &bot, &bot, "leave");
        }
    }

    /// Whether the bot has left any room, or was removed from it.
    pub(crate) fn was_removed(&self) -> bool {
        let gone = |room: &Room| {
            let member = room.content("m.room.member", self.bot.as_str());
            member.is_some_and(|member| member["membership"] == "leave")
        };
        self.rooms.values().any(gone)
    }

    /// What the SDK learns from a response.
    pub(crate) fn syncs(&mut self, batch: &SyncBatch) {
        if batch.from_nothing {
            self.synced.clear();
        }
        self.synced.extend(batch.joined.keys().cloned());
        for room in batch.left.iter().chain(batch.invited.keys()) {
            self.synced.remove(room);
        }
    }

    /// Rooms in which the bot is.
    pub(crate) fn joined(&self) -> BTreeSet<OwnedRoomId> {
        self.rooms
            .values()
            .filter(|room| room.membership(&self.bot) == "join")
            .map(|room| room.id.clone())
            .collect()
    }
}

/// A handle on the homeserver. Clones share it.
#[derive(Clone)]
pub(crate) struct FakeMatrix {
    server: Arc<Mutex<Server>>,
    news: watch::Sender<u64>,
}

impl FakeMatrix {
    pub(crate) fn new(clock: Arc<WorldClock>) -> Self {
        let server = Server {
            bot: owned_user_id!("@bot:hs"),
            rooms: BTreeMap::new(),
            position: 0,
            requests: Requests::default(),
            names: BTreeMap::new(),
            transactions: BTreeMap::new(),
            timeline_limit: 50,
            page: 100,
            known_from: 0,
            repeats: 0,
            told_before: 0,
            dropped_children: BTreeSet::new(),
            untold: BTreeSet::new(),
            held_back: BTreeSet::new(),
            synced: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            typing: Vec::new(),
            media: BTreeMap::new(),
            keys_of_the_bot: BTreeSet::new(),
            clock,
            events: 0,
        };
        Self {
            server: Arc::new(Mutex::new(server)),
            news: watch::Sender::new(0),
        }
    }

    /// Looks.
    pub(crate) fn see<T>(&self, look: impl FnOnce(&Server) -> T) -> T {
        look(&self.server.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes something, and tells everyone who waits for news.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Server) -> T) -> T {
        let result = change(&mut self.server.lock().unwrap_or_else(PoisonError::into_inner));
        self.news.send_modify(|count| *count += 1);
        result
    }

    /// Changes something that is no news.
    pub(crate) fn quietly<T>(&self, change: impl FnOnce(&mut Server) -> T) -> T {
        change(&mut self.server.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// After `skip` requests of this kind, the next one goes wrong.
    pub(crate) fn fail(&self, kind: &'static str, skip: usize, fault: Fault) {
        self.fail_often(kind, skip, 1, fault);
    }

    /// After `skip` requests of this kind, the next `times` go wrong.
    pub(crate) fn fail_often(&self, kind: &'static str, skip: usize, times: usize, fault: Fault) {
        self.change(|server| server.requests.plan(Some(kind), skip, times, fault));
    }

    /// After `skip` requests of any kind, the next one goes wrong.
    pub(crate) fn fail_any(&self, skip: usize, fault: Fault) {
        self.change(|server| server.requests.plan(None, skip, 1, fault));
    }

    /// No request goes wrong any more.
    pub(crate) fn recovers(&self) {
        self.change(|server| server.requests.forget_plans());
    }

    /// How many requests of this kind the bot has made.
    pub(crate) fn count(&self, kind: &str) -> usize {
        self.see(|server| {
            let log = &server.requests.log;
            log.iter().filter(|request| request.kind == kind).count()
        })
    }

    /// How many requests of this kind the bot has made about this room.
    pub(crate) fn count_in(&self, kind: &str, room: &RoomId) -> usize {
        self.see(|server| {
            let log = &server.requests.log;
            log.iter()
                .filter(|request| request.kind == kind && request.room.as_deref() == Some(room))
                .count()
        })
    }

    /// New events of the room reach no sync until [`FakeMatrix::lets_go`].
    pub(crate) fn holds_back(&self, room: &RoomId) {
        self.change(|server| server.held_back.insert(room.to_owned()));
    }

    /// What was held back comes now, after whatever came meanwhile in other rooms.
    pub(crate) fn lets_go(&self, room: &RoomId) {
        self.change(|server| {
            server.held_back.remove(room);
            let at = server.next_position();
            for event in &mut server.room_mut(room).events {
                if event.at == HELD_BACK {
                    event.at = at;
                }
            }
        });
    }
}
