//! What goes to the model, and what comes back.

use serde_json::json;

use super::{
    peer::{Reply, chunks, says, status},
    *,
};

#[tokio::test]
async fn an_answer_comes_in_pieces_and_ends() {
    let world = world([says(&["Hel", "lo", " there"])]).await;
    let mut stream = world.agent.ask(prompt("$c", "$q", "hi")).await.unwrap();
    for expected in ["Hel", "lo", " there"] {
        let event = timeout(SOON, stream.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert_eq!(event, AnswerEvent::Text(expected.to_owned()));
    }
    let asked = world.peer.asked().remove(0);
    assert_eq!(asked.authorization.as_deref(), Some("Bearer sk-test"));
    let expected = json!({"model": "m", "stream": true, "stream_options": {"include_usage": true},
                          "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(asked.body, expected);
}

#[tokio::test]
async fn settings_of_the_registry_are_sent() {
    let settings = |config: &mut OpenAiConfig| {
        config.system_prompt = Some("Be brief.".to_owned());
        config.temperature = Some(0.5);
        config.max_tokens = Some(100);
        config.api_key = None;
    };
    let world = world_with([], settings, Elsewhere::quiet_room()).await;
    assert_eq!(world.hears("hi").await.0, "Fine.");
    let asked = world.peer.asked().remove(0);
    assert_eq!(asked.authorization, None);
    assert_eq!(
        (
            asked.body["temperature"].clone(),
            asked.body["max_tokens"].clone()
        ),
        (json!(0.5), json!(100))
    );
    assert_eq!(world.peer.conversation(), ["system: Be brief.", "user: hi"]);
}

#[tokio::test]
async fn every_way_to_end_an_answer_is_told_apart() {
    for (finish, expected) in [
        ("stop", StopReason::EndTurn),
        ("length", StopReason::Limit),
        ("content_filter", StopReason::Refusal),
        ("tool_calls", StopReason::EndTurn),
    ] {
        let world = world([Reply::Stream(chunks(&["Some"], Some(finish), true))]).await;
        assert_eq!(
            world.hears("hi").await,
            ("Some".to_owned(), Ok(expected)),
            "{finish}"
        );
    }
    let refusal =
        br#"data: {"choices":[{"delta":{"refusal":"I will not."},"finish_reason":"stop"}]}"#;
    let world = world([Reply::Stream(vec![refusal.to_vec()])]).await;
    assert_eq!(
        world.hears("hi").await,
        ("I will not.".to_owned(), Ok(StopReason::Refusal))
    );
}

#[tokio::test]
async fn an_end_that_is_not_said_in_full_is_an_end() {
    for (finish, done) in [(Some("stop"), false), (None, true)] {
        let world = world([Reply::Stream(chunks(&["All."], finish, done))]).await;
        assert_eq!(
            world.hears("hi").await,
            ("All.".to_owned(), Ok(StopReason::EndTurn))
        );
    }
    let world = world([Reply::Hang(chunks(&["All."], Some("stop"), false))]).await;
    assert_eq!(
        world.hears("hi").await,
        ("All.".to_owned(), Ok(StopReason::EndTurn))
    );
}

#[tokio::test]
async fn characters_split_between_chunks_come_out_right() {
    let whole = chunks(&["Привет, 世界"], Some("stop"), true).concat();
    let world = world([Reply::Stream(whole.chunks(3).map(<[u8]>::to_vec).collect())]).await;
    assert_eq!(world.hears("hi").await.0, "Привет, 世界");
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood() {
    let whole = json!({"choices": [{"message": {"role": "assistant", "content": "Whole."}, "finish_reason": "length"}]});
    let world = world([status(200, &whole)]).await;
    assert_eq!(
        world.hears("hi").await,
        ("Whole.".to_owned(), Ok(StopReason::Limit))
    );
}

#[tokio::test]
async fn parameters_a_server_does_not_know_are_left_out_from_then_on() {
    let refused =
        json!({"error": {"param": "stream_options", "message": "Unrecognized request argument"}});
    let renamed = json!({"error": {"param": "max_tokens", "message": "Use 'max_completion_tokens' instead."}});
    let limit = |config: &mut OpenAiConfig| config.max_tokens = Some(5);
    let world = world_with(
        [status(400, &refused), status(400, &renamed)],
        limit,
        Elsewhere::quiet_room(),
    )
    .await;
    assert_eq!(world.hears("hi").await.0, "Fine.");
    assert_eq!(world.ask("$c", "$next", "again").await.text, "Fine.");
    let asked = world.peer.asked();
    assert_eq!(asked.len(), 4);
    for request in &asked[2..] {
        assert_eq!(request.body.get("stream_options"), None);
        assert_eq!(request.body.get("max_tokens"), None);
        assert_eq!(request.body["max_completion_tokens"], 5);
    }
}

#[tokio::test]
async fn links_to_paths_are_handed_over_as_files_at_the_end() {
    let world = world([says(&[
        "See [the re",
        "port](out/a%20b.pdf) and [web](https://x.org).",
    ])])
    .await;
    let answer = world.ask("$c", "$q", "hi").await;
    assert_eq!(answer.others, [AnswerEvent::File("out/a b.pdf".to_owned())]);
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let piece = "endless ".repeat(1_000);
    let world = world([Reply::Stream(chunks(
        &vec![piece.as_str(); 100],
        None,
        false,
    ))])
    .await;
    let (text, end) = world.hears("hi").await;
    assert_eq!(end, Ok(StopReason::Limit));
    assert!(text.len() < 300_000);
}

#[tokio::test]
async fn cancelling_ends_the_answer_at_once_and_what_was_said_is_remembered() {
    let world = world([Reply::Hang(chunks(&["Well"], None, false))]).await;
    let mut stream = world.agent.ask(prompt("$c", "$q", "hi")).await.unwrap();
    let first = timeout(SOON, stream.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(first, AnswerEvent::Text("Well".to_owned()));
    world.agent.cancel(&context("$other")).await.unwrap();
    world.agent.cancel(&context("$c")).await.unwrap();
    assert_eq!(listen(stream).await.end, Ok(StopReason::Cancelled));
    world.ask("$c", "$q2", "go on").await;
    assert_eq!(
        world.peer.conversation(),
        ["user: hi", "assistant: Well", "user: go on"]
    );
}

#[tokio::test]
async fn a_new_question_in_a_context_ends_the_one_before() {
    let world = world([Reply::Hang(chunks(&["Well"], None, false))]).await;
    let mut first = world.agent.ask(prompt("$c", "$q", "hi")).await.unwrap();
    timeout(SOON, first.next()).await.unwrap();
    let second = world
        .agent
        .ask(prompt("$c", "$q2", "hi again"))
        .await
        .unwrap();
    assert_eq!(listen(first).await.end, Ok(StopReason::Cancelled));
    assert_eq!(listen(second).await.text, "Fine.");
}

fn file(name: &str, mime: &str, size: u64) -> PromptFile {
    PromptFile {
        path: format!("inbox/{name}"),
        name: name.to_owned(),
        mime: Some(mime.to_owned()),
        size,
    }
}

fn files() -> Elsewhere {
    Elsewhere {
        room: Mutex::new(Some(Vec::new())),
        files: vec![
            ("inbox/cat.png", b"PNG".to_vec()),
            ("inbox/notes.md", b"# Notes\n```\ncode\n```\n".to_vec()),
            ("inbox/broken.txt", b"\xff\xfe".to_vec()),
        ],
        ..Elsewhere::default()
    }
}

#[tokio::test]
async fn pictures_and_texts_go_along_and_other_files_are_only_named() {
    let world = world_with([], |_| (), files()).await;
    let mut question = prompt("$c", "$q", "Look");
    question.files = vec![
        file("cat.png", "image/png", 3),
        file("notes.md", "application/octet-stream", 21),
        file("broken.txt", "text/plain", 2),
        file("tool.exe", "application/x-msdownload", 9),
        file("gone.txt", "text/plain", 9),
    ];
    world.put(question).await;
    let content = world.peer.asked()[0].body["messages"][0]["content"].clone();
    let text = content[0]["text"].as_str().unwrap();
    assert!(
        text.starts_with("Look\n\n[The picture \"cat.png\" (inbox/cat.png) follows.]"),
        "{text}"
    );
    assert!(
        text.contains(
            "[The file \"notes.md\" (inbox/notes.md):]\n````\n# Notes\n```\ncode\n```\n````"
        ),
        "{text}"
    );
    for name in ["broken.txt", "tool.exe", "gone.txt"] {
        let note = format!(
            "[The file \"{name}\" (inbox/{name}) came with this message. You cannot see what is in it.]"
        );
        assert!(text.contains(&note), "{text}");
    }
    assert_eq!(content[1]["image_url"]["url"], "data:image/png;base64,UE5H");
    world.ask("$c", "$q2", "And?").await;
    let past = world.peer.conversation().remove(0);
    assert!(
        past.contains("The picture \"cat.png\"") && past.contains("# Notes"),
        "{past}"
    );
    assert!(!past.contains("UE5H"), "a picture is shown once");
}

#[tokio::test]
async fn a_model_that_sees_no_pictures_is_told_of_them() {
    let world = world_with([], |config| config.images = false, files()).await;
    let mut question = prompt("$c", "$q", "Look");
    question.files = vec![file("cat.png", "image/png", 3)];
    world.put(question).await;
    let expected = "user: Look\n\n[The file \"cat.png\" (inbox/cat.png) came with this message. You cannot see what is in it.]";
    assert_eq!(world.peer.conversation(), [expected]);
}
