use futures_util::FutureExt;

use super::*;

fn user(number: usize) -> UserKey {
    UserKey::new(format!("@user{number}:hs"))
}

fn agent(name: &str) -> AgentId {
    AgentId::new(name)
}

/// A turn that can begin at once, or nothing.
fn now(turns: &Turns, user: &UserKey, agent: &AgentId, limit: Option<usize>) -> Option<Slot> {
    turns.next(user, agent, limit).now_or_never()
}

#[test]
fn an_agent_that_hangs_keeps_no_turn_from_another_agent() {
    let turns = Turns::default();
    let (hung, other) = (agent("hung"), agent("other"));
    let held: Vec<Slot> = (0..200)
        .filter_map(|number| now(&turns, &user(number), &hung, None))
        .collect();
    assert_eq!(held.len(), OF_ONE_AGENT);
    assert!(now(&turns, &user(1), &other, None).is_some());
    assert!(now(&turns, &user(999), &other, None).is_some());
}

#[test]
fn one_user_with_many_chats_leaves_turns_to_others() {
    let turns = Turns::default();
    let held: Vec<Slot> = (0..200)
        .filter_map(|number| now(&turns, &user(0), &agent(&format!("agent{number}")), None))
        .collect();
    assert_eq!(held.len(), OF_ONE_USER);
    assert!(now(&turns, &user(1), &agent("agent0"), None).is_some());
}

#[test]
fn an_agent_has_no_more_turns_than_its_own_limit_and_waiting_for_it_holds_nothing() {
    let turns = Turns::default();
    let slow = agent("slow");
    let first = now(&turns, &user(0), &slow, Some(1));
    assert!(first.is_some());
    let patient = user(1);
    let mut waiting = Box::pin(turns.next(&patient, &slow, Some(1)));
    assert!(waiting.as_mut().now_or_never().is_none());
    assert_eq!(turns.lock().running, 1);
    drop(first);
    assert!(waiting.now_or_never().is_some());
}

#[test]
fn users_are_served_in_turn_and_not_by_who_came_first_with_most() {
    let turns = Turns::default();
    let busy = agent("busy");
    let running = now(&turns, &user(0), &busy, Some(1));
    let mut waiting: Vec<_> = [1, 1, 1, 2, 3]
        .into_iter()
        .map(|number| {
            let (turns, busy) = (turns.clone(), busy.clone());
            let next = async move { (number, turns.next(&user(number), &busy, Some(1)).await) };
            let mut next = Box::pin(next);
            assert!(next.as_mut().now_or_never().is_none());
            next
        })
        .collect();
    drop(running);
    let mut order = Vec::new();
    while !waiting.is_empty() {
        let (index, served) = waiting
            .iter_mut()
            .enumerate()
            .find_map(|(index, next)| Some((index, next.as_mut().now_or_never()?)))
            .unwrap();
        drop(waiting.remove(index));
        order.push(served.0);
        drop(served);
    }
    assert_eq!(order, [1, 2, 3, 1, 1]);
}

#[test]
fn who_stops_waiting_is_forgotten_and_nothing_is_left_in_the_end() {
    let turns = Turns::default();
    let busy = agent("busy");
    let running = now(&turns, &user(0), &busy, Some(1));
    for number in 0..50 {
        assert!(now(&turns, &user(number), &busy, Some(1)).is_none());
    }
    drop(running);
    let state = turns.lock();
    assert_eq!(state.running, 0);
    assert!(state.by_user.is_empty() && state.by_agent.is_empty() && state.ring.is_empty());
}
