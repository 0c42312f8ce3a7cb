//! The cases. Each says one thing that the bot's code takes for granted.

use std::{collections::BTreeSet, time::Duration};

use matrix_sdk::ruma::{OwnedEventId, OwnedRoomId, RoomId, event_id, room_id, user_id};
use serde_json::{Value, json};
use surfaces_bot::matrix::{
    batch::TimelineItem,
    client::{InitialState, MatrixClient, MatrixError, NewRoom, SyncFrom},
};
use tokio::time::timeout;

use super::stage::{Stage, Syncing, refusal};

/// Hands the names of all cases to a macro that makes a test of each.
macro_rules! contract_cases {
    ($make_tests:ident) => {
        $make_tests! {
            a_live_sync_brings_messages_in_order
            a_sync_from_a_repeated_position_brings_the_same_events
            a_full_state_of_an_idle_server_comes_to_a_new_client_alone
            a_restarted_client_gets_the_full_state_of_an_idle_server
            a_position_that_the_server_does_not_know_is_refused
            an_invitation_names_its_sender
            the_members_own_join_is_told_apart_from_a_new_profile
            a_limited_timeline_says_where_older_events_can_be_fetched
            pages_go_backwards_to_the_beginning
            a_room_that_the_bot_was_kicked_from_is_left_and_refuses_everything
            a_room_that_the_bot_was_banned_from_cannot_be_joined
            a_room_that_the_bot_has_left_refuses_messages
            a_room_that_nobody_knows_is_refused
            leaving_twice_is_no_failure
            an_event_that_is_too_large_is_refused
            the_same_transaction_gives_the_same_event
            a_room_that_was_made_is_joined_and_holds_what_was_asked_for
            writing_the_same_state_again_writes_nothing
            state_that_the_bot_may_not_write_is_refused
            a_member_cannot_be_invited
            a_room_is_joined_by_invitation_only
            joining_twice_is_no_failure
            the_read_marker_comes_back_with_the_sync
            notes_about_rooms_come_back_with_the_sync
            members_and_names_are_those_of_the_server
            a_redacted_event_has_lost_its_content
            an_event_that_cannot_be_decrypted_stays_unreadable
        }
    };
}
pub(crate) use contract_cases;

/// Longer than a client may keep the bot waiting for an answer that is certain.
const AT_ONCE: Duration = Duration::from_secs(5);

/// A room as the bot makes them: private, with a state event that only the bot may change.
pub(crate) fn a_room() -> NewRoom {
    NewRoom {
        creation_content: json!({"io.lambda.surfaces": {"version": 1, "kind": "chat"}}),
        name: "A room".to_owned(),
        power_levels: json!({"invite": 50, "events": {"io.lambda.surfaces.chat": 100, "m.room.power_levels": 100}}),
        initial_state: vec![InitialState {
            event_type: "io.lambda.surfaces.chat".to_owned(),
            state_key: String::new(),
            content: json!({"chat_id": "C1"}),
        }],
    }
}

fn text(body: &str) -> Value {
    json!({"msgtype": "m.text", "body": body})
}

async fn says<S: Stage>(bot: &Syncing<S>, room: &OwnedRoomId, body: &str) -> OwnedEventId {
    bot.stage.sends(room, "m.room.message", text(body)).await
}

/// Fails the test where the client does not answer soon.
async fn sends_at_once(
    client: &dyn MatrixClient,
    room: &RoomId,
) -> Result<OwnedEventId, MatrixError> {
    timeout(AT_ONCE, client.send_message(room, "t1", &text("hello")))
        .await
        .expect("an answer at once")
}

fn ids(items: &[TimelineItem]) -> Vec<OwnedEventId> {
    items.iter().map(|item| item.event_id.clone()).collect()
}

fn bodies(items: &[TimelineItem]) -> Vec<&str> {
    items
        .iter()
        .filter_map(|item| item.content.get("body")?.as_str())
        .collect()
}

pub(crate) async fn a_live_sync_brings_messages_in_order<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.shared_room().await;
    let sent = [
        says(&bot, &room, "one").await,
        says(&bot, &room, "two").await,
    ];
    let mut seen = Vec::new();
    while seen.len() < sent.len() {
        let update = bot
            .until_update(&room, "messages", |update| Some(update.clone()))
            .await;
        let words = update
            .timeline
            .iter()
            .filter(|item| item.event_type == "m.room.message");
        seen.extend(words.map(|item| item.event_id.clone()));
    }
    assert_eq!(seen, sent);
}

pub(crate) async fn a_sync_from_a_repeated_position_brings_the_same_events<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.shared_room().await;
    let from = bot.position();
    let sent = says(&bot, &room, "again").await;
    bot.until_update(&room, "the message", |update| {
        ids(&update.timeline).contains(&sent).then_some(())
    })
    .await;
    bot.stage.restart().await;
    let repeated = bot
        .stage
        .sync(SyncFrom::Position(from), Duration::ZERO)
        .await
        .unwrap();
    assert!(ids(&repeated.joined[&room].timeline).contains(&sent));
}

pub(crate) async fn a_full_state_of_an_idle_server_comes_to_a_new_client_alone<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.shared_room().await;
    // Nothing new comes between the two syncs, and the client has seen the position before.
    let position = loop {
        let before = bot.position();
        if bot.next().await.next_batch == before {
            break before;
        }
    };
    bot.stage.restart().await;
    let known = SyncFrom::Position(position);
    let idle = bot.stage.sync(known, Duration::ZERO).await.unwrap();
    let full = SyncFrom::PositionWithFullState(idle.next_batch);
    // The SDK drops a response that ends where the last one ended.
    for from in [&full, &SyncFrom::Nothing] {
        let dropped = bot.stage.sync(from.clone(), Duration::ZERO).await.unwrap();
        assert!(dropped.full_state && dropped.joined.is_empty());
    }
    bot.stage.restart().await;
    let full = bot.stage.sync(full, Duration::ZERO).await.unwrap();
    assert!(full.full_state);
    let types: BTreeSet<&str> = full
        .joined
        .get(&room)
        .map(|update| {
            update
                .state
                .iter()
                .map(|event| event.event_type.as_str())
                .collect()
        })
        .unwrap_or_default();
    assert!(types.contains("m.room.create"), "{types:?}");
    bot.stage.restart().await;
    let again = bot
        .stage
        .sync(SyncFrom::Nothing, Duration::ZERO)
        .await
        .unwrap();
    assert!(again.from_nothing && again.joined.contains_key(&room));
}

pub(crate) async fn a_restarted_client_gets_the_full_state_of_an_idle_server<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.shared_room().await;
    let position = bot.position();
    bot.stage.restart().await;
    let full = bot
        .stage
        .sync(SyncFrom::PositionWithFullState(position), Duration::ZERO)
        .await
        .unwrap();
    assert!(full.joined.contains_key(&room));
}

pub(crate) async fn a_position_that_the_server_does_not_know_is_refused<S: Stage>(stage: S) {
    let bot = Syncing::begin(stage).await;
    let from = SyncFrom::Position("nonsense".to_owned());
    let refused = refusal(bot.stage.sync(from, Duration::ZERO).await);
    assert_eq!(refused, (400, "M_UNKNOWN".to_owned()));
}

pub(crate) async fn an_invitation_names_its_sender<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.stage.makes_a_room().await;
    bot.stage.invites_the_bot(&room).await;
    let inviter = bot
        .until("the invitation", |batch| batch.invited.get(&room).cloned())
        .await;
    assert_eq!(inviter, bot.stage.person());
    assert_eq!(bot.client().joined_rooms().await.unwrap(), BTreeSet::new());
}

pub(crate) async fn the_members_own_join_is_told_apart_from_a_new_profile<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.own_room().await;
    let person = bot.stage.person().to_owned();
    bot.client().invite(&room, &person).await.unwrap();
    bot.stage.joins(&room).await;
    let membership = |item: &&TimelineItem| {
        item.state_key.as_deref() == Some(person.as_str()) && item.content["membership"] == "join"
    };
    let look = |update: &surfaces_bot::matrix::batch::JoinedUpdate| {
        update
            .timeline
            .iter()
            .find(membership)
            .map(|item| item.was_joined)
    };
    assert!(!bot.until_update(&room, "the join", look).await);
    bot.stage.sets_display_name("Somebody Else").await;
    assert!(bot.until_update(&room, "the new profile", look).await);
}

pub(crate) async fn a_limited_timeline_says_where_older_events_can_be_fetched<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.shared_room().await;
    let mut sent = Vec::new();
    for number in 0..55 {
        sent.push(says(&bot, &room, &format!("message {number}")).await);
    }
    let (shown, token) = bot
        .until_update(&room, "a limited timeline", |update| {
            Some((ids(&update.timeline), update.gap_before.clone()))
        })
        .await;
    let token = token.expect("events were left out");
    let (page, _) = bot
        .client()
        .messages_before(&room, Some(&token))
        .await
        .unwrap();
    let mut all: Vec<OwnedEventId> = page.into_iter().rev().map(|item| item.event_id).collect();
    all.extend(shown);
    let all: Vec<_> = all.into_iter().filter(|id| sent.contains(id)).collect();
    assert_eq!(all, sent);
}

pub(crate) async fn pages_go_backwards_to_the_beginning<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.shared_room().await;
    for number in 0..3 {
        says(&bot, &room, &format!("{number}")).await;
    }
    let (mut from, mut all) = (None, Vec::new());
    loop {
        let (page, before) = bot
            .client()
            .messages_before(&room, from.as_deref())
            .await
            .unwrap();
        all.extend(page);
        match before {
            Some(token) => from = Some(token),
            None => break,
        }
    }
    assert_eq!(bodies(&all), ["2", "1", "0"]);
    assert_eq!(all.last().unwrap().event_type, "m.room.create");
}

pub(crate) async fn a_room_that_the_bot_was_kicked_from_is_left_and_refuses_everything<S: Stage>(
    stage: S,
) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.shared_room().await;
    let event = says(&bot, &room, "hello").await;
    bot.stage.kicks_the_bot(&room).await;
    // Before a sync has told the client, and after.
    for told in [false, true] {
        if told {
            bot.until("the departure", |batch| {
                batch.left.contains(&room).then_some(())
            })
            .await;
        }
        let client = bot.client();
        let send = sends_at_once(bot.client(), &room).await;
        assert_eq!(refusal(send), (403, "M_FORBIDDEN".to_owned()), "{told}");
        assert_eq!(refusal(client.set_typing(&room, true).await).0, 403);
        assert_eq!(
            refusal(
                client
                    .put_state(&room, "m.room.topic", "", &json!({}))
                    .await
            )
            .0,
            403
        );
        assert_eq!(refusal(client.joined_members(&room).await).0, 403);
        assert_eq!(
            refusal(
                client
                    .invite(&room, user_id!("@nobody:test.localhost"))
                    .await
            )
            .0,
            403
        );
        // Of no use, and no failure.
        client.set_read_marker(&room, &event).await.unwrap();
    }
    assert!(!bot.client().joined_rooms().await.unwrap().contains(&room));
}

pub(crate) async fn a_room_that_the_bot_was_banned_from_cannot_be_joined<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.shared_room().await;
    bot.stage.bans_the_bot(&room).await;
    bot.until("the departure", |batch| {
        batch.left.contains(&room).then_some(())
    })
    .await;
    assert_eq!(refusal(bot.client().join(&room).await).0, 403);
    let send = sends_at_once(bot.client(), &room).await;
    assert_eq!(refusal(send).0, 403);
}

pub(crate) async fn a_room_that_the_bot_has_left_refuses_messages<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.shared_room().await;
    bot.client().leave(&room).await.unwrap();
    let send = sends_at_once(bot.client(), &room).await;
    assert_eq!(refusal(send).0, 403);
    bot.client().forget(&room).await.unwrap();
}

pub(crate) async fn a_room_that_nobody_knows_is_refused<S: Stage>(stage: S) {
    let bot = Syncing::begin(stage).await;
    let room = room_id!("!nowhere:test.localhost");
    let client = bot.client();
    let send = sends_at_once(bot.client(), room).await;
    assert_eq!(refusal(send).0, 403);
    refusal(client.room_state(room).await);
    refusal(client.join(room).await);
}

pub(crate) async fn leaving_twice_is_no_failure<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.shared_room().await;
    bot.client().leave(&room).await.unwrap();
    bot.client().leave(&room).await.unwrap();
}

pub(crate) async fn an_event_that_is_too_large_is_refused<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.own_room().await;
    let client = bot.client();
    client
        .send_message(&room, "fits", &text(&"x".repeat(60_000)))
        .await
        .unwrap();
    let sent = client
        .send_message(&room, "large", &text(&"x".repeat(65_536)))
        .await;
    assert_eq!(refusal(sent), (413, "M_TOO_LARGE".to_owned()));
    let quotes = client
        .send_message(&room, "escaped", &text(&"\"".repeat(40_000)))
        .await;
    assert_eq!(refusal(quotes), (413, "M_TOO_LARGE".to_owned()));
}

pub(crate) async fn the_same_transaction_gives_the_same_event<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.own_room().await;
    let first = bot
        .client()
        .send_message(&room, "t1", &text("one"))
        .await
        .unwrap();
    let second = bot
        .client()
        .send_message(&room, "t1", &text("two"))
        .await
        .unwrap();
    assert_eq!(first, second);
    let other_room = bot.own_room().await;
    let elsewhere = bot
        .client()
        .send_message(&other_room, "t1", &text("one"))
        .await
        .unwrap();
    assert_ne!(first, elsewhere);
    bot.stage.restart().await;
    bot.next().await;
    let third = bot
        .client()
        .send_message(&room, "t1", &text("one"))
        .await
        .unwrap();
    assert_eq!(first, third);
}

pub(crate) async fn a_room_that_was_made_is_joined_and_holds_what_was_asked_for<S: Stage>(
    stage: S,
) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.own_room().await;
    assert!(bot.client().joined_rooms().await.unwrap().contains(&room));
    let current = bot.client().room_state(&room).await.unwrap();
    let content = |event_type: &str| {
        let found = current.iter().find(|event| event.event_type == event_type);
        found.map(|event| event.content.clone()).unwrap_or_default()
    };
    assert_eq!(
        content("m.room.create")["io.lambda.surfaces"]["kind"],
        "chat"
    );
    assert_eq!(content("io.lambda.surfaces.chat"), json!({"chat_id": "C1"}));
    assert_eq!(content("m.room.name")["name"], "A room");
    let create = current
        .iter()
        .find(|event| event.event_type == "m.room.create")
        .unwrap();
    assert_eq!(create.sender, bot.client().user_id());
}

pub(crate) async fn writing_the_same_state_again_writes_nothing<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.own_room().await;
    let write = |id: &'static str| json!({"chat_id": id});
    let kind = "io.lambda.surfaces.chat";
    bot.client()
        .put_state(&room, kind, "", &write("C1"))
        .await
        .unwrap();
    bot.client()
        .put_state(&room, kind, "", &write("C2"))
        .await
        .unwrap();
    bot.client()
        .put_state(&room, kind, "", &write("C2"))
        .await
        .unwrap();
    let (page, _) = bot.client().messages_before(&room, None).await.unwrap();
    let written = page.iter().filter(|item| item.event_type == kind).count();
    assert_eq!(written, 2, "the one of the room's creation, and the change");
}

pub(crate) async fn state_that_the_bot_may_not_write_is_refused<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.shared_room().await;
    let name = json!({"name": "mine"});
    let written = bot
        .client()
        .put_state(&room, "m.room.name", "", &name)
        .await;
    assert_eq!(refusal(written), (403, "M_FORBIDDEN".to_owned()));
}

pub(crate) async fn a_member_cannot_be_invited<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.own_room().await;
    let person = bot.stage.person().to_owned();
    bot.client().invite(&room, &person).await.unwrap();
    // Again before they came: no failure.
    bot.client().invite(&room, &person).await.unwrap();
    bot.stage.joins(&room).await;
    let invited = bot.client().invite(&room, &person).await;
    assert_eq!(refusal(invited), (403, "M_FORBIDDEN".to_owned()));
}

pub(crate) async fn a_room_is_joined_by_invitation_only<S: Stage>(stage: S) {
    let bot = Syncing::begin(stage).await;
    let room = bot.stage.makes_a_room().await;
    assert_eq!(
        refusal(bot.client().join(&room).await),
        (403, "M_FORBIDDEN".to_owned())
    );
    bot.stage.invites_the_bot(&room).await;
    bot.client().leave(&room).await.unwrap();
    assert_eq!(refusal(bot.client().join(&room).await).0, 403);
}

pub(crate) async fn joining_twice_is_no_failure<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.shared_room().await;
    bot.client().join(&room).await.unwrap();
}

pub(crate) async fn the_read_marker_comes_back_with_the_sync<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.shared_room().await;
    let (first, second) = (
        says(&bot, &room, "one").await,
        says(&bot, &room, "two").await,
    );
    bot.client().set_read_marker(&room, &second).await.unwrap();
    let marked = bot
        .until_update(&room, "the marker", |update| update.fully_read.clone())
        .await;
    assert_eq!(marked, second);
    // A marker does not go back.
    bot.client().set_read_marker(&room, &first).await.unwrap();
    bot.stage.restart().await;
    let full = bot
        .stage
        .sync(SyncFrom::Nothing, Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(full.joined[&room].fully_read.as_ref(), Some(&second));
    let unknown = event_id!("$nothing");
    let (status, _) = refusal(bot.client().set_read_marker(&room, unknown).await);
    assert_eq!(status, 404);
}

pub(crate) async fn notes_about_rooms_come_back_with_the_sync<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.shared_room().await;
    let note = json!({"user": bot.stage.person()});
    let kind = surfaces_bot::matrix::marker::ENTRY_NOTE;
    bot.client()
        .put_room_account_data(&room, kind, &note)
        .await
        .unwrap();
    let noted = bot
        .until_update(&room, "the note", |update| update.entry_of.clone())
        .await;
    assert_eq!(noted, bot.stage.person());
}

pub(crate) async fn members_and_names_are_those_of_the_server<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.shared_room().await;
    let (me, person) = (
        bot.client().user_id().to_owned(),
        bot.stage.person().to_owned(),
    );
    let members = bot.client().joined_members(&room).await.unwrap();
    assert_eq!(members, BTreeSet::from([me.clone(), person.clone()]));
    bot.stage.sets_display_name("Alice Example").await;
    let name = bot.client().display_name(&person).await.unwrap();
    assert_eq!(name.as_deref(), Some("Alice Example"));
    let nobody = user_id!("@nobody-at-all:test.localhost");
    assert_eq!(bot.client().display_name(nobody).await.unwrap(), None);
    bot.stage.leaves(&room).await;
    assert_eq!(
        bot.client().joined_members(&room).await.unwrap(),
        BTreeSet::from([me])
    );
}

pub(crate) async fn a_redacted_event_has_lost_its_content<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.shared_room().await;
    let event = says(&bot, &room, "secret").await;
    bot.stage.redacts(&room, &event).await;
    let redacted = bot
        .until_update(&room, "the redaction", |update| {
            update
                .timeline
                .iter()
                .find(|item| item.event_type == "m.room.redaction")
                .cloned()
        })
        .await;
    assert_eq!(redacted.content["redacts"], json!(event));
    let (page, _) = bot.client().messages_before(&room, None).await.unwrap();
    let found = page.iter().find(|item| item.event_id == event).unwrap();
    assert_eq!(found.content, json!({}));
}

pub(crate) async fn an_event_that_cannot_be_decrypted_stays_unreadable<S: Stage>(stage: S) {
    let mut bot = Syncing::begin(stage).await;
    let room = bot.shared_room().await;
    bot.stage
        .puts_state(
            &room,
            "m.room.encryption",
            "",
            json!({"algorithm": "m.megolm.v1.aes-sha2"}),
        )
        .await;
    let content = json!({
        "algorithm": "m.megolm.v1.aes-sha2",
        "ciphertext": "AwgAEnACgAkLmt6qF84IK++J7UDH2Za1YVchHyprqTqsg",
        "device_id": "ELSEWHERE",
        "sender_key": "IlRMeOPX2e0MurIyfWEucYBRVOEEUMrOHqn/8mLqMjA",
        "session_id": "X3lUlvLELLYxeTx4yOVu6UDpasGEVO0Jbu+QFnm0cKQ",
    });
    let event = bot.stage.sends(&room, "m.room.encrypted", content).await;
    let item = bot
        .until_update(&room, "the event", |update| {
            update
                .timeline
                .iter()
                .find(|item| item.event_id == event)
                .cloned()
        })
        .await;
    assert_eq!(item.event_type, "m.room.encrypted");
    assert_eq!(bot.client().decrypt(&room, &item).await.unwrap(), None);
}
