use std::collections::BTreeSet;

use matrix_sdk::ruma::{EventId, OwnedEventId};
use proptest::prelude::*;

use super::*;
use crate::matrix::intake::PageIntake;

/// What may happen to the journal, in any order.
#[derive(Clone, Debug)]
enum Step {
    /// A sync brings these events, known or not.
    Sync(Vec<u8>),
    /// The oldest pending event is finished with.
    Finish,
    /// The journal is compacted to so many events of the room.
    Compact(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        proptest::collection::vec(any::<u8>(), 1..6).prop_map(Step::Sync),
        Just(Step::Finish),
        Just(Step::Finish),
        (0..3_u32).prop_map(Step::Compact),
    ];
    proptest::collection::vec(step, 1..60)
}

fn event(number: u8) -> TimelineItem {
    message(&format!("$event{number}"), "@alice:hs", "text")
}

async fn no_event_is_handled_twice(steps: Vec<Step>) {
    let store = Store::in_memory().unwrap();
    let mut finished: BTreeSet<OwnedEventId> = BTreeSet::new();
    for step in steps {
        match step {
            Step::Sync(numbers) => {
                let items: Vec<TimelineItem> = numbers.into_iter().map(event).collect();
                let intake = batch("s", brought(&items));
                store.commit(DEVICE, intake).await.unwrap();
            }
            Step::Finish => {
                let next = store.pending(&room(), 1).await.unwrap();
                if let Some(entry) = next.into_iter().next() {
                    store.finish(&entry.item.event_id).await.unwrap();
                    assert!(finished.insert(entry.item.event_id), "handled again");
                }
            }
            Step::Compact(kept) => {
                store.compact_to(kept).await.unwrap();
            }
        }
    }
    for entry in store.pending(&room(), 1_000).await.unwrap() {
        assert!(!finished.contains(&entry.item.event_id), "waits again");
    }
    let ids = finished.iter().map(ToString::to_string).collect();
    assert!(
        store
            .known(ids)
            .await
            .unwrap()
            .into_iter()
            .all(|known| known)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn an_event_is_handled_once_however_the_journal_is_compacted(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(no_event_is_handled_twice(steps));
    }
}

#[tokio::test]
async fn what_is_taken_out_is_still_known_and_no_gap_brings_it_back() {
    let store = Store::in_memory().unwrap();
    let items: Vec<TimelineItem> = (0..20).map(event).collect();
    let intake = batch("s1", brought(&items));
    store.commit(DEVICE, intake).await.unwrap();
    for item in &items {
        store.finish(&item.event_id).await.unwrap();
    }
    assert_eq!(store.compact_to(5).await.unwrap(), 15);
    assert_eq!(store.compact_to(5).await.unwrap(), 0);
    let hole = RoomIntake {
        gap: Some(crate::matrix::intake::GapIntake {
            from_token: "t".to_owned(),
            until: None,
        }),
        ..brought(&[])
    };
    store.commit(DEVICE, batch("s2", hole)).await.unwrap();
    let gap = store.gaps().await.unwrap().remove(0);
    let page = PageIntake {
        events: items,
        ..PageIntake::default()
    };
    store.fill_gap(&gap, page, None).await.unwrap();
    assert_eq!(pending_ids(&store).await, [""; 0]);
    let first: &EventId = "$event0".try_into().unwrap();
    assert!(store.known(vec![first.to_string()]).await.unwrap()[0]);
}
