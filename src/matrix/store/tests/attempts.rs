//! What counts against an event: failures at once, deaths without a record only where it was alone.

use matrix_sdk::ruma::event_id;

use super::*;

async fn store_with_two() -> Store {
    let store = Store::in_memory().unwrap();
    let both = [
        message("$1", "@alice:hs", "one"),
        message("$2", "@alice:hs", "two"),
    ];
    store
        .commit(DEVICE, batch("s1", brought(&both)))
        .await
        .unwrap();
    store
}

/// The process dies while this is in progress.
async fn dies_during(store: &Store, events: &[(&str, Way)]) {
    for (event, way) in events {
        let event = (*event).try_into().unwrap();
        store.begin_attempt(event, *way).await.unwrap();
    }
    assert_eq!(store.record_deaths().await.unwrap(), events.len());
}

async fn record(store: &Store, event: &str) -> Record {
    let event = event.try_into().unwrap();
    let record = store.begin_attempt(event, Way::InTurn).await.unwrap();
    store.end_attempt(event, End::Innocent).await.unwrap();
    record
}

#[tokio::test]
async fn failures_are_counted_and_ends_that_are_nobodys_fault_are_not() {
    let store = store_with_two().await;
    let event = event_id!("$1");
    for failures in 0..3 {
        let record = store.begin_attempt(event, Way::InTurn).await.unwrap();
        assert_eq!((record.failures, record.is_too_much()), (failures, false));
        store.end_attempt(event, End::Failed).await.unwrap();
        store.begin_attempt(event, Way::InTurn).await.unwrap();
        store.end_attempt(event, End::Innocent).await.unwrap();
    }
    let third = record(&store, "$1").await;
    assert!(third.is_too_much() && third.allows_a_notice());
    for _ in 0..2 {
        store.end_attempt(event, End::Failed).await.unwrap();
    }
    assert!(!record(&store, "$1").await.allows_a_notice());
    assert_eq!(store.record_deaths().await.unwrap(), 0);
}

#[tokio::test]
async fn a_death_counts_against_a_suspected_event_alone() {
    let store = store_with_two().await;
    for _ in 0..2 {
        dies_during(&store, &[("$1", Way::InTurn), ("$2", Way::InTurn)]).await;
    }
    for event in ["$1", "$2"] {
        assert!(store.is_suspected(event.try_into().unwrap()).await.unwrap());
        assert_eq!(record(&store, event).await, Record::default());
    }
    for deaths in 1..=10 {
        assert!(!record(&store, "$1").await.is_too_much());
        dies_during(&store, &[("$1", Way::InTurn)]).await;
        assert_eq!(record(&store, "$1").await.deaths_alone, deaths);
    }
    assert!(record(&store, "$1").await.is_too_much());
    assert_eq!(record(&store, "$2").await, Record::default());
}

#[tokio::test]
async fn what_passed_ahead_is_the_more_likely_reason() {
    let store = store_with_two().await;
    for _ in 0..3 {
        dies_during(&store, &[("$1", Way::InTurn), ("$2", Way::Ahead)]).await;
    }
    assert_eq!(record(&store, "$1").await.deaths_alone, 0);
    assert_eq!(record(&store, "$2").await.deaths_alone, 1);
}

#[tokio::test]
async fn a_death_that_the_process_caused_itself_is_enough_for_a_suspected_event() {
    let store = store_with_two().await;
    let event = event_id!("$1");
    for _ in 0..2 {
        store.end_attempt(event, End::OwnDeath).await.unwrap();
    }
    assert!(!record(&store, "$1").await.is_too_much());
    store.end_attempt(event, End::OwnDeath).await.unwrap();
    assert!(record(&store, "$1").await.is_too_much());
}
