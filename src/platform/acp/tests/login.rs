//! Agents that have to be logged in.

use super::*;
use crate::platform::Advice;

fn methods() -> Value {
    json!([
        {"id": "oauth", "name": "Log in with the browser"},
        {"id": "api-key", "name": "Use\nan API key"},
    ])
}

/// Introduces the peer as one that offers two ways to log in.
async fn introduce(peer: &mut Peer) {
    let result = json!({"protocolVersion": 1, "agentCapabilities": {}, "authMethods": methods()});
    peer.answer("initialize", result).await;
}

#[tokio::test]
async fn an_agent_that_is_not_logged_in_is_told_with_its_methods() {
    let mut world = World::new();
    let asking = world.ask(prompt(1, "hello"));
    let mut peer = world.peer().await;
    introduce(&mut peer).await;
    peer.refuse_with("session/new", -32000, "Authentication required")
        .await;
    let Err(error) = asking.await.unwrap() else {
        panic!("answered by nobody");
    };
    assert_eq!(error.advice, Advice::LogIn);
    for part in [
        "-32000",
        "oauth (Log in with the browser)",
        "api-key (Use an API key)",
    ] {
        assert!(error.detail.contains(part), "{error}");
    }
}

/// A bot whose registry names this method.
fn logging_in_by(method: &str) -> World {
    let method = Some(method.to_owned());
    World::configured(Arc::default(), |settings| settings.auth = method)
}

#[tokio::test]
async fn the_chosen_method_is_used_before_the_first_session() {
    let mut world = logging_in_by("api-key");
    let asking = world.ask(prompt(1, "hello"));
    let mut peer = world.peer().await;
    introduce(&mut peer).await;
    let login = peer.answer("authenticate", json!({})).await;
    assert_eq!(login, json!({"methodId": "api-key"}));
    peer.answer("session/new", json!({"sessionId": "s1"})).await;
    let request = peer.expect("session/prompt").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(asking.await.unwrap().unwrap()).await, [DONE]);
}

#[tokio::test]
async fn a_login_that_ran_out_is_made_again() {
    let mut world = logging_in_by("api-key");
    let asking = world.ask(prompt(1, "hello"));
    let mut peer = world.peer().await;
    introduce(&mut peer).await;
    peer.answer("authenticate", json!({})).await;
    peer.refuse_with("session/new", -32000, "expired").await;
    peer.answer("authenticate", json!({})).await;
    peer.answer("session/new", json!({"sessionId": "s1"})).await;
    let request = peer.expect("session/prompt").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(asking.await.unwrap().unwrap()).await, [DONE]);
}

#[tokio::test]
async fn a_login_that_is_refused_or_not_offered_is_told_with_the_methods() {
    for (method, expected) in [
        (
            "api-key",
            "authenticate was answered with the error -32603: wrong key; its login methods: oauth (",
        ),
        (
            "token",
            "the agent has no login method token; its login methods: oauth (",
        ),
    ] {
        let mut world = logging_in_by(method);
        let asking = world.ask(prompt(1, "hello"));
        let mut peer = world.peer().await;
        introduce(&mut peer).await;
        if method == "api-key" {
            peer.refuse_with("authenticate", -32603, "wrong key").await;
        }
        let Err(error) = asking.await.unwrap() else {
            panic!("answered by nobody");
        };
        assert_eq!(error.advice, Advice::LogIn);
        assert!(error.detail.starts_with(expected), "{error}");
    }
}

#[tokio::test]
async fn an_agent_that_offers_no_method_needs_no_login() {
    let mut world = logging_in_by("api-key");
    let asking = world.ask(prompt(1, "hello"));
    let mut peer = world.introduced(json!({})).await;
    peer.answer("session/new", json!({"sessionId": "s1"})).await;
    let request = peer.expect("session/prompt").await;
    peer.end(&request, "end_turn").await;
    assert_eq!(whole(asking.await.unwrap().unwrap()).await, [DONE]);
}

#[tokio::test]
async fn a_checkup_goes_as_far_as_a_session_and_leaves_nothing_behind() {
    let mut world = World::new();
    let agent = Arc::clone(&world.agent);
    let checkup = spawn(async move { agent.diagnose().await });
    let mut peer = world
        .introduced(json!({"sessionCapabilities": {"close": {}}}))
        .await;
    let begun = peer.answer("session/new", json!({"sessionId": "s1"})).await;
    let cwd = begun["cwd"].as_str().unwrap();
    assert!(cwd.starts_with("/srv/surfaces/doctor-"), "{cwd}");
    peer.answer("session/close", json!({})).await;
    assert_eq!(checkup.await.unwrap().unwrap(), "opens a session");
    assert_eq!(std::fs::read_dir(world.folder.path()).unwrap().count(), 0);
    let agent = Arc::clone(&world.agent);
    let checkup = spawn(async move { agent.diagnose().await });
    peer.refuse_with("session/new", -32000, "").await;
    let diagnosis = checkup.await.unwrap().unwrap_err();
    assert!(diagnosis.remedy.starts_with("log it in"), "{diagnosis:?}");
    assert!(
        diagnosis.found.contains("it names no method"),
        "{diagnosis:?}"
    );
}
