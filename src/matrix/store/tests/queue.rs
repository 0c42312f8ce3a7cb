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

/// A state event or a reaction of the same person.
fn other(id: &str, event_type: &str, content: Value) -> TimelineItem {
    TimelineItem {
        event_type: event_type.to_owned(),
        state_key: (event_type == "m.room.name").then(String::new),
        ..with(id, content)
    }
}

#[tokio::test]
async fn reactions_and_room_names_fill_no_queue_beyond_its_limit() {
    let store = Store::in_memory().unwrap();
    for number in 0..9 {
        let relation = json!({"rel_type": "m.annotation", "event_id": "$x", "key": "👍"});
        let reaction = other(
            &format!("$r{number}"),
            "m.reaction",
            json!({"m.relates_to": relation}),
        );
        let name = other(
            &format!("$n{number}"),
            "m.room.name",
            json!({"name": format!("name {number}")}),
        );
        store.commit(DEVICE, live(reaction)).await.unwrap();
        store.commit(DEVICE, live(name)).await.unwrap();
    }
    assert_eq!(pending_ids(&store).await, ["$r0", "$n8"]);
    assert_eq!(
        store.rooms_with_refused().await.unwrap(),
        [] as [OwnedRoomId; 0],
        "nobody is told of these"
    );
}
