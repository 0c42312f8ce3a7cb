use matrix_sdk::ruma::{event_id, owned_event_id, owned_user_id};

use super::*;
use crate::matrix::{
    intake::{Amendment, Edit, GapIntake, PageIntake, Redaction},
    state::StateEvent,
};

const ALICE: &str = "@alice:hs";

fn messages(numbers: impl IntoIterator<Item = u32>) -> Vec<TimelineItem> {
    numbers
        .into_iter()
        .map(|number| message(&format!("${number}"), ALICE, &format!("text {number}")))
        .collect()
}

async fn store_with(numbers: impl IntoIterator<Item = u32>) -> Store {
    let store = Store::in_memory().unwrap();
    let first = batch("s1", brought(&messages(numbers)));
    store.commit(DEVICE, first).await.unwrap();
    store
}

fn with_gap(numbers: impl IntoIterator<Item = u32>, token: &str) -> RoomIntake {
    RoomIntake {
        gap: Some(GapIntake {
            from_token: token.to_owned(),
            until: None,
        }),
        ..brought(&messages(numbers))
    }
}

/// A page as the server sends it: newest first.
fn page(numbers: impl DoubleEndedIterator<Item = u32>) -> PageIntake {
    PageIntake {
        events: messages(numbers.rev()),
        ..PageIntake::default()
    }
}

#[tokio::test]
async fn an_event_that_comes_again_is_kept_once() {
    let store = store_with(1..=2).await;
    store
        .commit(DEVICE, batch("s2", brought(&messages(1..=3))))
        .await
        .unwrap();
    assert_eq!(pending_ids(&store).await, ["$1", "$2", "$3"]);
    store.finish(event_id!("$2")).await.unwrap();
    store
        .commit(DEVICE, batch("s3", brought(&messages(1..=3))))
        .await
        .unwrap();
    assert_eq!(pending_ids(&store).await, ["$1", "$3"]);
    assert_eq!(store.pending_count().await.unwrap(), 2);
}

#[tokio::test]
async fn a_batch_is_committed_in_full_or_not_at_all() {
    let store = store_with(1..=1).await;
    store
        .call(|connection| {
            connection.execute_batch(
                "CREATE TRIGGER full_disk BEFORE INSERT ON invite BEGIN SELECT raise(ABORT, 'full'); END",
            )?;
            Ok(())
        })
        .await
        .unwrap();
    let mut second = batch("s2", brought(&messages(2..=3)));
    second.invited.push((room(), owned_user_id!("@alice:hs")));
    store.commit(DEVICE, second).await.unwrap_err();
    assert_eq!(pending_ids(&store).await, ["$1"]);
    assert_eq!(store.position(DEVICE).await.unwrap().as_deref(), Some("s1"));
}

#[tokio::test]
async fn an_edit_changes_a_waiting_message_of_the_same_sender() {
    let store = store_with(1..=3).await;
    store.finish(event_id!("$3")).await.unwrap();
    let edit = |target: &str, sender: &str| {
        Amendment::Edit(Edit {
            target: target.try_into().unwrap(),
            sender: sender.try_into().unwrap(),
            content: json!({"msgtype": "m.text", "body": "new"}),
        })
    };
    let edits = RoomIntake {
        amendments: vec![
            edit("$1", ALICE),
            edit("$2", "@eve:hs"),
            edit("$3", ALICE),
            edit("$9", ALICE),
        ],
        ..brought(&[])
    };
    store.commit(DEVICE, batch("s2", edits)).await.unwrap();
    let expected = [
        ("$1".to_owned(), json!("new")),
        ("$2".to_owned(), json!("text 2")),
    ];
    assert_eq!(pending(&store).await, expected);
}

#[tokio::test]
async fn an_edit_leaves_a_message_in_its_thread() {
    let store = Store::in_memory().unwrap();
    let thread = json!({"rel_type": "m.thread", "event_id": "$root"});
    let mut item = message("$1", ALICE, "old");
    item.content["m.relates_to"] = thread.clone();
    let edited = RoomIntake {
        amendments: vec![Amendment::Edit(Edit {
            target: owned_event_id!("$1"),
            sender: owned_user_id!("@alice:hs"),
            content: json!({"msgtype": "m.text", "body": "new"}),
        })],
        ..brought(&[item])
    };
    store.commit(DEVICE, batch("s1", edited)).await.unwrap();
    let entry = store.pending(&room(), 1).await.unwrap().remove(0);
    assert_eq!(entry.item.content["body"], "new");
    assert_eq!(entry.item.content["m.relates_to"], thread);
}

/// Of `$1`.
fn redaction(sender: &str) -> Redaction {
    Redaction {
        target: owned_event_id!("$1"),
        sender: sender.try_into().unwrap(),
    }
}

#[tokio::test]
async fn a_redaction_by_somebody_else_takes_the_power_for_it() {
    let store = store_with(1..=1).await;
    let levels = StateEvent {
        event_type: "m.room.power_levels".to_owned(),
        state_key: String::new(),
        sender: owned_user_id!("@bot:hs"),
        origin_server_ts: 0,
        content: json!({"users": {"@bot:hs": 100, "@mod:hs": 50}}),
        invited_by: None,
    };
    let redacts = |sender| RoomIntake {
        state: vec![levels.clone()],
        amendments: vec![Amendment::Redact(redaction(sender))],
        ..brought(&[])
    };
    store
        .commit(DEVICE, batch("s2", redacts("@eve:hs")))
        .await
        .unwrap();
    assert_eq!(pending_ids(&store).await, ["$1"]);
    store
        .commit(DEVICE, batch("s3", redacts("@mod:hs")))
        .await
        .unwrap();
    assert_eq!(pending_ids(&store).await, [""; 0]);
}

#[tokio::test]
async fn a_redaction_ends_the_waiting() {
    let store = store_with(1..=2).await;
    let redacted = RoomIntake {
        amendments: vec![Amendment::Redact(redaction(ALICE))],
        ..brought(&[])
    };
    store.commit(DEVICE, batch("s2", redacted)).await.unwrap();
    assert_eq!(pending_ids(&store).await, ["$2"]);
}

#[tokio::test]
async fn events_fetched_into_a_gap_stand_in_their_place_and_nobody_works_before_it_is_closed() {
    let store = store_with(1..=2).await;
    store
        .commit(DEVICE, batch("s2", with_gap(9..=10, "t9")))
        .await
        .unwrap();
    assert_eq!(pending_ids(&store).await, ["$1", "$2"], "before the gap");
    for done in ["$1", "$2"] {
        store.finish(done.try_into().unwrap()).await.unwrap();
    }
    assert_eq!(
        store.rooms_with_work().await.unwrap(),
        [] as [OwnedRoomId; 0]
    );
    let gap = store.gaps().await.unwrap().remove(0);
    assert_eq!((gap.from_token.as_str(), gap.pages), ("t9", 0));
    store
        .fill_gap(&gap, page(6..=8), Some("t6".to_owned()))
        .await
        .unwrap();
    let gap = store.gaps().await.unwrap().remove(0);
    assert_eq!((gap.from_token.as_str(), gap.pages), ("t6", 1));
    assert_eq!(pending_ids(&store).await, [""; 0]);
    let behind = store.pending_after(&room(), 2, 10).await.unwrap();
    assert_eq!(behind, [], "what waits behind a gap is not looked at");
    store.fill_gap(&gap, page(3..=5), None).await.unwrap();
    assert_eq!(store.gaps().await.unwrap(), []);
    assert_eq!(store.rooms_with_work().await.unwrap(), [room()]);
    let expected: Vec<String> = (3..=10).map(|number| format!("${number}")).collect();
    assert_eq!(pending_ids(&store).await, expected);
}

#[tokio::test]
async fn a_second_gap_leaves_the_first_as_it_is() {
    let store = store_with(1..=1).await;
    store
        .commit(DEVICE, batch("s2", with_gap(4..=5, "t4")))
        .await
        .unwrap();
    store
        .commit(DEVICE, batch("s3", with_gap(9..=9, "t9")))
        .await
        .unwrap();
    let gaps = store.gaps().await.unwrap();
    let tokens: Vec<_> = gaps.iter().map(|gap| gap.from_token.as_str()).collect();
    assert_eq!(tokens, ["t4", "t9"]);
    store.fill_gap(&gaps[1], page(6..=8), None).await.unwrap();
    assert_eq!(pending_ids(&store).await, ["$1"]);
    store.fill_gap(&gaps[0], page(2..=3), None).await.unwrap();
    let expected: Vec<String> = (1..=9).map(|number| format!("${number}")).collect();
    assert_eq!(pending_ids(&store).await, expected);
}

/// A room that is not [`room`].
fn other_room() -> OwnedRoomId {
    room_id!("!other:hs").to_owned()
}

#[tokio::test]
async fn gaps_of_two_rooms_do_not_share_numbers_where_nothing_stands_behind_the_first() {
    for in_one_sync in [true, false] {
        let store = store_with(1..=1).await;
        let first = with_gap([], "t1");
        let second = RoomIntake {
            room: other_room(),
            ..with_gap([], "t2")
        };
        if in_one_sync {
            let mut both = batch("s2", first);
            both.rooms.push(second);
            store.commit(DEVICE, both).await.unwrap();
        } else {
            store.commit(DEVICE, batch("s2", first)).await.unwrap();
            store.commit(DEVICE, batch("s3", second)).await.unwrap();
        }
        let gaps = store.gaps().await.unwrap();
        store.fill_gap(&gaps[0], page(2..=4), None).await.unwrap();
        store.fill_gap(&gaps[1], page(6..=8), None).await.unwrap();
        assert_eq!(pending_ids(&store).await, ["$1", "$2", "$3", "$4"]);
        let other = store.pending(&other_room(), 10).await.unwrap();
        let ids: Vec<_> = other
            .iter()
            .map(|entry| entry.item.event_id.as_str())
            .collect();
        assert_eq!(ids, ["$6", "$7", "$8"], "in one sync: {in_one_sync}");
    }
}

#[tokio::test]
async fn an_answer_without_its_question_takes_no_number_of_a_gap() {
    let store = store_with(1..=1).await;
    store
        .commit(DEVICE, batch("s2", with_gap([], "t2")))
        .await
        .unwrap();
    let answered = RoomIntake {
        answered: [(owned_event_id!("$3"), owned_event_id!("$a3"))].into(),
        ..brought(&[])
    };
    store.commit(DEVICE, batch("s3", answered)).await.unwrap();
    store
        .commit(DEVICE, batch("s4", brought(&messages([9]))))
        .await
        .unwrap();
    let gap = store.gaps().await.unwrap().remove(0);
    store.fill_gap(&gap, page(2..=5), None).await.unwrap();
    assert_eq!(pending_ids(&store).await, ["$1", "$2", "$4", "$5", "$9"]);
}

#[tokio::test]
async fn what_is_amended_in_a_gap_counts_for_messages_before_it() {
    let store = store_with(1..=2).await;
    store
        .commit(DEVICE, batch("s2", with_gap(9..=9, "t9")))
        .await
        .unwrap();
    let gap = store.gaps().await.unwrap().remove(0);
    let edit = |body: &str| Edit {
        target: owned_event_id!("$1"),
        sender: owned_user_id!("@alice:hs"),
        content: json!({"msgtype": "m.text", "body": body}),
    };
    let newest_first = PageIntake {
        edits: vec![edit("newer"), edit("older")],
        ..PageIntake::default()
    };
    store.fill_gap(&gap, newest_first, None).await.unwrap();
    assert_eq!(pending(&store).await[0].1, json!("newer"));
}

#[tokio::test]
async fn an_older_edit_in_a_gap_does_not_replace_a_newer_one_and_others_edit_nothing() {
    let store = store_with(1..=1).await;
    let edit = |sender: &str, body: &str| Edit {
        target: owned_event_id!("$1"),
        sender: sender.try_into().unwrap(),
        content: json!({"msgtype": "m.text", "body": body}),
    };
    let newer = RoomIntake {
        amendments: vec![
            Amendment::Edit(edit(ALICE, "newer")),
            Amendment::Edit(edit("@eve:hs", "forged")),
        ],
        ..with_gap(9..=9, "t9")
    };
    store.commit(DEVICE, batch("s2", newer)).await.unwrap();
    let gap = store.gaps().await.unwrap().remove(0);
    let older = PageIntake {
        edits: vec![edit(ALICE, "older")],
        ..PageIntake::default()
    };
    store.fill_gap(&gap, older, None).await.unwrap();
    assert_eq!(pending(&store).await[0].1, json!("newer"));
}

#[tokio::test]
async fn the_cursor_passes_what_is_done_behind_the_event_and_nothing_that_waits() {
    let store = store_with(1..=5).await;
    let after = |event: &'static str| {
        let store = store.clone();
        async move {
            let event = event.try_into().unwrap();
            let found = store.cursor_after(&room(), event).await.unwrap();
            found.unwrap().to_string()
        }
    };
    assert_eq!(after("$1").await, "$1");
    for done in ["$2", "$3", "$5"] {
        store.finish(done.try_into().unwrap()).await.unwrap();
    }
    assert_eq!(after("$1").await, "$3");
    assert_eq!(after("$4").await, "$5");
}

#[tokio::test]
async fn an_edit_or_a_redaction_in_another_room_changes_nothing() {
    let store = store_with(1..=2).await;
    let elsewhere = RoomIntake {
        room: other_room(),
        amendments: vec![
            Amendment::Redact(redaction(ALICE)),
            Amendment::Edit(Edit {
                target: owned_event_id!("$2"),
                sender: owned_user_id!("@alice:hs"),
                content: json!({"msgtype": "m.text", "body": "new"}),
            }),
        ],
        ..brought(&[])
    };
    store.commit(DEVICE, batch("s2", elsewhere)).await.unwrap();
    let expected = [
        ("$1".to_owned(), json!("text 1")),
        ("$2".to_owned(), json!("text 2")),
    ];
    assert_eq!(pending(&store).await, expected);
}

#[tokio::test]
async fn the_journal_tells_what_it_knows() {
    let store = store_with(1..=2).await;
    store.finish(event_id!("$1")).await.unwrap();
    let asked = ["$1", "$2", "$3"].map(str::to_owned).to_vec();
    assert_eq!(store.known(asked).await.unwrap(), [true, true, false]);
}

#[tokio::test]
async fn a_cut_off_draft_is_remembered_where_its_question_still_waits() {
    let store = store_with(1..=2).await;
    store.finish(event_id!("$2")).await.unwrap();
    let drafts = RoomIntake {
        drafts: vec![
            (owned_event_id!("$1"), owned_event_id!("$d1")),
            (owned_event_id!("$2"), owned_event_id!("$d2")),
        ],
        ..brought(&[])
    };
    store.commit(DEVICE, batch("s2", drafts)).await.unwrap();
    let frozen = store.frozen("$1").await.unwrap();
    assert_eq!(frozen[0].event_id, Some(owned_event_id!("$d1")));
    assert_eq!(store.frozen("$2").await.unwrap(), []);
}

#[tokio::test]
async fn a_question_whose_answer_was_seen_first_never_waits() {
    let store = store_with(1..=1).await;
    let seen = RoomIntake {
        answered: [(owned_event_id!("$3"), owned_event_id!("$a3"))].into(),
        ..with_gap(8..=8, "t8")
    };
    store.commit(DEVICE, batch("s2", seen)).await.unwrap();
    let asked = ["$3", "$8"].map(str::to_owned).to_vec();
    assert_eq!(store.known(asked).await.unwrap(), [false, true]);
    let gap = store.gaps().await.unwrap().remove(0);
    let newer = PageIntake {
        answered: [(owned_event_id!("$4"), owned_event_id!("$a4"))].into(),
        drafts: vec![
            (owned_event_id!("$5"), owned_event_id!("$d5")),
            (owned_event_id!("$4"), owned_event_id!("$d4")),
        ],
        ..page(6..=7)
    };
    store
        .fill_gap(&gap, newer, Some("t6".to_owned()))
        .await
        .unwrap();
    store.fill_gap(&gap, page(2..=5), None).await.unwrap();
    assert_eq!(
        pending_ids(&store).await,
        ["$1", "$2", "$5", "$6", "$7", "$8"]
    );
    assert_eq!(store.frozen("$5").await.unwrap().len(), 1);
    assert_eq!(store.frozen("$4").await.unwrap(), []);
}
