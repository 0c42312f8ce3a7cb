//! Questions and answers.

use super::*;
use crate::platform::{Advice, PromptFile};

#[tokio::test]
async fn a_question_is_answered_in_pieces_from_a_session_in_the_chats_own_folder() {
    let mut world = World::new();
    let mut question = prompt(1, "What is in it?");
    question.files = vec![PromptFile {
        path: "surfaces/matrix/alice/room1/inbox/1-a b.txt".to_owned(),
        name: "a b.txt".to_owned(),
        mime: Some("text/plain".to_owned()),
        size: 5,
    }];
    let asking = world.ask(question);
    let mut peer = world.peer().await;
    let introduction = peer
        .answer(
            "initialize",
            json!({"protocolVersion": 1, "agentCapabilities": {}}),
        )
        .await;
    let offered = &introduction["clientCapabilities"];
    assert_eq!(offered["fs"]["readTextFile"], false, "{introduction}");
    assert_eq!(offered["terminal"], false, "{introduction}");
    let begun = peer.answer("session/new", json!({"sessionId": "s1"})).await;
    assert_eq!(begun["cwd"], "/srv/surfaces/matrix/alice/room1");
    assert!(
        world
            .folder
            .path()
            .join("surfaces/matrix/alice/room1")
            .is_dir()
    );
    let request = peer.expect("session/prompt").await;
    assert_eq!(
        request["params"],
        json!({"sessionId": "s1", "prompt": [
            {"type": "text", "text": "What is in it?"},
            {
                "type": "resource_link", "name": "a b.txt", "mimeType": "text/plain", "size": 5,
                "uri": "file:///srv/surfaces/matrix/alice/room1/inbox/1-a%20b.txt",
            },
        ]})
    );
    let mut answer = asking.await.unwrap().unwrap();
    peer.say("s1", "It says ").await;
    assert_eq!(next(&mut answer).await.unwrap(), text("It says "));
    peer.update(
        "s1",
        json!({"sessionUpdate": "usage_update", "used": 53, "size": 200}),
    )
    .await;
    peer.say("s1", "hello.").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(answer).await, [text("hello."), DONE]);
    let info = world.agent.context_info(&context(1)).await.unwrap();
    assert_eq!((info.tokens, info.messages), (Some(53), None));
}

#[tokio::test]
async fn a_second_question_goes_to_the_same_session() {
    let mut world = World::new();
    let asking = world.ask(prompt(1, "one"));
    let mut peer = world.introduced(json!({})).await;
    peer.answer("session/new", json!({"sessionId": "s1"})).await;
    let request = peer.expect("session/prompt").await;
    assert_eq!(request["params"]["sessionId"], "s1");
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(asking.await.unwrap().unwrap()).await, [DONE]);
    let again = world.ask(prompt(1, "two"));
    let request = peer.expect("session/prompt").await;
    assert_eq!(request["params"]["sessionId"], "s1");
    assert_eq!(request["params"]["prompt"][0]["text"], "two");
    peer.end(&request, "refusal").await;
    let refused = AnswerEvent::Done(StopReason::Refusal);
    assert_eq!(whole(again.await.unwrap().unwrap()).await, [refused]);
}

#[tokio::test]
async fn chats_are_kept_apart_and_what_is_for_nobody_reaches_nobody() {
    let mut world = World::new();
    let first = world.ask(prompt(1, "hello"));
    let mut peer = world.introduced(json!({})).await;
    peer.answer("session/new", json!({"sessionId": "s1"})).await;
    let request = peer.expect("session/prompt").await;
    let first = first.await.unwrap().unwrap();
    let (second, other) = world.begun(&mut peer, 2, "s2").await;
    assert_eq!(other["params"]["sessionId"], "s2");
    peer.say("s2", "to the second").await;
    peer.say("s3", "to nobody").await;
    peer.update("s1", json!({"sessionUpdate": "telepathy", "thought": 1}))
        .await;
    peer.update(
        "s1",
        json!({"sessionUpdate": "agent_thought_chunk", "content": {"type": "text", "text": "hm"}}),
    )
    .await;
    peer.say("s1", "to the first").await;
    peer.end(&other, "end_turn").await;
    peer.end(&request, "max_tokens").await;
    // Answers to requests that nobody made.
    peer.end(&other, "end_turn").await;
    peer.send(&json!({"jsonrpc": "2.0", "id": "made-up", "result": {}}))
        .await;
    assert_eq!(whole(second).await, [text("to the second"), DONE]);
    let cut = AnswerEvent::Done(StopReason::Limit);
    assert_eq!(whole(first).await, [text("to the first"), cut]);
}

#[tokio::test]
async fn an_agent_that_gives_two_chats_one_session_is_not_believed() {
    let mut world = World::new();
    let first = world.ask(prompt(1, "hello"));
    let mut peer = world.introduced(json!({})).await;
    peer.answer("session/new", json!({"sessionId": "s1"})).await;
    let _request = peer.expect("session/prompt").await;
    let _first = first.await.unwrap().unwrap();
    let second = world.ask(prompt(2, "hello"));
    peer.answer("session/new", json!({"sessionId": "s1"})).await;
    let Err(error) = second.await.unwrap() else {
        panic!("the second chat was given the first one's session");
    };
    assert_eq!(error.advice, Advice::TellOperator);
    assert!(error.detail.contains("another chat has"), "{error}");
}

#[tokio::test]
async fn an_error_of_the_agent_ends_the_answer() {
    let mut world = World::new();
    let asking = world.ask(prompt(1, "hello"));
    let mut peer = world.introduced(json!({})).await;
    peer.answer("session/new", json!({"sessionId": "s1"})).await;
    peer.refuse("session/prompt").await;
    let mut answer = asking.await.unwrap().unwrap();
    let error = next(&mut answer).await.unwrap_err();
    assert_eq!(error.advice, Advice::TryAgain);
    assert!(error.detail.ends_with("the error -32602"), "{error}");
    assert!(answer.next().await.is_none());
}

#[tokio::test]
async fn requests_for_files_and_terminals_are_refused() {
    let mut world = World::new();
    let asking = world.ask(prompt(1, "hello"));
    let mut peer = world.introduced(json!({})).await;
    peer.answer("session/new", json!({"sessionId": "s1"})).await;
    let request = peer.expect("session/prompt").await;
    for method in ["fs/read_text_file", "terminal/create", "anything"] {
        peer.send(&json!({"jsonrpc": "2.0", "id": method, "method": method, "params": {"sessionId": "s1"}}))
            .await;
        let answer = peer.hear().await.unwrap();
        assert_eq!(answer["id"], method);
        assert_eq!(answer["error"]["code"], -32601, "{answer}");
    }
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(asking.await.unwrap().unwrap()).await, [DONE]);
}

#[tokio::test]
async fn the_wanted_mode_and_model_are_set_before_the_question() {
    let mut world = World::configured(Arc::default(), |settings| {
        settings.mode = Some("code".to_owned());
        settings.model = Some("big".to_owned());
    });
    let asking = world.ask(prompt(1, "hello"));
    let mut peer = world.introduced(json!({})).await;
    peer.answer("session/new", json!({"sessionId": "s1"})).await;
    let mode = peer.answer("session/set_mode", json!({})).await;
    assert_eq!(mode, json!({"sessionId": "s1", "modeId": "code"}));
    let model = peer.refuse("session/set_model").await;
    assert_eq!(model, json!({"sessionId": "s1", "modelId": "big"}));
    let request = peer.expect("session/prompt").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(asking.await.unwrap().unwrap()).await, [DONE]);
}

#[tokio::test]
async fn a_file_linked_in_the_words_is_part_of_the_answer_where_that_is_wanted() {
    let mut world = World::configured(Arc::default(), |settings| settings.linked_files = true);
    let asking = world.ask(prompt(1, "hello"));
    let mut peer = world.introduced(json!({})).await;
    peer.answer("session/new", json!({"sessionId": "s1"})).await;
    let request = peer.expect("session/prompt").await;
    peer.say("s1", "Here is [the plan](plan.md).").await;
    peer.end(&request, "end_turn").await;
    let file = AnswerEvent::File("surfaces/matrix/alice/room1/plan.md".to_owned());
    let expected = [text("Here is [the plan](plan.md)."), file, DONE];
    assert_eq!(whole(asking.await.unwrap().unwrap()).await, expected);
}
