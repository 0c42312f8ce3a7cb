//! Servers that stream in a way of their own, and addresses that are not quite right.

use futures_util::future::join_all;
use serde_json::json;

use super::{
    peer::{Reply, raw, says, status},
    *,
};

const WHOLE: &str = r#"{"choices": [{"message": {"role": "assistant", "content": "Whole."}, "finish_reason": "stop"}]}"#;
const STREAM: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Who\"}}]}\n\n\
    data: {\"choices\":[{\"delta\":{\"content\":\"le.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

#[tokio::test]
async fn events_that_say_nothing_are_passed_over() {
    for nothing in [
        "data:\n\n",
        "data: \n\n",
        "data: : keepalive\n\n",
        ": OPENROUTER PROCESSING\n\n",
        "event: ping\ndata: {\"type\": \"ping\"}\n\n",
        "data: {\"choices\": [], \"usage\": {\"prompt_tokens\": 1}}\n\n",
        "data: {\"usage\": {\"prompt_tokens\": 1}}\n\n",
        "data: {\"choices\": [{\"delta\": {\"reasoning_content\": \"Hm.\"}}]}\n\n",
        "data: {\"choices\": [{\"delta\": {\"reasoning\": \"Hm.\", \"content\": \"\"}}]}\n\n",
        "\r\n",
    ] {
        let middle = STREAM.replacen("\n\n", &format!("\n\n{nothing}"), 1);
        let text = format!("{nothing}{middle}");
        for text in [text.clone(), text.replace('\n', "\r\n")] {
            let world = world([raw(&text)]).await;
            let expected = ("Whole.".to_owned(), Ok(StopReason::EndTurn));
            assert_eq!(world.hears("hi").await, expected, "{text:?}");
            assert_eq!(world.peer.asked().len(), 1, "{text:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_is_known_by_its_content_and_not_by_its_media_type() {
    let events = "text/event-stream";
    for (media_type, body) in [
        ("text/plain", WHOLE.to_owned()),
        ("application/octet-stream", format!("\n {WHOLE}")),
        (events, WHOLE.to_owned()),
        (events, format!("{WHOLE}\n\ndata: [DONE]\n\n")),
        (events, format!("data: {WHOLE}\n\ndata: [DONE]\n\n")),
        ("application/json", STREAM.to_owned()),
        (
            "application/json; charset=utf-8",
            format!(": hi\n\n{STREAM}"),
        ),
        ("text/plain", STREAM.to_owned()),
        ("text/html", STREAM.to_owned()),
        (events, STREAM.replace("\n\n", "\n")),
        (events, format!("\u{feff}{STREAM}")),
    ] {
        for size in [1, 1_000] {
            let chunks = body.as_bytes().chunks(size).map(<[u8]>::to_vec).collect();
            let world = world([Reply::Typed(media_type, chunks)]).await;
            let expected = ("Whole.".to_owned(), Ok(StopReason::EndTurn));
            assert_eq!(world.hears("hi").await, expected, "{media_type} {body:?}");
            assert_eq!(world.peer.asked().len(), 1, "{media_type} {body:?}");
        }
    }
}

#[tokio::test]
async fn a_whole_answer_that_follows_its_pieces_is_not_said_twice() {
    let again = STREAM.replace("data: [DONE]", &format!("data: {WHOLE}\n\ndata: [DONE]"));
    let world = world([raw(&again)]).await;
    assert_eq!(world.hears("hi").await.0, "Whole.");
}

#[tokio::test]
async fn a_body_that_is_no_answer_is_a_failure() {
    let bodies = ["", " \n", "{}", "{\"choices\": [{\"mess", "Internal error"];
    let tries = bodies.map(async |body| {
        let reply = || Reply::Typed("application/json", vec![body.as_bytes().to_vec()]);
        let world = world([reply(), reply(), reply()]).await;
        let expected = (String::new(), Err(Advice::TryAgain));
        assert_eq!(world.hears("hi").await, expected, "{body:?}");
    });
    join_all(tries).await;
}

#[tokio::test]
async fn more_parameters_that_a_server_refuses_are_left_out() {
    let refused = |name: &str| {
        status(
            400,
            &json!({"error": {"param": name, "code": "unsupported_value", "message": "Unsupported value"}}),
        )
    };
    let warm = |config: &mut OpenAiConfig| config.temperature = Some(0.5);
    let whole = Reply::Typed("application/json", vec![WHOLE.as_bytes().to_vec()]);
    let replies = [refused("temperature"), refused("stream"), whole];
    let world = world_with(replies, warm, Elsewhere::quiet_room()).await;
    assert_eq!(world.hears("hi").await.0, "Whole.");
    let last = world.peer.asked().remove(2).body;
    assert_eq!(
        last,
        json!({"model": "m", "stream": false, "messages": [{"role": "user", "content": "hi"}]})
    );
}

#[tokio::test]
async fn an_address_without_its_version_leads_to_the_model_all_the_same() {
    for slash in ["", "/"] {
        let peer = Peer::new([says(&["One."])]).await;
        let elsewhere = Arc::new(Elsewhere::quiet_room());
        let address = format!("{}{slash}", peer.root());
        let short = |config: &mut OpenAiConfig| config.base_url = address.parse().unwrap();
        let world = World {
            agent: agent(&peer, short, &elsewhere),
            peer,
            elsewhere,
        };
        for expected in ["One.", "Fine."] {
            assert_eq!(world.ask("$c", expected, "hi").await.text, expected);
        }
        let paths: Vec<String> = world
            .peer
            .asked()
            .into_iter()
            .map(|asked| asked.path)
            .collect();
        assert_eq!(paths, ["/v1/chat/completions"; 2]);
    }
}
