//! Rooms that the bot is no longer in.

use std::{sync::Arc, time::Duration};

use matrix_sdk::ruma::{OwnedRoomId, RoomId};
use surfaces_bot::{core::ids::AgentId, matrix::bot::FirstSync, platform::mock::MockAgent};

use crate::support::{
    Person, Resident, World,
    requests::{Fault, LostRoom},
};

fn removal(while_running: bool) {
    let (mut world, alice) = World::with_alice();
    world.ask(&alice, &alice.chat, "!new Trip");
    let trip = world.matrix.home_of(&alice.id).chats[1].clone();
    if !while_running {
        world.kill();
    }
    // As the server's operator can: in its own rooms nobody but the bot has the power.
    world
        .matrix
        .change(|server| server.append_member(&trip, &alice.id, &server.bot.clone(), "leave"));
    if !while_running {
        world.start();
    }
    world.settles();
    let rows = world.rows();
    let gone = rows
        .chats
        .iter()
        .find(|row| row.surface_ref == trip.as_str())
        .unwrap();
    assert_eq!(
        (gone.chat_id.as_str(), gone.status.as_str()),
        ("C2", "gone")
    );
    assert!(
        rows.rooms
            .iter()
            .any(|row| row.room_id == trip.as_str() && row.gone)
    );
    assert_eq!(rows.users[0].next_chat_index, 3);
    let made = world.ask(&alice, &alice.chat, "!new Next");
    assert!(made.contains("C3 · Next"), "{made}");
}

#[test]
fn a_room_the_bot_was_removed_from_loses_its_chat_at_once() {
    removal(true);
}

#[test]
fn a_room_the_bot_was_removed_from_while_away_loses_its_chat_at_the_next_start() {
    removal(false);
}

#[test]
fn an_entry_room_that_is_closed_costs_no_chat() {
    let (world, alice) = World::with_alice();
    alice.removes_the_bot_from(&alice.entry);
    world.settles();
    assert!(world.ask(&alice, &alice.chat, "hello").ends_with("hello"));
    assert_eq!(world.rows().chats[0].status, "active");
}

#[test]
fn a_question_in_a_room_that_is_left_before_its_turn_stops_nothing() {
    let (mut world, alice) = World::with_alice();
    let carol = world.welcomes("@carol:hs");
    world.kill();
    alice.says(&alice.entry, "!help");
    alice.removes_the_bot_from(&alice.entry);
    world.start();
    assert!(world.ask(&carol, &carol.chat, "hello").ends_with("hello"));
    world.settles();
    assert_eq!(
        world.with_store(|store| async move { store.pending_count().await.unwrap() }),
        0
    );
}

/// An end with nothing left to do takes no time, now and after every later start.
fn ends_at_once(world: &mut World, when: &str) {
    for round in ["the first", "the next"] {
        let before = world.clock.millis();
        assert_eq!(world.shut_down().as_deref(), Some("as it was asked to"));
        let took = world.clock.millis() - before;
        assert!(
            took < 2_000,
            "{when}: {round} end took {took} ms\n{}",
            world.log.tail()
        );
        world.start();
        world.goes_on_for(Duration::from_secs(20));
    }
}

fn is_in(world: &World, room: &RoomId) -> bool {
    world.matrix.see(|server| server.joined().contains(room))
}

/// Alice, with an agent that takes a second for each word.
fn slow_world() -> (World, Resident) {
    let mut world = World::new();
    let slow = MockAgent::new(AgentId::new("assistant")).with_pause(Duration::from_secs(1));
    world.settings.agents = vec![("assistant", Arc::new(slow))];
    world.start();
    let alice = world.welcomes("@alice:hs");
    (world, alice)
}

#[test]
fn a_chat_room_that_is_lost_at_any_request_of_an_answer_holds_nothing_up() {
    let (mut skip, mut removals) = (0, 0);
    loop {
        let (mut world, alice) = slow_world();
        world
            .matrix
            .fail_any(skip, Fault::Removed(LostRoom::Named(alice.chat.clone())));
        alice.says(&alice.chat, "one two three four five six");
        world.goes_on_for(Duration::from_secs(15));
        if is_in(&world, &alice.chat) {
            break;
        }
        removals += 1;
        ends_at_once(&mut world, &format!("removed at request {skip}"));
        let pending = world.with_store(|store| async move { store.pending_count().await.unwrap() });
        assert_eq!(pending, 0, "removed at request {skip}");
        let entry = alice.invites_the_bot();
        world.until("the pointer", |server| server.has_pointed_in(&entry));
        skip += 1;
    }
    assert!(removals > 8, "the answer took {removals} requests");
}

#[test]
fn an_agent_is_stopped_when_its_room_is_lost() {
    let (mut world, alice) = slow_world();
    let words = "word ".repeat(300);
    let question = alice.says(&alice.chat, &words);
    world.until("a draft", |server| {
        !server.answers_to(&alice.chat, &question).is_empty()
    });
    world
        .matrix
        .change(|server| server.removes_the_bot(&LostRoom::Named(alice.chat.clone())));
    world.goes_on_for(Duration::from_secs(1));
    ends_at_once(&mut world, "removed in the middle of the answer");
}

/// The chat in which the bot serves the user, which they join.
fn chat_of(world: &World, person: &Person) -> OwnedRoomId {
    let rows = world.rows().chats;
    let chat = rows.iter().find(|row| row.status == "active").unwrap();
    let room = OwnedRoomId::try_from(chat.surface_ref.as_str()).unwrap();
    assert!(is_in(world, &room), "the bot is not in {room}");
    if world
        .matrix
        .see(|server| server.room(&room).membership(&person.id) != "join")
    {
        person.joins(&room);
    }
    room
}

fn lost_while_onboarding(which: impl Fn(&OwnedRoomId) -> LostRoom) {
    let (mut skip, mut removals) = (0, 0);
    loop {
        let mut world = World::running();
        world.goes_on_for(Duration::from_secs(5));
        let alice = world.person("@alice:hs");
        let entry = alice.invites_the_bot();
        let requests = |world: &World| world.matrix.see(|server| server.requests.log.len());
        let before = requests(&world);
        world.matrix.fail_any(skip, Fault::Removed(which(&entry)));
        world.goes_on_for(Duration::from_secs(20));
        if requests(&world) - before <= skip {
            break;
        }
        if !world
            .matrix
            .see(crate::support::fake_matrix::Server::was_removed)
        {
            // Nothing to be removed from yet.
            skip += 1;
            continue;
        }
        removals += 1;
        let when = format!("removed at request {skip}");
        ends_at_once(&mut world, &when);
        let again = if is_in(&world, &entry) {
            alice.invites_the_bot()
        } else {
            alice.invites_the_bot_to(&entry);
            entry
        };
        world.until(&when, |server| server.has_pointed_in(&again));
        world.settles();
        let chat = chat_of(&world, &alice);
        assert!(
            world.ask(&alice, &chat, "hello").ends_with("hello"),
            "{when}"
        );
        ends_at_once(&mut world, &when);
        skip += 1;
    }
    assert!(removals > 8, "the onboarding took {removals} requests");
}

#[test]
fn an_entry_room_that_is_lost_at_any_request_of_an_onboarding_can_be_entered_again() {
    lost_while_onboarding(|entry| LostRoom::Named(entry.clone()));
}

#[test]
fn any_room_that_is_lost_at_any_request_of_an_onboarding_is_made_again() {
    lost_while_onboarding(|_| LostRoom::Newest);
}

#[test]
fn a_removal_and_an_invitation_in_one_sync_are_a_new_invitation() {
    for millis in (0..100).step_by(4) {
        let world = World::running();
        let alice = world.person("@alice:hs");
        let entry = alice.invites_the_bot();
        world.goes_on_for(Duration::from_millis(millis));
        let is_asked_again = world.matrix.change(|server| {
            let bot = server.bot.clone();
            let was_in = server.room(&entry).membership(&bot) == "join";
            if was_in {
                server.append_member(&entry, &alice.id, &bot, "leave");
                server.append_member(&entry, &alice.id, &bot, "invite");
            }
            was_in
        });
        let before = world.matrix.bot_said(&entry).len();
        world.settles();
        assert!(is_in(&world, &entry), "{millis}");
        if is_asked_again {
            let said = world.matrix.bot_said(&entry).len();
            assert!(
                said > before,
                "{millis}: nothing is said after the second invitation"
            );
        }
        let invites = world.with_store(|store| async move { store.invites().await.unwrap() });
        assert_eq!(invites, []);
    }
}

/// The server's list of rooms names this one, and no sync brings it.
#[test]
fn a_joined_room_that_no_sync_brings_is_not_gone_when_the_bot_leaves_another() {
    let (mut world, alice) = World::with_alice();
    let carol = world.welcomes("@carol:hs");
    world.settles();
    let before = world.rows();
    world.kill();
    world
        .matrix
        .change(|server| server.untold.insert(alice.chat.clone()));
    world.settings.first_sync = FirstSync::Full;
    world.start();
    world.settles();
    assert_eq!(world.rows(), before);
    carol.removes_the_bot_from(&carol.entry);
    world.settles();
    let chats = world.rows().chats;
    assert_eq!(chats, before.chats);
    assert!(
        world
            .rows()
            .rooms
            .iter()
            .any(|row| row.room_id == carol.entry.as_str() && row.gone)
    );
}
