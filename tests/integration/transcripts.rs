//! A conversation is read back from its room, as people saw it.

use std::{sync::Arc, time::Duration};

use matrix_sdk::ruma::owned_user_id;
use surfaces_bot::{
    core::ids::{AgentId, RoomKey, UserKey},
    matrix::transcripts::RoomTranscripts,
    platform::{
        mock::MockAgent,
        openai::ports::{Conversation, Transcripts},
    },
};

use crate::support::{Resident, World, fake_client::FakeClient};

/// Answers long enough to grow by edits.
fn at_home() -> (World, Resident) {
    let mut world = World::new();
    let slow = MockAgent::new(AgentId::new("assistant")).with_pause(Duration::from_millis(450));
    world.settings.agents = vec![("assistant", Arc::new(slow))];
    world.start();
    let alice = world.welcomes("@alice:hs");
    (world, alice)
}

/// What is read of the chat's context as it is now.
fn read_back(world: &World, alice: &Resident) -> Vec<(String, String)> {
    let rows = world.rows();
    let row = rows
        .rooms
        .iter()
        .find(|row| row.room_id == alice.chat.as_str())
        .unwrap();
    let conversation = Conversation {
        room: RoomKey::new(alice.chat.as_str()),
        user: UserKey::new(row.matrix_user_id.clone()),
        context: row.platform_chat_id.as_deref().unwrap().parse().unwrap(),
        generation: row.generation,
        until: None,
    };
    let client = FakeClient {
        matrix: world.matrix.clone(),
        device: "DEVICE".to_owned(),
        bot: owned_user_id!("@bot:hs"),
    };
    let transcripts = RoomTranscripts::new(Arc::new(client));
    let read = world.with_store(|_| async move { transcripts.read(&conversation).await.unwrap() });
    let mark = read.iter().map(|exchange| {
        let echo = exchange
            .answered
            .split_once("): ")
            .map_or("", |(_, echo)| echo);
        (exchange.asked.clone(), echo.to_owned())
    });
    mark.collect()
}

fn echoed(texts: &[&str]) -> Vec<(String, String)> {
    texts
        .iter()
        .map(|text| ((*text).to_owned(), (*text).to_owned()))
        .collect()
}

#[test]
fn questions_and_whole_answers_are_read_and_nothing_else() {
    let (mut world, alice) = at_home();
    assert_eq!(read_back(&world, &alice), []);
    world.ask(&alice, &alice.chat, "one two three four");
    world.ask(&alice, &alice.chat, "!context");
    world.ask(&alice, &alice.chat, "five");
    let expected = echoed(&["one two three four", "five"]);
    assert_eq!(read_back(&world, &alice), expected);
    world.kill_and_wipe_all();
    world.start();
    world.settles();
    assert_eq!(read_back(&world, &alice), expected);
}

#[test]
fn a_context_begins_at_its_clear_and_pages_make_no_difference() {
    let (world, alice) = at_home();
    world.ask(&alice, &alice.chat, "forgotten");
    world.ask(&alice, &alice.chat, "!clear");
    for text in ["one", "two"] {
        world.ask(&alice, &alice.chat, text);
    }
    for page in [1, 2, 3, 100] {
        world.matrix.change(|server| server.page = page);
        assert_eq!(read_back(&world, &alice), echoed(&["one", "two"]), "{page}");
    }
}
