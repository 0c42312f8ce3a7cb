//! Who may be asked next: a bound on the turns that run at once, fair between users.
//!
//! Users take turns in a ring, so that one with many chats is no more served than one with a single one. A turn waits for
//! its agent without holding anything that another agent's turn could use, and neither one user nor one agent can take
//! all there is.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use crate::core::ids::{AgentId, UserKey};

/// Turns that run at once, of all users together.
const AT_ONCE: usize = 64;
/// Turns of one user.
const OF_ONE_USER: usize = 16;
/// Turns of an agent for which the registry says nothing: the rest stays free for others.
const OF_ONE_AGENT: usize = 48;

/// Hands out turns. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Turns {
    state: Arc<Mutex<State>>,
}

/// A turn; dropping it ends it.
pub(crate) struct Slot {
    /// `None` once it is handed back.
    turns: Option<Turns>,
    user: UserKey,
    agent: AgentId,
}

#[derive(Default)]
struct State {
    running: usize,
    by_user: HashMap<UserKey, usize>,
    by_agent: HashMap<AgentId, usize>,
    /// Users with turns that wait; the next one to be served in front.
    ring: VecDeque<(UserKey, VecDeque<Waiting>)>,
}

struct Waiting {
    agent: AgentId,
    limit: usize,
    granted: oneshot::Sender<Slot>,
}

impl Turns {
    /// Waits for a turn of this user with this agent, which may have so many at once. May be dropped while it waits.
    pub(crate) async fn next(&self, user: &UserKey, agent: &AgentId, limit: Option<usize>) -> Slot {
        let (granted, slot) = oneshot::channel();
        let waiting = Waiting {
            agent: agent.clone(),
            limit: limit.unwrap_or(OF_ONE_AGENT),
            granted,
        };
        {
            let mut state = self.lock();
            state.enqueue(user, waiting);
            state.grant(self);
        }
        slot.await
            .expect("whoever waits is in the ring until a turn is granted")
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(turns) = self.turns.take() {
            let mut state = turns.lock();
            state.release(&self.user, &self.agent);
            state.grant(&turns);
        }
    }
}

impl State {
    fn enqueue(&mut self, user: &UserKey, waiting: Waiting) {
        match self.ring.iter_mut().find(|(waits, _)| waits == user) {
            Some((_, queue)) => queue.push_back(waiting),
            None => self.ring.push_back((user.clone(), [waiting].into())),
        }
    }

    /// Gives out every turn that can begin now.
    fn grant(&mut self, turns: &Turns) {
        let mut passed_over = 0;
        while self.running < AT_ONCE && passed_over < self.ring.len() {
            let Some((user, mut queue)) = self.ring.pop_front() else {
                return;
            };
            // Whoever was dropped while waiting waits no longer.
            queue.retain(|waiting| !waiting.granted.is_closed());
            if queue.is_empty() {
                continue;
            }
            match self.startable(&user, &queue) {
                Some(index) => {
                    passed_over = 0;
                    if let Some(waiting) = queue.remove(index) {
                        self.begin(turns, &user, waiting);
                    }
                }
                None => passed_over += 1,
            }
            if !queue.is_empty() {
                self.ring.push_back((user, queue));
            }
        }
    }

    fn startable(&self, user: &UserKey, queue: &VecDeque<Waiting>) -> Option<usize> {
        if self.by_user.get(user).copied().unwrap_or(0) >= OF_ONE_USER {
            return None;
        }
        queue.iter().position(|waiting| {
            self.by_agent.get(&waiting.agent).copied().unwrap_or(0) < waiting.limit
        })
    }

    fn begin(&mut self, turns: &Turns, user: &UserKey, waiting: Waiting) {
        self.running += 1;
        *self.by_user.entry(user.clone()).or_default() += 1;
        *self.by_agent.entry(waiting.agent.clone()).or_default() += 1;
        let slot = Slot {
            turns: Some(turns.clone()),
            user: user.clone(),
            agent: waiting.agent,
        };
        if let Err(mut unwanted) = waiting.granted.send(slot) {
            // Dropped at the last moment. Not by `Drop`, which would wait for the lock that is held here.
            unwanted.turns = None;
            let agent = unwanted.agent.clone();
            self.release(user, &agent);
        }
    }

    fn release(&mut self, user: &UserKey, agent: &AgentId) {
        self.running -= 1;
        less(&mut self.by_user, user);
        less(&mut self.by_agent, agent);
    }
}

/// One fewer; what is at zero is forgotten, so that the map stays as small as the work in hand.
fn less<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
