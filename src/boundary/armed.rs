//! What happens at a boundary in builds for tests: a watcher in the same thread is told, or the process dies.

use std::{
    cell::RefCell,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use super::Boundary;
use crate::config::{Env, Problem};

/// The variable that names the boundary to die at, and at which passage: `final-marked` or `final-marked:3`.
pub const DIE_AT: &str = "SURFACES_TEST_DIE_AT";

/// Where this process is to die.
static PLAN: OnceLock<Plan> = OnceLock::new();

type Watcher = Box<dyn FnMut(Boundary)>;

thread_local! {
    static WATCHER: RefCell<Option<Watcher>> = const { RefCell::new(None) };
}

struct Plan {
    at: Boundary,
    /// Passages before the last one.
    left: AtomicU32,
}

/// Reads where the process is to die, and tells the log which boundaries there are.
pub fn arm(env: &Env) -> Result<(), Problem> {
    let names: Vec<&str> = Boundary::ALL.iter().map(|at| at.name()).collect();
    tracing::warn!(
        boundaries = names.join(","),
        "a build for tests: it dies where it is told to"
    );
    if let Some(text) = env.get(DIE_AT) {
        let expected = "the name of a boundary, or name:passage with a passage from 1 up";
        let plan = parse(text).ok_or_else(|| Problem::bad_value(DIE_AT, text, expected))?;
        // A second plan in one process has nobody to make it.
        let _ = PLAN.set(plan);
    }
    Ok(())
}

/// From here on this thread's passages are told to `watcher`; `None` ends it.
pub fn watch(watcher: Option<Watcher>) {
    WATCHER.with(|place| *place.borrow_mut() = watcher);
}

pub(super) fn reached(boundary: Boundary) {
    // Taken out while it runs, so that what it does may pass boundaries too.
    if let Some(mut watcher) = WATCHER.with(RefCell::take) {
        watcher(boundary);
        WATCHER.with(|place| *place.borrow_mut() = Some(watcher));
    }
    let Some(plan) = PLAN.get().filter(|plan| plan.at == boundary) else {
        return;
    };
    if plan.left.fetch_sub(1, Ordering::SeqCst) == 1 {
        die(boundary);
    }
}

/// As SIGKILL from outside does it: nothing is flushed, nothing is dropped.
fn die(boundary: Boundary) {
    tracing::warn!(boundary = boundary.name(), "dying as told");
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort();
}

fn parse(text: &str) -> Option<Plan> {
    let (name, passage) = match text.trim().split_once(':') {
        Some((name, passage)) => (name, passage.parse().ok().filter(|passage| *passage > 0)?),
        None => (text.trim(), 1),
    };
    let at = *Boundary::ALL.iter().find(|at| at.name() == name)?;
    Some(Plan {
        at,
        left: AtomicU32::new(passage),
    })
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc};

    use super::*;

    #[test]
    fn a_plan_is_a_name_and_a_passage() {
        for (text, expected) in [
            ("sync-received", Some((Boundary::SyncReceived, 1))),
            ("final-marked:3", Some((Boundary::FinalMarked, 3))),
            ("final-marked:0", None),
            ("final-marked:x", None),
            ("elsewhere", None),
            ("", None),
        ] {
            let found = parse(text).map(|plan| (plan.at, plan.left.load(Ordering::SeqCst)));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn who_watches_is_told_until_they_stop() {
        let seen = Rc::new(Cell::new(0));
        let count = Rc::clone(&seen);
        watch(Some(Box::new(move |_| count.set(count.get() + 1))));
        super::super::reached(Boundary::SyncReceived);
        super::super::reached(Boundary::SyncCommitted);
        watch(None);
        super::super::reached(Boundary::SyncReceived);
        assert_eq!(seen.get(), 2);
    }
}
