use matrix_sdk::ruma::event_id;

use super::*;

const PEOPLE: Followers = Followers {
    people: true,
    bot: false,
};
const BOT: Followers = Followers {
    people: false,
    bot: true,
};

async fn commit(store: &Store, position: &str, room: RoomIntake) {
    store.commit(DEVICE, batch(position, room)).await.unwrap();
}

/// The bot sends a message as an answer to `question`.
async fn sends(store: &Store, question: &str, part: u32, content: Value) {
    let message = NewMessage {
        part,
        transaction_id: format!("txn-{part}"),
        content,
    };
    store
        .freeze(question, &room(), vec![message])
        .await
        .unwrap();
    store
        .sent(question, part, event_id!("$sent"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_question_is_followed_by_what_people_and_the_bot_said_after_it() {
    let store = Store::in_memory().unwrap();
    commit(&store, "s1", brought(&[message("$1", "@a:hs", "one")])).await;
    assert_eq!(store.followers("$1").await.unwrap(), Followers::default());
    commit(&store, "s2", brought(&[message("$2", "@a:hs", "two")])).await;
    assert_eq!(store.followers("$1").await.unwrap(), PEOPLE);
    assert_eq!(store.followers("$2").await.unwrap(), Followers::default());
    sends(&store, "$1", 1, json!({"body": "answer"})).await;
    assert_eq!(store.followers("$2").await.unwrap(), BOT);
    commit(&store, "s3", brought(&[message("$3", "@a:hs", "three")])).await;
    assert_eq!(store.followers("$3").await.unwrap(), Followers::default());
    assert_eq!(
        store.followers("$unknown").await.unwrap(),
        Followers::default()
    );
}

#[tokio::test]
async fn edits_and_what_is_no_message_follow_nothing() {
    let store = Store::in_memory().unwrap();
    let edit =
        json!({"m.relates_to": {"rel_type": "m.replace", "event_id": "$1"}, "m.new_content": {}});
    let edited = TimelineItem {
        content: edit.clone(),
        ..message("$2", "@a:hs", "")
    };
    let reaction = TimelineItem {
        event_type: "m.reaction".to_owned(),
        ..message("$3", "@a:hs", "")
    };
    let items = [message("$1", "@a:hs", "one"), edited, reaction];
    commit(&store, "s1", brought(&items)).await;
    sends(&store, "$0", 1, edit).await;
    assert_eq!(store.followers("$1").await.unwrap(), Followers::default());
}

#[tokio::test]
async fn a_message_of_the_bot_stands_where_the_timeline_shows_it() {
    let store = Store::in_memory().unwrap();
    let spoke = |items: &[TimelineItem], behind: usize| RoomIntake {
        spoke_behind: Some(behind),
        ..brought(items)
    };
    commit(&store, "s1", spoke(&[message("$1", "@a:hs", "one")], 0)).await;
    assert_eq!(store.followers("$1").await.unwrap(), Followers::default());
    commit(&store, "s2", spoke(&[message("$2", "@a:hs", "two")], 1)).await;
    assert_eq!(store.followers("$2").await.unwrap(), BOT);
    commit(&store, "s3", spoke(&[message("$3", "@a:hs", "three")], 0)).await;
    assert_eq!(store.followers("$3").await.unwrap(), Followers::default());
}

#[tokio::test]
async fn other_rooms_follow_nothing() {
    let store = Store::in_memory().unwrap();
    commit(&store, "s1", brought(&[message("$1", "@a:hs", "one")])).await;
    let elsewhere = RoomIntake {
        room: room_id!("!other:hs").to_owned(),
        spoke_behind: Some(1),
        ..brought(&[message("$2", "@a:hs", "two")])
    };
    commit(&store, "s2", elsewhere).await;
    assert_eq!(store.followers("$1").await.unwrap(), Followers::default());
}
