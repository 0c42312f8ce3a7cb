//! Whatever happens while the bot runs, its rows are those that reconcile would make of the server: a check finds nothing.

use std::time::Duration;

use matrix_sdk::ruma::{OwnedRoomId, RoomId};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use crate::support::{Fault, Person, World};

/// What somebody does. Rooms are counted among those that the person shares with the bot.
#[derive(Clone, Debug)]
enum Act {
    /// Says something in one of these rooms.
    Says(usize, &'static str),
    /// Names a room in a client, where the server lets them.
    Names(usize, Value),
    /// Leaves a room.
    Leaves(usize),
    /// Joins every room that they are invited to.
    Joins,
    /// Makes a room and invites the bot.
    Invites(Option<&'static str>),
    /// Removes the bot from an entry room, for good or not.
    Removes(usize, &'static str),
    /// Invites the bot to an entry room that it is not in.
    InvitesAgain(usize),
    /// The server's operator removes the bot from a room that the bot made.
    Evicts(usize),
    /// Takes another display name.
    IsCalled(&'static str),
    /// Everything that is under way comes to its end.
    Settles,
}

const WORDS: [&str; 23] = [
    "hello",
    "!new",
    "!new Trip",
    "!new  \u{202e}Odd \n name ",
    "!rename Work",
    "!rename  A   b",
    "!archive",
    "!archive C1",
    "!archive C2",
    "!unarchive C1",
    "!unarchive C2",
    "!clear",
    "!agent gpt",
    "!agent assistant",
    "!save Trip",
    "!load Trip",
    "!settings language ru",
    "!settings language en",
    "!settings streaming off",
    "!settings agent gpt",
    "!start",
    "!chats",
    "!stop",
];

fn names() -> impl Strategy<Value = Value> {
    select(vec![
        json!({"name": "Named"}),
        json!({"name": "Чат 7"}),
        json!({"name": "  spaced \u{7} out  "}),
        json!({"name": "\u{200b}"}),
        json!({"name": ""}),
        json!({"name": 5}),
        json!({}),
        json!({"name": "long ".repeat(70)}),
        json!({"name": "x".repeat(20_000)}),
        json!({"name": "ends in a space ".repeat(20)}),
    ])
}

fn acts() -> impl Strategy<Value = Vec<(usize, Act)>> {
    let room = || 0..5_usize;
    let act = prop_oneof![
        12 => (room(), select(&WORDS[..])).prop_map(|(room, words)| Act::Says(room, words)),
        4 => (room(), names()).prop_map(|(room, name)| Act::Names(room, name)),
        2 => room().prop_map(Act::Leaves),
        2 => Just(Act::Joins),
        2 => select(&[None, Some("Entry"), Some("Тамбур")][..]).prop_map(Act::Invites),
        1 => (room(), select(&["leave", "ban"][..])).prop_map(|(room, how)| Act::Removes(room, how)),
        1 => room().prop_map(Act::InvitesAgain),
        2 => room().prop_map(Act::Evicts),
        1 => select(&["Alice", "Алиса — A", ""][..]).prop_map(Act::IsCalled),
        4 => Just(Act::Settles),
    ];
    vec((0..2_usize, act), 1..14)
}

struct Story {
    world: World,
    people: [Person; 2],
    entries: [Vec<OwnedRoomId>; 2],
}

impl Story {
    fn begin() -> Self {
        let mut world = World::new();
        let agent = world.settings.agents[0].1.clone();
        world.settings.agents.push(("gpt", agent));
        world.start();
        let people = ["@alice:hs", "@bob:hs"].map(|id| world.person(id));
        let alice = world.welcomes("@alice:hs");
        Self {
            world,
            people,
            entries: [vec![alice.entry], Vec::new()],
        }
    }

    /// Everything that this person can share with the bot: entry rooms, then what the bot made.
    fn rooms(&self, who: usize) -> Vec<OwnedRoomId> {
        let home = self.world.matrix.home_of(&self.people[who].id);
        let mut rooms = self.entries[who].clone();
        rooms.extend(home.chats);
        rooms.extend(home.spaces);
        rooms
    }

    fn room(
        &self,
        who: usize,
        number: usize,
        is_there: impl Fn(&RoomId) -> bool,
    ) -> Option<OwnedRoomId> {
        let mut rooms = self.rooms(who);
        rooms.retain(|room| is_there(room));
        (!rooms.is_empty()).then(|| rooms.swap_remove(number % rooms.len()))
    }

    fn membership(&self, room: &RoomId, user: &matrix_sdk::ruma::UserId) -> String {
        self.world
            .matrix
            .see(|server| server.room(room).membership(user).to_owned())
    }

    fn is_in(&self, who: usize, room: &RoomId) -> bool {
        self.membership(room, &self.people[who].id) == "join"
    }

    fn has_bot(&self, room: &RoomId, membership: &str) -> bool {
        let bot = self.world.matrix.see(|server| server.bot.clone());
        self.membership(room, &bot) == membership
    }

    fn happens(&mut self, who: usize, act: &Act) {
        let person = &self.people[who];
        let entry = |number: usize| {
            let count = self.entries[who].len();
            (count > 0).then(|| self.entries[who][number % count].clone())
        };
        match act {
            Act::Says(number, text) => {
                let speaks = |room: &RoomId| {
                    self.is_in(who, room)
                        && self.world.matrix.see(|server| {
                            server
                                .room(room)
                                .may_send(&person.id, "m.room.message", false)
                        })
                };
                if let Some(room) = self.room(who, *number, speaks) {
                    person.says(&room, text);
                }
            }
            Act::Names(number, name) => {
                if let Some(room) = self.room(who, *number, |room| self.is_in(who, room)) {
                    person.puts_state(&room, "m.room.name", "", name.clone());
                }
            }
            Act::Leaves(number) => {
                if let Some(room) = self.room(who, *number, |room| self.is_in(who, room)) {
                    person.leaves(&room);
                }
            }
            Act::Joins => {
                for room in self.rooms(who) {
                    if self.membership(&room, &person.id) == "invite" {
                        person.joins(&room);
                    }
                }
            }
            Act::Invites(name) => {
                let room = person.makes_a_room(&json!({}));
                if let Some(name) = name {
                    person.puts_state(&room, "m.room.name", "", json!({"name": name}));
                }
                person.invites_the_bot_to(&room);
                self.entries[who].push(room);
            }
            Act::Removes(number, how) => {
                if let Some(room) = entry(*number).filter(|room| self.is_in(who, room)) {
                    self.world.matrix.change(|server| {
                        server.append_member(&room, &person.id, &server.bot.clone(), how);
                    });
                }
            }
            Act::InvitesAgain(number) => {
                let is_out =
                    |room: &OwnedRoomId| self.is_in(who, room) && self.has_bot(room, "leave");
                if let Some(room) = entry(*number).filter(is_out) {
                    person.invites_the_bot_to(&room);
                }
            }
            Act::Evicts(number) => self.evict(who, *number),
            Act::IsCalled(name) => self.is_called(who, name),
            Act::Settles => self.world.settles(),
        }
    }

    fn evict(&self, who: usize, number: usize) {
        let is_made = |room: &RoomId| !self.entries[who].iter().any(|entry| entry == room);
        if let Some(room) = self.room(who, number, |room| {
            is_made(room) && self.has_bot(room, "join")
        }) {
            self.world.matrix.change(|server| {
                let bot = server.bot.clone();
                server.append_member(&room, &bot, &bot, "leave");
            });
        }
    }

    fn is_called(&self, who: usize, name: &str) {
        let id = &self.people[who].id;
        let rooms = self.rooms(who);
        self.world.matrix.change(|server| {
            server.names.insert(id.clone(), name.to_owned());
            for room in rooms {
                if server.room(&room).membership(id) == "join" {
                    let content = json!({"membership": "join", "displayname": name});
                    server.append(&room, id, "m.room.member", Some(id.as_str()), content);
                }
            }
        });
    }

    fn agrees(&self) {
        self.world.settles();
        let report = self.world.check();
        assert_eq!(report.drift, 0, "{report}\n{:#?}", self.world.rows());
    }
}

/// The Space cannot take the chat from its list any more, and the chat is archived all the same.
#[test]
fn a_chat_is_archived_and_brought_back_while_its_space_is_lost() {
    let (world, alice) = World::with_alice();
    world.matrix.change(|server| {
        let bot = server.bot.clone();
        server.append_member(&alice.space, &bot, &bot, "leave");
    });
    world.settles();
    for (command, status) in [("!archive C1", "archived"), ("!unarchive C1", "active")] {
        world.ask(&alice, &alice.chat, command);
        assert_eq!(world.rows().chats[0].status, status);
        assert_eq!(world.check().drift, 0, "{command}");
    }
}

/// The new chat's room, or its Space, is lost at each moment of its making.
#[test]
fn a_chat_whose_room_or_space_is_lost_while_it_is_made_leaves_nothing_to_repair() {
    for (millis, is_space) in (0..40).flat_map(|millis| [(millis, true), (millis, false)]) {
        let (world, alice) = World::with_alice();
        alice.says(&alice.chat, "!new");
        world.goes_on_for(Duration::from_millis(millis));
        world.matrix.change(|server| {
            let bot = server.bot.clone();
            let newest = server.rooms.keys().next_back().expect("there are rooms");
            let lost = if is_space { &alice.space } else { newest }.clone();
            server.append_member(&lost, &bot, &bot, "leave");
        });
        world.settles();
        let report = world.check();
        assert_eq!(
            report.drift,
            0,
            "{millis} {is_space}: {report}\n{:#?}",
            world.rows()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        max_shrink_iters: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn after_whatever_people_do_a_check_finds_nothing(acts in acts()) {
        let mut story = Story::begin();
        for (who, act) in &acts {
            story.happens(*who, act);
            story.world.goes_on_for(Duration::from_millis(7));
        }
        story.agrees();
    }
}

#[test]
fn an_onboarding_in_a_named_room_leaves_nothing_to_repair() {
    let mut story = Story::begin();
    for name in [Some("Entry"), None] {
        story.happens(1, &Act::Invites(name));
        story.agrees();
    }
    story.happens(1, &Act::Names(0, json!({"name": "Named later"})));
    story.agrees();
    let rows = story.world.rows();
    assert!(
        rows.rooms
            .iter()
            .any(|row| row.display_name == "Named later")
    );
}

#[test]
fn a_name_given_in_a_client_while_a_rename_waits_is_the_one_that_counts_last() {
    let (world, alice) = World::with_alice();
    world
        .matrix
        .fail("put_state", 0, Fault::Slow(Duration::from_secs(2)));
    let command = alice.says(&alice.chat, "!rename By command");
    world.goes_on_for(Duration::from_secs(1));
    alice.puts_state(&alice.chat, "m.room.name", "", json!({"name": "By hand"}));
    world.until("the command", |server| {
        server.is_done_with(&alice.chat, &command)
    });
    world.settles();
    assert_eq!(world.check().drift, 0);
    assert_eq!(world.rows().chats[0].name, "By command");
}
