//! The cache of room state.

use matrix_sdk::ruma::{OwnedUserId, owned_user_id};

use super::*;
use crate::matrix::state::{RoomState, StateEvent};

/// The bot's own membership, after `inviter` as far as the update tells.
fn own(membership: &str, inviter: Option<OwnedUserId>) -> RoomIntake {
    let mut intake = brought(&[]);
    intake.state.push(StateEvent {
        event_type: "m.room.member".to_owned(),
        state_key: "@bot:hs".to_owned(),
        sender: owned_user_id!("@bot:hs"),
        origin_server_ts: 0,
        content: json!({"membership": membership}),
        invited_by: inviter,
    });
    intake
}

async fn inviter(store: &Store) -> Option<OwnedUserId> {
    let rooms = store.read_rooms(RoomState::clone).await.unwrap();
    let own = rooms[&room()].get("m.room.member", "@bot:hs").cloned();
    own.unwrap().invited_by
}

#[tokio::test]
async fn who_invited_the_bot_is_kept_over_new_profiles_and_full_states() {
    let alice = owned_user_id!("@alice:hs");
    let store = Store::in_memory().unwrap();
    let commit = |intake: RoomIntake, full_state| {
        let mut batch = batch("s1", intake);
        batch.full_state = full_state;
        store.commit(DEVICE, batch)
    };
    commit(own("join", Some(alice.clone())), false)
        .await
        .unwrap();
    for full_state in [false, true] {
        commit(own("join", None), full_state).await.unwrap();
        assert_eq!(
            inviter(&store).await,
            Some(alice.clone()),
            "full state: {full_state}"
        );
    }
    commit(own("leave", None), false).await.unwrap();
    assert_eq!(inviter(&store).await, None);
}
