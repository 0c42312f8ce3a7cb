//! What can go wrong, each with its own outcome.

use std::time::Instant;

use futures_util::future::join_all;
use serde_json::json;

use super::{
    peer::{Reply, chunks, raw, says, status},
    *,
};

fn broken(code: u16) -> Reply {
    status(
        code,
        &json!({"error": {"message": "Incorrect key sk-test", "type": "t"}}),
    )
}

fn busy(retry_after: &'static str) -> Reply {
    Reply::Status(429, vec![("retry-after", retry_after)], String::new())
}

#[tokio::test]
async fn what_only_the_operator_can_change_is_not_tried_again() {
    for code in [400, 401, 403, 404, 405] {
        let world = world([broken(code)]).await;
        assert_eq!(
            world.hears("hi").await,
            (String::new(), Err(Advice::TellOperator)),
            "{code}"
        );
        assert_eq!(world.peer.asked().len(), 1);
    }
    let page = Reply::Status(
        200,
        vec![("content-type", "text/html")],
        "<html>".to_owned(),
    );
    assert_eq!(
        world([page]).await.hears("hi").await.1,
        Err(Advice::TellOperator)
    );
}

#[tokio::test]
async fn the_key_does_not_follow_to_another_server() {
    let elsewhere = Peer::new([]).await;
    let moved = vec![("location", "http://127.0.0.1:1/v1/chat/completions")];
    let world = world([Reply::Status(307, moved, String::new())]).await;
    assert_eq!(world.hears("hi").await.1, Err(Advice::TellOperator));
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn what_passes_is_tried_twice_more_while_nothing_was_said() {
    let world = world([broken(503), Reply::Gone]).await;
    assert_eq!(
        world.hears("hi").await,
        ("Fine.".to_owned(), Ok(StopReason::EndTurn))
    );
    assert_eq!(world.peer.asked().len(), 3);
    let world = super::world([broken(500), broken(502), Reply::Cut(Vec::new())]).await;
    assert_eq!(
        world.hears("hi").await,
        (String::new(), Err(Advice::TryAgain))
    );
    assert_eq!(world.peer.asked().len(), 3);
}

#[tokio::test]
async fn nobody_listening_is_an_outcome() {
    let nowhere =
        |config: &mut OpenAiConfig| config.base_url = "http://127.0.0.1:1/v1".parse().unwrap();
    let world = world_with([], nowhere, Elsewhere::quiet_room()).await;
    assert_eq!(world.hears("hi").await.1, Err(Advice::TryAgain));
    assert_eq!(
        world.agent.health().await.unwrap_err().advice,
        Advice::TryAgain
    );
}

#[tokio::test]
async fn a_stream_that_is_cut_is_not_begun_again() {
    for reply in [
        Reply::Cut(chunks(&["Half of "], None, false)),
        Reply::Stream(chunks(&["Half of "], None, false)),
        Reply::Stream(
            [
                chunks(&["Half of "], None, false),
                vec![b"data: {garbage\n\n".to_vec()],
            ]
            .concat(),
        ),
        Reply::Stream(
            [
                chunks(&["Half of "], None, false),
                vec![b"data: {\"error\":{\"message\":\"x\",\"code\":500}}\n\n".to_vec()],
            ]
            .concat(),
        ),
    ] {
        let world = world([reply]).await;
        assert_eq!(
            world.hears("hi").await,
            ("Half of ".to_owned(), Err(Advice::TryAgain))
        );
        assert_eq!(world.peer.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let hurry = |config: &mut OpenAiConfig| config.timeout = Duration::from_millis(300);
    let replies = [Reply::Hang(chunks(&["Half"], None, false))];
    let world = world_with(replies, hurry, Elsewhere::quiet_room()).await;
    assert_eq!(
        world.hears("hi").await,
        ("Half".to_owned(), Err(Advice::TryAgain))
    );
    let world = world_with([Reply::Never], hurry, Elsewhere::quiet_room()).await;
    assert_eq!(
        world.hears("hi").await,
        ("Fine.".to_owned(), Ok(StopReason::EndTurn))
    );
}

#[tokio::test]
async fn a_busy_server_is_waited_for_a_little_and_otherwise_told_about() {
    let world = world([busy("1")]).await;
    let started = Instant::now();
    assert_eq!(world.hears("hi").await.0, "Fine.");
    assert!(started.elapsed() >= Duration::from_secs(1));
    let world = super::world([busy("120")]).await;
    let expected = Err(Advice::TryAgainIn(Duration::from_mins(2)));
    assert_eq!(world.hears("hi").await.1, expected);
    assert_eq!(world.peer.asked().len(), 1);
}

#[tokio::test]
async fn a_conversation_that_is_too_long_is_trimmed_once_and_then_told_about() {
    let too_long = || {
        status(
            400,
            &json!({"error": {"code": "context_length_exceeded", "message": "x"}}),
        )
    };
    let world = world([says(&["one"]), says(&["two"]), too_long()]).await;
    for (question, text) in [("$1", "first"), ("$2", "second")] {
        world.ask("$c", question, text).await;
    }
    assert_eq!(world.ask("$c", "$3", "third").await.text, "Fine.");
    assert_eq!(
        world.peer.conversation(),
        ["user: third"],
        "less than half of three"
    );
    let world = super::world([says(&["one"]), too_long(), too_long()]).await;
    world.ask("$c", "$1", "first").await;
    assert_eq!(
        world.ask("$c", "$2", "second").await.end,
        Err(Advice::BeginAnew)
    );
    let world = super::world([too_long()]).await;
    assert_eq!(world.hears("hi").await.1, Err(Advice::BeginAnew));
    assert_eq!(
        world.peer.asked().len(),
        1,
        "there was nothing to leave out"
    );
}

#[tokio::test]
async fn an_error_in_the_place_of_an_answer_is_sorted_like_a_status() {
    let error = |error: &str| {
        Reply::Stream(vec![
            format!("data: {{\"error\":{error}}}\n\n").into_bytes(),
        ])
    };
    let world = world([error(r#"{"code":401,"message":"x"}"#)]).await;
    assert_eq!(world.hears("hi").await.1, Err(Advice::TellOperator));
    let world = super::world([error(r#""overloaded""#)]).await;
    assert_eq!(world.hears("hi").await.0, "Fine.", "the second try");
}

/// Ways in which servers tell of an error in the middle of a stream with status 200.
const ERRORS: [&str; 7] = [
    "event: error\ndata: {\"error\":{\"message\":\"x\",\"code\":500}}\n\n",
    "event: error\ndata: {\"message\":\"x\"}\n\n",
    "event: error\ndata: overloaded\n\n",
    "event: error\ndata:\n\n",
    "data: {\"object\":\"error\",\"message\":\"x\",\"code\":500}\n\n",
    "data: {\"detail\":\"x\"}\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n",
];

#[tokio::test]
async fn an_error_event_before_the_first_word_is_a_failure_and_tried_again() {
    let tries = ERRORS.map(async |error| {
        let error = format!("{error}data: [DONE]\n\n");
        let world = world([raw(&error), raw(&error), raw(&error)]).await;
        let expected = (String::new(), Err(Advice::TryAgain));
        assert_eq!(world.hears("hi").await, expected, "{error}");
        assert_eq!(world.peer.asked().len(), 3, "{error}");
    });
    join_all(tries).await;
}

#[tokio::test]
async fn an_error_event_after_some_words_ends_the_answer_as_failed() {
    for error in ERRORS {
        let half = chunks(&["Half of "], None, false).concat();
        let half = String::from_utf8(half).unwrap();
        let world = world([raw(&format!("{half}{error}data: [DONE]\n\n"))]).await;
        let expected = ("Half of ".to_owned(), Err(Advice::TryAgain));
        assert_eq!(world.hears("hi").await, expected, "{error}");
        assert_eq!(world.peer.asked().len(), 1, "{error}");
    }
}

#[tokio::test]
async fn health_is_an_answer_and_a_key_that_counts() {
    let world = world([]).await;
    for (code, expected) in [
        (200, None),
        (404, None),
        (405, None),
        (501, None),
        (400, Some(Advice::TellOperator)),
        (401, Some(Advice::TellOperator)),
        (403, Some(Advice::TellOperator)),
        (302, Some(Advice::TellOperator)),
        (500, Some(Advice::TryAgain)),
    ] {
        world.peer.lists_models_with(code);
        assert_eq!(
            world.agent.health().await.err().map(|error| error.advice),
            expected,
            "{code}"
        );
    }
}
