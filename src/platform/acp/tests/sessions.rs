//! Which session a question goes to when connections, processes and databases come and go.

use super::*;
use crate::{
    core::ids::AgentId,
    platform::acp::{Held, SessionBook},
};

const RESUMES: &str = r#"{"loadSession": true, "sessionCapabilities": {"resume": {}, "list": {}}}"#;

fn capabilities(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

/// A book in which the chat has this session.
async fn book(chat: u32, session: &str) -> Arc<LooseBook> {
    let book = LooseBook::default();
    let held = Held {
        session: session.to_owned(),
        room: context(chat).room,
        folder: context(chat).folder,
        is_kept: false,
    };
    book.note(&AgentId::new("coder"), context(chat).context, &held)
        .await
        .unwrap();
    Arc::new(book)
}

async fn session_of(world: &World, context: &ContextRef) -> Option<String> {
    let held = world
        .book
        .find(&AgentId::new("coder"), context.context)
        .await;
    held.unwrap().map(|held| held.session)
}

#[tokio::test]
async fn after_a_restart_the_session_is_resumed() {
    let mut world = World::with(book(1, "s1").await);
    let asking = world.ask(prompt(1, "still there?"));
    let mut peer = world.introduced(capabilities(RESUMES)).await;
    let resumed = peer.answer("session/resume", json!({})).await;
    assert_eq!(resumed["sessionId"], "s1");
    assert_eq!(resumed["cwd"], "/srv/surfaces/matrix/alice/room1");
    let request = peer.expect("session/prompt").await;
    assert_eq!(request["params"]["sessionId"], "s1");
    peer.say("s1", "yes").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(
        whole(asking.await.unwrap().unwrap()).await,
        [text("yes"), DONE]
    );
}

#[tokio::test]
async fn what_cannot_be_resumed_is_loaded_and_the_replay_reaches_nobody() {
    let mut world = World::with(book(1, "s1").await);
    let asking = world.ask(prompt(1, "still there?"));
    let mut peer = world.introduced(capabilities(RESUMES)).await;
    peer.refuse("session/resume").await;
    let load = peer.expect("session/load").await;
    assert_eq!(load["params"]["sessionId"], "s1");
    peer.say("s1", "an old answer").await;
    let chunk =
        json!({"sessionUpdate": "user_message_chunk", "content": {"type": "text", "text": "old"}});
    peer.update("s1", chunk).await;
    peer.result(&load, json!({})).await;
    let request = peer.expect("session/prompt").await;
    peer.say("s1", "a new answer").await;
    peer.end(&request, "end_turn").await;
    let answer = whole(asking.await.unwrap().unwrap()).await;
    assert_eq!(answer, [text("a new answer"), DONE]);
}

#[tokio::test]
async fn a_session_that_is_gone_is_begun_anew_and_that_is_said_first() {
    for offers in [RESUMES, "{}"] {
        let mut world = World::with(book(1, "s1").await);
        let asking = world.ask(prompt(1, "still there?"));
        let mut peer = world.introduced(capabilities(offers)).await;
        if offers == RESUMES {
            peer.refuse("session/resume").await;
            peer.refuse("session/load").await;
        }
        peer.answer("session/new", json!({"sessionId": "s2"})).await;
        let request = peer.expect("session/prompt").await;
        peer.say("s2", "who?").await;
        peer.end(&request, "end_turn").await;
        let answer = whole(asking.await.unwrap().unwrap()).await;
        assert_eq!(answer, [AnswerEvent::BegunAnew, text("who?"), DONE]);
        assert_eq!(session_of(&world, &context(1)).await.as_deref(), Some("s2"));
    }
}

#[tokio::test]
async fn a_connection_that_ends_while_a_session_is_restored_loses_no_session() {
    let mut world = World::with(book(1, "s1").await);
    let asking = world.ask(prompt(1, "still there?"));
    let mut peer = world.introduced(capabilities(RESUMES)).await;
    peer.expect("session/resume").await;
    drop(peer);
    let Err(error) = asking.await.unwrap() else {
        panic!("answered by nobody");
    };
    assert!(error.detail.contains("the connection ended"), "{error}");
    assert_eq!(session_of(&world, &context(1)).await.as_deref(), Some("s1"));
    let again = world.ask(prompt(1, "and now?"));
    let mut peer = world.introduced(capabilities(RESUMES)).await;
    peer.answer("session/resume", json!({})).await;
    let request = peer.expect("session/prompt").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(again.await.unwrap().unwrap()).await, [DONE]);
}

#[tokio::test]
async fn without_a_database_the_agents_own_list_finds_the_latest_session_of_the_folder() {
    let mut world = World::new();
    let asking = world.ask(prompt(1, "still there?"));
    let mut peer = world.introduced(capabilities(RESUMES)).await;
    let mine = "/srv/surfaces/matrix/alice/room1";
    let first = json!({"nextCursor": "more", "sessions": [
        {"sessionId": "other", "cwd": "/srv/surfaces/matrix/alice/room2", "updatedAt": "2026-03-01T00:00:00Z"},
        {"sessionId": "older", "cwd": mine, "updatedAt": "2026-01-01T00:00:00Z"},
    ]});
    let second = json!({"sessions": [
        {"sessionId": "s1", "cwd": mine, "updatedAt": "2026-02-01T00:00:00Z"},
        {"sessionId": "undated", "cwd": mine},
    ]});
    assert_eq!(peer.answer("session/list", first).await["cwd"], mine);
    assert_eq!(peer.answer("session/list", second).await["cursor"], "more");
    let resumed = peer.answer("session/resume", json!({})).await;
    assert_eq!(resumed["sessionId"], "s1");
    let request = peer.expect("session/prompt").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(asking.await.unwrap().unwrap()).await, [DONE]);
    assert_eq!(session_of(&world, &context(1)).await.as_deref(), Some("s1"));
}

#[tokio::test]
async fn a_rotated_context_never_finds_an_older_session() {
    let mut world = World::new();
    let asking = world.ask(asked(rotated(1, 1), "hello"));
    let mut peer = world.introduced(capabilities(RESUMES)).await;
    peer.answer("session/new", json!({"sessionId": "s2"})).await;
    let request = peer.expect("session/prompt").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(asking.await.unwrap().unwrap()).await, [DONE]);
}

#[tokio::test]
async fn in_a_folder_of_all_chats_no_session_is_looked_for() {
    let mut world = World::configured(Arc::default(), |settings| settings.is_per_chat = false);
    let asking = world.ask(prompt(1, "hello"));
    let mut peer = world.introduced(capabilities(RESUMES)).await;
    let begun = peer.answer("session/new", json!({"sessionId": "s1"})).await;
    assert_eq!(begun["cwd"], "/srv");
    let request = peer.expect("session/prompt").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(asking.await.unwrap().unwrap()).await, [DONE]);
}
