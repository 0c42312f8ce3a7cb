//! Events that cannot be decrypted, set aside and taken up again.

use matrix_sdk::ruma::event_id;

use super::*;

async fn store_with_encrypted(ids: &[&str]) -> Store {
    let store = Store::in_memory().unwrap();
    let items: Vec<TimelineItem> = ids
        .iter()
        .map(|id| TimelineItem {
            event_type: "m.room.encrypted".to_owned(),
            ..message(id, "@alice:hs", "")
        })
        .collect();
    store
        .commit(DEVICE, batch("s1", brought(&items)))
        .await
        .unwrap();
    store
}

#[tokio::test]
async fn a_session_is_announced_by_its_first_event() {
    let store = store_with_encrypted(&["$1", "$2"]).await;
    for event in [event_id!("$1"), event_id!("$2"), event_id!("$1")] {
        let by = store.announce_session(&room(), "s", event).await.unwrap();
        assert_eq!(by, "$1");
    }
    let room = room();
    let is_announced = |event| store.is_announced(&room, "s", event);
    assert!(!is_announced(event_id!("$1")).await.unwrap());
    assert!(is_announced(event_id!("$2")).await.unwrap());
}

#[tokio::test]
async fn an_event_that_can_be_read_late_waits_as_the_newest_and_moves_no_cursor() {
    let store = store_with_encrypted(&["$1", "$2"]).await;
    store
        .park(&room(), event_id!("$1"), "s", None)
        .await
        .unwrap();
    assert_eq!(pending_ids(&store).await, ["$2"]);
    assert_eq!(store.parked(9).await.unwrap().len(), 1);
    let clear = message("$1", "@alice:hs", "clear");
    store.unpark(&room(), &clear).await.unwrap();
    let waiting = pending(&store).await;
    assert_eq!(waiting[1], ("$1".to_owned(), json!("clear")));
    assert_eq!(
        store.cursor_after(&room(), event_id!("$1")).await.unwrap(),
        None
    );
    store.finish(event_id!("$1")).await.unwrap();
    let cursor = store.cursor_after(&room(), event_id!("$2")).await.unwrap();
    assert_eq!(cursor.unwrap(), "$2");
}

#[tokio::test]
async fn of_a_session_that_is_abandoned_nothing_is_remembered() {
    let store = store_with_encrypted(&["$1", "$2"]).await;
    for event in [event_id!("$1"), event_id!("$2")] {
        store.announce_session(&room(), "s", event).await.unwrap();
        store.park(&room(), event, "s", None).await.unwrap();
    }
    store.abandon_parked(event_id!("$1")).await.unwrap();
    let room = room();
    let is_announced = || store.is_announced(&room, "s", event_id!("$3"));
    assert!(is_announced().await.unwrap());
    store.abandon_parked(event_id!("$2")).await.unwrap();
    assert!(!is_announced().await.unwrap());
}

#[tokio::test]
async fn an_edit_that_can_be_read_changes_its_message_and_waits_no_longer() {
    let store = store_with_encrypted(&["$edit"]).await;
    store
        .commit(
            DEVICE,
            batch("s2", brought(&[message("$1", "@alice:hs", "old")])),
        )
        .await
        .unwrap();
    let mut edit = message("$edit", "@alice:hs", "* new");
    edit.content["m.new_content"] = json!({"msgtype": "m.text", "body": "new"});
    edit.content["m.relates_to"] = json!({"rel_type": "m.replace", "event_id": "$1"});
    assert!(!store.decrypted(&room(), &edit).await.unwrap());
    store.finish(event_id!("$edit")).await.unwrap();
    assert_eq!(pending(&store).await, [("$1".to_owned(), json!("new"))]);
    let words = message("$1", "@alice:hs", "decrypted");
    assert!(store.decrypted(&room(), &words).await.unwrap());
    assert_eq!(pending(&store).await[0].1, json!("decrypted"));
}
