//! What `doctor` says about a model.

use serde_json::json;

use super::{
    peer::{Reply, raw, status},
    *,
};

/// What is found, or what is wrong and what to do.
async fn diagnosis(world: &World) -> String {
    match world.agent.diagnose().await {
        Ok(holds) => holds,
        Err(diagnosis) => format!("{} - {}", diagnosis.found, diagnosis.remedy),
    }
}

#[tokio::test]
async fn a_list_for_the_key_alone_that_has_the_model_settles_it() {
    let world = world([]).await;
    world.peer.lists(&["x", "m"], true);
    assert_eq!(
        diagnosis(&world).await,
        "can be reached and lists the model m"
    );
    assert!(world.peer.asked().is_empty(), "no token is spent");
}

#[tokio::test]
async fn where_the_list_leaves_a_doubt_one_token_is_asked_for() {
    for (listed, is_guarded, code) in [
        (&["m"][..], false, 200),
        (&["x"], true, 200),
        (&[], false, 200),
        (&[], false, 404),
        (&[], false, 403),
    ] {
        let world = world([]).await;
        world.peer.lists(listed, is_guarded);
        world.peer.lists_models_with(code);
        let expected = "can be reached, and the model m answers";
        assert_eq!(diagnosis(&world).await, expected);
        let asked = world.peer.asked();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].body["max_tokens"], 1);
    }
}

#[tokio::test]
async fn a_model_that_reasons_first_answers_even_if_one_token_is_too_few() {
    let renamed = json!({"error": {"param": "max_tokens", "message": "Use 'max_completion_tokens' instead."}});
    let cut = json!({"error": {"message": "Could not finish the message because max_tokens or model output limit was reached."}});
    let world = world([status(400, &renamed), status(400, &cut)]).await;
    let expected = "can be reached, and the model m answers";
    assert_eq!(diagnosis(&world).await, expected);
}

#[tokio::test]
async fn what_is_wrong_is_named_with_its_remedy() {
    let error = |message: &str| json!({"error": {"message": message}});
    let page = || {
        Reply::Status(
            200,
            vec![("content-type", "text/html")],
            "<html>".to_owned(),
        )
    };
    for (reply, found, remedy) in [
        (
            status(404, &error("The model `m` does not exist.")),
            "the server has no model m (404: The model `m` does not exist.)",
            "set model in its entry to one that the server has: a, b, c, d, e and 1 more",
        ),
        (
            status(400, &error("Invalid model name passed in model=m")),
            "the server has no model m",
            "set model in its entry",
        ),
        (
            status(404, &json!({"detail": "Not Found"})),
            "/v1/chat/completions is no address of Chat Completions (404)",
            "set base_url in its entry",
        ),
        (
            page(),
            "is no address of Chat Completions (a web page came instead of an answer)",
            "set base_url in its entry",
        ),
        (
            status(401, &error("Incorrect API key provided: sk-test")),
            "the server refuses the key (401: Incorrect API key provided: [secret])",
            "see api_key_env or api_key_file in its entry",
        ),
        (
            status(429, &json!({"error": {"code": "insufficient_quota"}})),
            "the server refuses the request (429 code=\"insufficient_quota\")",
            "see its entry in the agent registry and the account at the server",
        ),
        (
            raw("data: {\"error\": {\"message\": \"x\", \"code\": 503}}\n\n"),
            "/v1/chat/completions (503",
            "see whether the server runs there",
        ),
    ] {
        let world = world([reply]).await;
        world.peer.lists(&["a", "b", "c", "d", "e", "f"], false);
        let line = diagnosis(&world).await;
        assert!(
            line.contains(found) && line.contains(&format!(" - {remedy}")),
            "{line}"
        );
    }
}

#[tokio::test]
async fn a_missing_key_and_a_missing_server_are_named() {
    let keyless = |config: &mut OpenAiConfig| config.api_key = None;
    let refused = status(401, &json!({"error": {"message": "No key"}}));
    let world = world_with([refused], keyless, Elsewhere::quiet_room()).await;
    let expected =
        "the server asks for a key (401: No key) - set api_key_env or api_key_file in its entry";
    assert_eq!(diagnosis(&world).await, expected);
    let nowhere =
        |config: &mut OpenAiConfig| config.base_url = "http://127.0.0.1:1/v1".parse().unwrap();
    let world = world_with([], nowhere, Elsewhere::quiet_room()).await;
    let line = diagnosis(&world).await;
    let begin = "no answer from http://127.0.0.1:1/v1/chat/completions (";
    assert!(line.starts_with(begin), "{line}");
}

#[tokio::test]
async fn an_address_without_its_version_is_found_below_it() {
    let peer = Peer::new([]).await;
    let elsewhere = Arc::new(Elsewhere::quiet_room());
    let root = peer.root().to_owned();
    let short = |config: &mut OpenAiConfig| config.base_url = root.parse().unwrap();
    let world = World {
        agent: agent(&peer, short, &elsewhere),
        peer,
        elsewhere,
    };
    let expected = "can be reached below /v1 of its base_url, and the model m answers";
    assert_eq!(diagnosis(&world).await, expected);
}
