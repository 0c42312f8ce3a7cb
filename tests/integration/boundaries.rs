//! The process dies at every named boundary in turn, and nobody can tell in the end.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use matrix_sdk::ruma::{OwnedEventId, OwnedRoomId};
use surfaces_bot::{
    boundary::{self, Boundary},
    core::ids::AgentId,
    platform::mock::MockAgent,
};

use crate::support::{Ended, Left, Person, Resident, World, fake_matrix::Server};

/// A morning: messages that waited, one long answer, commands, and a new user.
struct Morning {
    world: World,
    alice: Resident,
    bob: Person,
    entry: OwnedRoomId,
    questions: Vec<OwnedEventId>,
}

impl Morning {
    /// The bot is about to start.
    fn before() -> Self {
        let mut world = World::new();
        let slow = MockAgent::new(AgentId::new("assistant")).with_pause(Duration::from_millis(500));
        world.settings.agents = vec![("assistant", Arc::new(slow))];
        world.start();
        let alice = world.welcomes("@alice:hs");
        world.kill();
        world.matrix.change(|server| server.timeline_limit = 3);
        let questions = [
            "while you",
            "!settings streaming on",
            "were away",
            "!clear",
            "!new Trip",
            "one two three four five",
        ]
        .map(|text| alice.says(&alice.chat, text));
        let bob = world.person("@bob:hs");
        let entry = bob.invites_the_bot();
        Self {
            world,
            alice,
            bob,
            entry,
            questions: questions.into(),
        }
    }

    fn is_over(&self, server: &Server) -> bool {
        self.questions
            .iter()
            .all(|question| server.is_done_with(&self.alice.chat, question))
            && !server.bot_said(&self.entry).is_empty()
    }

    fn until_killed_or_over(&self) -> Ended {
        self.world
            .until_killed_or("the end of the morning", |server| self.is_over(server))
    }

    fn is_as_if_nothing_had_happened(&self) {
        let Self {
            world,
            alice,
            bob,
            questions,
            ..
        } = self;
        let answered: Vec<String> = world
            .matrix
            .bot_said(&alice.chat)
            .into_iter()
            .filter(|said| !said.is_draft)
            .filter_map(|said| said.answers)
            .collect();
        let asked: Vec<String> = questions.iter().map(ToString::to_string).collect();
        assert_eq!(answered, asked, "answered once each, in order");
        let home = world.matrix.home_of(&alice.id);
        assert_eq!((home.spaces.len(), home.chats.len()), (1, 2), "{home:?}");
        let home = world.matrix.home_of(&bob.id);
        assert_eq!((home.spaces.len(), home.chats.len()), (1, 1), "{home:?}");
        assert_eq!(world.matrix.bot_said(&self.entry).len(), 1, "one pointer");
        let marker = world.matrix.see(|server| server.chat_marker(&alice.chat));
        assert_eq!(marker["generation"], 1, "cleared once");
    }
}

/// Kills the process at this passage of the boundary; tells whether it was reached.
fn dies_at(at: Boundary, passage: u32, left: Left) -> bool {
    let mut morning = Morning::before();
    let (matrix, count) = (morning.world.matrix.clone(), Cell::new(passage));
    boundary::watch(Some(Box::new(move |passed| {
        if passed == at {
            count.set(count.get() - 1);
            if count.get() == 0 {
                matrix.change(|server| server.requests.dead = true);
                std::panic::resume_unwind(Box::new("killed"));
            }
        }
    })));
    morning.world.start();
    let ended = morning.until_killed_or_over();
    boundary::watch(None);
    if ended == Ended::Reached {
        return false;
    }
    match left {
        Left::Everything => morning.world.kill(),
        Left::NoDatabase => morning.world.kill_and_wipe(),
        Left::NoDevice => morning.world.kill_and_lose_the_device(),
        Left::Nothing => morning.world.kill_and_wipe_all(),
    }
    morning.world.start();
    assert_eq!(morning.until_killed_or_over(), Ended::Reached);
    morning.world.settles();
    let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        morning.is_as_if_nothing_had_happened();
    }));
    assert!(
        checked.is_ok(),
        "{} passage {passage}, {left:?}\n{}",
        at.name(),
        morning.world.log.tail()
    );
    true
}

fn every_boundary_is_survived(passages: &[u32], left: Left) {
    for at in Boundary::ALL {
        for passage in passages {
            if !dies_at(*at, *passage, left) {
                break;
            }
        }
    }
}

#[test]
fn a_death_at_any_boundary_is_survived() {
    every_boundary_is_survived(&[1, 2], Left::Everything);
}

#[test]
fn a_death_at_any_boundary_and_the_loss_of_the_database_are_survived() {
    every_boundary_is_survived(&[1], Left::NoDatabase);
}

#[test]
fn a_death_at_any_boundary_and_a_new_device_are_survived() {
    every_boundary_is_survived(&[1], Left::NoDevice);
}

#[test]
fn a_death_at_any_boundary_and_the_loss_of_everything_are_survived() {
    every_boundary_is_survived(&[1], Left::Nothing);
}

#[test]
fn a_morning_passes_every_boundary_but_that_of_the_session() {
    let mut morning = Morning::before();
    let passed = Rc::new(RefCell::new(BTreeSet::new()));
    let seen = Rc::clone(&passed);
    boundary::watch(Some(Box::new(move |at| {
        seen.borrow_mut().insert(at.name());
    })));
    morning.world.start();
    assert_eq!(morning.until_killed_or_over(), Ended::Reached);
    boundary::watch(None);
    morning.is_as_if_nothing_had_happened();
    let missing: Vec<&str> = Boundary::ALL
        .iter()
        .map(|at| at.name())
        .filter(|name| !passed.borrow().contains(name))
        .collect();
    assert_eq!(missing, ["session-saved"], "the fakes have no session");
}
