//! Pictures and other things that an agent gives and that a chat cannot show yet.

use super::*;
use crate::platform::Media;

#[tokio::test]
async fn an_answer_that_is_only_a_picture_is_not_empty() {
    let mut world = World::new();
    let asking = world.ask(prompt(1, "draw"));
    let mut peer = world.introduced(json!({})).await;
    peer.answer("session/new", json!({"sessionId": "s1"})).await;
    let request = peer.expect("session/prompt").await;
    let picture = json!({"type": "image", "data": "eA==", "mimeType": "image/png"});
    peer.show("s1", picture).await;
    // A kind of content that is not in the protocol yet.
    peer.show("s1", json!({"type": "hologram", "data": "eA=="}))
        .await;
    peer.end(&request, "end_turn").await;
    assert_eq!(
        whole(asking.await.unwrap().unwrap()).await,
        [
            AnswerEvent::NotShown(Media::Picture),
            AnswerEvent::NotShown(Media::Other),
            DONE
        ]
    );
}
