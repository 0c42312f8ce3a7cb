use uuid::Uuid;

use super::*;
use crate::matrix::{
    reconcile::RowChanges,
    store::rows::{RoomRow, UserRow},
};

const ALICE: &str = "@alice:hs";

fn wish(intent: u128, number: u32) -> Provision {
    Provision {
        intent: Uuid::from_u128(intent),
        kind: "chat".to_owned(),
        owner: ALICE.to_owned(),
        plan: json!({"number": number}),
        requested_at: None,
        room: None,
    }
}

#[tokio::test]
async fn a_wish_that_is_recorded_already_stays_what_it_was() {
    let store = Store::in_memory().unwrap();
    assert_eq!(store.begin_provision(wish(1, 4)).await.unwrap(), wish(1, 4));
    assert_eq!(store.begin_provision(wish(1, 9)).await.unwrap(), wish(1, 4));
    assert_eq!(
        store.provision_intents().await.unwrap(),
        [Uuid::from_u128(1)]
    );
}

#[tokio::test]
async fn how_far_a_wish_has_come_is_read_back() {
    let store = Store::in_memory().unwrap();
    let intent = Uuid::from_u128(1);
    assert_eq!(store.provision(intent).await.unwrap(), None);
    store.begin_provision(wish(1, 4)).await.unwrap();
    let at = UNIX_EPOCH + Duration::from_millis(1_500);
    store.provision_requested(intent, Some(at)).await.unwrap();
    store.provision_room(intent, &room()).await.unwrap();
    let read = store.provision(intent).await.unwrap().unwrap();
    assert_eq!((read.requested_at, read.room), (Some(at), Some(room())));
    store.provision_requested(intent, None).await.unwrap();
    let read = store.provision(intent).await.unwrap().unwrap();
    assert_eq!(read.requested_at, None);
}

#[tokio::test]
async fn the_rows_of_a_finished_room_take_the_place_of_its_record() {
    let store = Store::in_memory().unwrap();
    store.begin_provision(wish(1, 4)).await.unwrap();
    let rows = RowChanges {
        put_rooms: vec![RoomRow {
            room_id: room().to_string(),
            room_type: "chat".to_owned(),
            ..RoomRow::default()
        }],
        ..RowChanges::default()
    };
    store
        .finish_provision(Uuid::from_u128(1), rows)
        .await
        .unwrap();
    assert_eq!(store.provision(Uuid::from_u128(1)).await.unwrap(), None);
    assert_eq!(store.rows().await.unwrap().rooms.len(), 1);
}

#[tokio::test]
async fn the_next_number_is_behind_every_chat_and_every_wish() {
    let store = Store::in_memory().unwrap();
    assert_eq!(store.next_chat_number(ALICE).await.unwrap(), 1);
    let rows = RowChanges {
        put_users: vec![UserRow {
            user_id: ALICE.to_owned(),
            next_chat_index: 3,
            ..UserRow::default()
        }],
        ..RowChanges::default()
    };
    store.write_rows(rows).await.unwrap();
    assert_eq!(store.next_chat_number(ALICE).await.unwrap(), 3);
    store.begin_provision(wish(1, 3)).await.unwrap();
    store.begin_provision(wish(2, 10)).await.unwrap();
    assert_eq!(store.next_chat_number(ALICE).await.unwrap(), 11);
    assert_eq!(store.next_chat_number("@carol:hs").await.unwrap(), 1);
}
