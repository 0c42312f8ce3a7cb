//! Contexts under a name.

use super::*;
use crate::{
    core::ids::{AgentId, EventKey},
    platform::{Advice, acp::SessionBook},
};

const COPIES: &str = r#"{"sessionCapabilities": {"fork": {}, "close": {}, "resume": {}}}"#;
const CONTINUES: &str = r#"{"loadSession": true, "sessionCapabilities": {"close": {}}}"#;

fn kept() -> PlatformChatId {
    PlatformChatId::from_command(&EventKey::new("$save"))
}

fn saved(note: Option<&str>) -> Saved {
    Saved {
        context: kept(),
        note: note.map(str::to_owned),
        room: context(1).room,
        until: EventKey::new("$save"),
    }
}

/// An agent with these capabilities that has answered a question of the first chat in the session `s1`.
async fn begun(offers: &str) -> (World, Peer) {
    let mut world = World::new();
    let asking = world.ask(prompt(1, "hello"));
    let mut peer = world
        .introduced(serde_json::from_str(offers).unwrap())
        .await;
    peer.answer("session/new", json!({"sessionId": "s1"})).await;
    let request = peer.expect("session/prompt").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(asking.await.unwrap().unwrap()).await, [DONE]);
    (world, peer)
}

impl World {
    fn doing<T: Send + 'static>(
        &self,
        work: impl AsyncFnOnce(Arc<AcpAgent>) -> T,
    ) -> impl Future<Output = T> {
        work(Arc::clone(&self.agent))
    }

    async fn session(&self, context: &ContextRef) -> Option<String> {
        let held = self
            .book
            .find(&AgentId::new("coder"), context.context)
            .await;
        held.unwrap().map(|held| held.session)
    }
}

#[tokio::test]
async fn an_agent_that_copies_keeps_a_copy_and_continues_copies_of_it() {
    let (world, mut peer) = begun(COPIES).await;
    let save = world.doing(async |agent| agent.save(&context(1), kept()).await);
    let copy = peer.answer("session/fork", json!({"sessionId": "copy"}));
    let (note, request) = tokio::join!(save, copy);
    assert_eq!(note.unwrap().as_deref(), Some("copy"));
    assert_eq!(request["sessionId"], "s1");
    let again = world.agent.save(&context(1), kept()).await.unwrap();
    assert_eq!(again.as_deref(), Some("copy"), "without asking again");
    for (chat, name) in [(1, "c1"), (2, "c2")] {
        let there = rotated(chat, 1);
        let load = world.doing(async |agent| agent.load(&there, &saved(None)).await);
        let copy = peer.answer("session/fork", json!({"sessionId": name}));
        let (loaded, request) = tokio::join!(load, copy);
        loaded.unwrap();
        assert_eq!(request["sessionId"], "copy");
        assert_eq!(
            request["cwd"],
            format!("/srv/surfaces/matrix/alice/room{chat}")
        );
        assert_eq!(world.session(&there).await.as_deref(), Some(name));
        world.agent.load(&there, &saved(None)).await.unwrap();
    }
}

#[tokio::test]
async fn a_session_that_cannot_be_copied_has_one_chat_at_a_time() {
    let (world, mut peer) = begun(CONTINUES).await;
    let note = world.agent.save(&context(1), kept()).await.unwrap();
    assert_eq!(note.as_deref(), Some("s1"));
    let elsewhere = world.agent.load(&rotated(2, 1), &saved(None)).await;
    assert_eq!(elsewhere.unwrap_err().advice, Advice::HeldElsewhere);
    // The chat itself may go back to it; its folder stays the session's own.
    world
        .agent
        .load(&rotated(1, 1), &saved(None))
        .await
        .unwrap();
    world.agent.disconnect(&context(1)).await.unwrap();
    let asking = world.ask(asked(rotated(1, 1), "and then?"));
    let loaded = peer.answer("session/load", json!({})).await;
    assert_eq!(loaded["sessionId"], "s1");
    let request = peer.expect("session/prompt").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(asking.await.unwrap().unwrap()).await, [DONE]);
    // Let go there, another chat may have it.
    world.agent.disconnect(&rotated(1, 1)).await.unwrap();
    world
        .agent
        .load(&rotated(2, 1), &saved(None))
        .await
        .unwrap();
    assert_eq!(world.session(&rotated(2, 1)).await.as_deref(), Some("s1"));
}

#[tokio::test]
async fn a_kept_session_is_found_by_its_note_where_the_book_is_lost() {
    let mut world = World::new();
    let there = rotated(1, 1);
    let agent = Arc::clone(&world.agent);
    let loading = spawn(async move { agent.load(&rotated(1, 1), &saved(Some("s1"))).await });
    let mut peer = world
        .introduced(serde_json::from_str(COPIES).unwrap())
        .await;
    let request = peer
        .answer("session/fork", json!({"sessionId": "c1"}))
        .await;
    assert_eq!(request["sessionId"], "s1");
    loading.await.unwrap().unwrap();
    assert_eq!(world.session(&there).await.as_deref(), Some("c1"));
    let unknown = world.agent.load(&rotated(2, 1), &saved(None)).await;
    assert_eq!(unknown.unwrap_err().advice, Advice::CannotDo);
}

#[tokio::test]
async fn an_agent_that_neither_copies_nor_continues_keeps_nothing() {
    let (world, _peer) = begun("{}").await;
    let refused = world.agent.save(&context(1), kept()).await;
    assert_eq!(refused.unwrap_err().advice, Advice::CannotDo);
}

#[tokio::test]
async fn a_session_is_closed_when_nobody_has_it_any_more() {
    let (world, mut peer) = begun(CONTINUES).await;
    let let_go = world.doing(async |agent| agent.disconnect(&context(1)).await);
    let (done, closed) = tokio::join!(let_go, peer.answer("session/close", json!({})));
    done.unwrap();
    assert_eq!(closed["sessionId"], "s1");
    assert_eq!(world.session(&context(1)).await, None);
    // Nothing is left to be closed.
    world.agent.disconnect(&context(1)).await.unwrap();
}

#[tokio::test]
async fn a_kept_session_stays_open() {
    let (world, mut peer) = begun(CONTINUES).await;
    world.agent.save(&context(1), kept()).await.unwrap();
    world.agent.disconnect(&context(1)).await.unwrap();
    drop(world.agent);
    assert_eq!(peer.hear().await, None, "nothing was asked of the agent");
}

#[tokio::test]
async fn an_agent_nobody_needs_is_not_woken_to_let_go() {
    let mut world = World::new();
    world.agent.disconnect(&context(1)).await.unwrap();
    world.agent.cancel(&context(1)).await.unwrap();
    assert_eq!(
        world.agent.context_info(&context(1)).await.unwrap().tokens,
        None
    );
    assert!(world.peers.try_recv().is_err());
}
