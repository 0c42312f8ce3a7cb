use super::*;
use crate::{
    core::ids::{AgentId, PlatformChatId, RoomKey},
    platform::acp::{Held, LooseBook, SessionBook},
};

fn context(number: u32) -> PlatformChatId {
    PlatformChatId::backfill(&RoomKey::new("!r:hs"), number)
}

fn held(session: &str, is_kept: bool) -> Held {
    Held {
        session: session.to_owned(),
        room: RoomKey::new("!r:hs"),
        folder: "surfaces/matrix/a/r".to_owned(),
        is_kept,
    }
}

/// The same of the book in the database and of the one in memory.
async fn a_book_keeps_sessions_by_agent_and_context(book: &dyn SessionBook) {
    let (coder, other) = (AgentId::new("coder"), AgentId::new("other"));
    book.note(&coder, context(0), &held("s0", false))
        .await
        .unwrap();
    book.note(&coder, context(0), &held("s1", false))
        .await
        .unwrap();
    book.note(&coder, context(1), &held("s1", true))
        .await
        .unwrap();
    book.note(&other, context(0), &held("s1", false))
        .await
        .unwrap();
    let found = book.find(&coder, context(0)).await.unwrap();
    assert_eq!(found, Some(held("s1", false)), "the last one counts");
    assert_eq!(book.find(&coder, context(7)).await.unwrap(), None);
    let mut holders = book.holders(&coder, "s1").await.unwrap();
    holders.sort_by_key(|(_, held)| held.is_kept);
    let expected = [
        (context(0), held("s1", false)),
        (context(1), held("s1", true)),
    ];
    assert_eq!(holders, expected);
    assert_eq!(book.holders(&coder, "s0").await.unwrap(), []);
    book.forget(&coder, context(0)).await.unwrap();
    book.forget(&coder, context(0)).await.unwrap();
    assert_eq!(book.find(&coder, context(0)).await.unwrap(), None);
    assert!(book.find(&other, context(0)).await.unwrap().is_some());
}

#[tokio::test]
async fn sessions_of_agents_are_kept_by_agent_and_context() {
    a_book_keeps_sessions_by_agent_and_context(&Store::in_memory().unwrap()).await;
    a_book_keeps_sessions_by_agent_and_context(&LooseBook::default()).await;
}
