//! Refusals are told once a day.

use std::time::{Duration, UNIX_EPOCH};

use matrix_sdk::ruma::{event_id, user_id};

use super::*;

#[tokio::test]
async fn a_refusal_is_told_once_a_day_to_each_user_and_again_after_a_crash() {
    let store = Store::in_memory().unwrap();
    let (alice, bob) = (user_id!("@alice:hs"), user_id!("@bob:hs"));
    let at = |hours: u64| UNIX_EPOCH + Duration::from_hours(1_000 + hours);
    let (first, second) = (event_id!("$first"), event_id!("$second"));
    assert!(store.may_refuse(alice, first, at(0)).await.unwrap());
    assert!(!store.may_refuse(alice, second, at(23)).await.unwrap());
    assert!(store.may_refuse(alice, first, at(23)).await.unwrap());
    assert!(store.may_refuse(bob, second, at(23)).await.unwrap());
    assert!(store.may_refuse(alice, second, at(24)).await.unwrap());
    assert!(!store.may_refuse(alice, first, at(25)).await.unwrap());
    // The clock was wrong by years when it was told last.
    assert!(store.may_refuse(bob, first, UNIX_EPOCH).await.unwrap());
}
