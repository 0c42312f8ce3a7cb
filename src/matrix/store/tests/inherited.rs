//! Questions of a former life, and answers that come to light late.

use matrix_sdk::ruma::{event_id, owned_event_id};

use super::*;

/// The question `$1`, brought by the first sync of a device.
async fn with_a_question() -> Store {
    let store = Store::in_memory().unwrap();
    let first = brought(&[message("$1", "@alice:hs", "hello")]);
    store.commit(DEVICE, batch("s1", first)).await.unwrap();
    store
}

fn answered(question: &str, answer: &str) -> RoomIntake {
    RoomIntake {
        answered: [(question.try_into().unwrap(), answer.try_into().unwrap())].into(),
        ..brought(&[])
    }
}

#[tokio::test]
async fn what_the_first_sync_of_a_device_brings_may_have_been_answered_and_nothing_later() {
    let store = with_a_question().await;
    let oldest = store.oldest_inherited(&room()).await.unwrap();
    assert_eq!(oldest.as_deref(), Some("$1"));
    let later = brought(&[message("$2", "@alice:hs", "later")]);
    store.commit(DEVICE, batch("s2", later)).await.unwrap();
    store.finish(event_id!("$1")).await.unwrap();
    assert_eq!(store.oldest_inherited(&room()).await.unwrap(), None);
    store
        .commit("ANOTHER", batch("s3", brought(&[])))
        .await
        .unwrap();
    let oldest = store.oldest_inherited(&room()).await.unwrap();
    assert_eq!(oldest.as_deref(), Some("$2"));
}

#[tokio::test]
async fn an_answer_that_comes_to_light_is_taken_for_ours_and_nothing_is_frozen_beside_it() {
    let store = with_a_question().await;
    let late = batch("s2", answered("$1", "$late"));
    store.commit(DEVICE, late).await.unwrap();
    let ours = NewMessage {
        part: 1,
        transaction_id: "t".to_owned(),
        content: json!({"body": "ours"}),
    };
    store.freeze("$1", &room(), vec![ours]).await.unwrap();
    let frozen = store.frozen("$1").await.unwrap();
    assert_eq!(frozen.len(), 1);
    assert_eq!(frozen[0].event_id, Some(owned_event_id!("$late")));
}

#[tokio::test]
async fn an_answer_of_our_own_that_a_sync_tells_of_changes_nothing() {
    let store = with_a_question().await;
    let ours = |part| NewMessage {
        part,
        transaction_id: format!("t{part}"),
        content: json!({"body": "ours"}),
    };
    store
        .freeze("$1", &room(), vec![ours(1), ours(2)])
        .await
        .unwrap();
    let told = batch("s2", answered("$1", "$ours"));
    store.commit(DEVICE, told.clone()).await.unwrap();
    let events: Vec<_> = store
        .frozen("$1")
        .await
        .unwrap()
        .into_iter()
        .map(|message| message.event_id)
        .collect();
    assert_eq!(events, [None, None]);
    store.finish(event_id!("$1")).await.unwrap();
    store.commit(DEVICE, told).await.unwrap();
    assert_eq!(store.frozen("$1").await.unwrap(), []);
}
