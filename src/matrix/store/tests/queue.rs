//! Which live messages find room.

use super::*;

fn live(item: TimelineItem) -> BatchIntake {
    BatchIntake {
        queue_limit: Some(1),
        ..batch("s2", brought(&[item]))
    }
}

fn with(id: &str, content: Value) -> TimelineItem {
    TimelineItem {
        content,
        ..message(id, "@alice:hs", "")
    }
}

#[tokio::test]
async fn a_command_finds_room_where_words_do_not_and_a_caption_is_no_command() {
    let store = Store::in_memory().unwrap();
    let first = message("$1", "@alice:hs", "hello");
    store.commit(DEVICE, live(first)).await.unwrap();
    let caption =
        json!({"msgtype": "m.file", "body": "!stop", "filename": "a.txt", "url": "mxc://hs/a"});
    store
        .commit(DEVICE, live(with("$2", caption)))
        .await
        .unwrap();
    assert_eq!(pending_ids(&store).await, ["$1"]);
    let command = message("$3", "@alice:hs", "!stop");
    store.commit(DEVICE, live(command)).await.unwrap();
    assert_eq!(pending_ids(&store).await, ["$1", "$3"]);
}
