use matrix_sdk::ruma::{event_id, owned_event_id};

use super::*;

fn new_message(part: u32, body: &str) -> NewMessage {
    NewMessage {
        part,
        transaction_id: format!("txn-{part}"),
        content: json!({"body": body}),
    }
}

#[tokio::test]
async fn what_is_frozen_stays_what_it_was() {
    let store = Store::in_memory().unwrap();
    store
        .freeze(
            "$q",
            &room(),
            vec![new_message(1, "first"), new_message(2, "second")],
        )
        .await
        .unwrap();
    store
        .freeze(
            "$q",
            &room(),
            vec![new_message(1, "other"), new_message(3, "third")],
        )
        .await
        .unwrap();
    let bodies: Vec<Value> = store
        .frozen("$q")
        .await
        .unwrap()
        .iter()
        .map(|message| message.content["body"].clone())
        .collect();
    assert_eq!(bodies, ["first", "second"]);
    assert_eq!(store.frozen("$another").await.unwrap(), []);
}

#[tokio::test]
async fn a_message_is_settled_by_its_event_or_by_a_final_failure() {
    let store = Store::in_memory().unwrap();
    store
        .freeze(
            "$q",
            &room(),
            vec![
                new_message(0, "a"),
                new_message(1, "b"),
                new_message(2, "c"),
            ],
        )
        .await
        .unwrap();
    store.sent("$q", 0, event_id!("$e")).await.unwrap();
    store
        .not_sendable("$q", 1, "too large", true)
        .await
        .unwrap();
    assert_eq!(store.dead_letters().await.unwrap().answers, 1);
    let frozen = store.frozen("$q").await.unwrap();
    let settled: Vec<bool> = frozen.iter().map(OutMessage::is_settled).collect();
    assert_eq!(settled, [true, true, false]);
    assert_eq!(frozen[0].event_id, Some(owned_event_id!("$e")));
    assert_eq!(frozen[1].failure.as_deref(), Some("too large"));
}

#[tokio::test]
async fn the_answer_is_forgotten_with_its_question() {
    let store = Store::in_memory().unwrap();
    let question = message("$q", "@alice:hs", "hi");
    store
        .commit(DEVICE, batch("s1", brought(&[question])))
        .await
        .unwrap();
    store
        .freeze("$q", &room(), vec![new_message(1, "answer")])
        .await
        .unwrap();
    store.finish(event_id!("$q")).await.unwrap();
    assert_eq!(store.frozen("$q").await.unwrap(), []);
}

#[tokio::test]
async fn what_another_device_froze_is_open_until_it_is_settled_or_adopted() {
    let store = Store::in_memory().unwrap();
    let commit = |device: &'static str| store.commit(device, batch("s1", brought(&[])));
    commit("OLD").await.unwrap();
    store
        .freeze(
            "$q",
            &room(),
            vec![new_message(1, "a"), new_message(2, "b")],
        )
        .await
        .unwrap();
    assert!(!store.is_open_elsewhere("$q").await.unwrap());
    commit("NEW").await.unwrap();
    assert!(store.is_open_elsewhere("$q").await.unwrap());
    store.sent("$q", 1, event_id!("$e")).await.unwrap();
    assert!(store.is_open_elsewhere("$q").await.unwrap());
    store.adopt("$q").await.unwrap();
    assert!(!store.is_open_elsewhere("$q").await.unwrap());
}
