//! One story told over and over: each time the process dies at another request, and in the end nobody can tell.

use super::{Ended, World, fake_matrix::Server, requests::Fault};

/// What is left when the process starts again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Everything.
    Everything,
    /// All but the database.
    NoDatabase,
    /// All but the SDK's store: the bot logs in as a new device, to which earlier transaction ids mean nothing.
    NoDevice,
    /// Neither the database nor the SDK's store: the bot logs in as a new device.
    Nothing,
}

/// A story: how the world is before it, what happens, when it is over where nothing goes wrong, and what must be so in
/// the end.
pub(crate) struct Story<C> {
    pub(crate) before: fn() -> (World, C),
    pub(crate) happens: fn(&World, &mut C),
    pub(crate) is_over: fn(&Server, &C) -> bool,
    pub(crate) check: fn(&World, &C),
}

impl<C> Story<C> {
    /// Kills the process at every request in turn, before the server acts and after, until the story is over first.
    pub(crate) fn survives_death(&self, left: Left) {
        for fault in [Fault::KillBefore, Fault::KillAfter] {
            let mut deaths = 0;
            while self.dies_at(deaths, &fault, left) {
                deaths += 1;
            }
            assert!(deaths > 3, "the story is told in {deaths} requests");
        }
    }

    fn dies_at(&self, skip: usize, fault: &Fault, left: Left) -> bool {
        let (mut world, mut context) = (self.before)();
        world.matrix.fail_any(skip, fault.clone());
        (self.happens)(&world, &mut context);
        let ended = world.until_killed_or("the end of the story", |server| {
            (self.is_over)(server, &context)
        });
        if ended == Ended::Reached {
            return false;
        }
        let moment = world.matrix.see(|server| {
            let last = server.requests.log.last();
            format!("{fault:?} of request {skip} ({last:?}), then {left:?} is left")
        });
        match left {
            Left::Everything => world.kill(),
            Left::NoDatabase => world.kill_and_wipe(),
            Left::NoDevice => world.kill_and_lose_the_device(),
            Left::Nothing => world.kill_and_wipe_all(),
        }
        world.start();
        world.settles();
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            (self.check)(&world, &context);
        }));
        assert!(checked.is_ok(), "{moment}\n{}", world.log.tail());
        true
    }

    /// The same with requests that go wrong in a way the process survives.
    pub(crate) fn survives(&self, fault: &Fault, kinds: &[&'static str]) {
        for kind in kinds {
            let mut skip = 0;
            loop {
                let (world, mut context) = (self.before)();
                let asked_before = world.matrix.count(kind);
                world.matrix.fail(kind, skip, fault.clone());
                (self.happens)(&world, &mut context);
                let what = format!("the end of the story with {fault:?} of {kind} {skip}");
                world.until(&what, |server| (self.is_over)(server, &context));
                let asked = world.matrix.count(kind) - asked_before;
                world.matrix.recovers();
                world.settles();
                (self.check)(&world, &context);
                if asked <= skip {
                    break;
                }
                skip += 1;
            }
            assert!(skip > 0, "{kind} is never asked");
        }
    }
}
