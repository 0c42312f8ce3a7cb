//! Every check with a server, files and agents of the test's own.

use std::{path::Path, sync::Arc};

use axum::Router;
use serde_json::Value;

use super::{
    fixtures::{FixedProbe, Patient, World, homeserver},
    *,
};
use crate::{config::Problem, core::ids::AgentId, platform::Advice};

fn session(user: &str, device: &str, token: &str) -> String {
    format!(r#"{{"user_id": "{user}", "device_id": "{device}", "access_token": "{token}"}}"#)
}

#[tokio::test]
async fn all_is_well_with_a_fresh_configuration() {
    let world = World::new().await;
    let homeserver = world.homeserver.clone();
    let folder = world.folder.path().display().to_string();
    assert_eq!(
        world.checks().await,
        [
            format!(
                "ok   configuration: complete; @bot:example.org on {homeserver}/, agents: assistant"
            ),
            format!("ok   homeserver: {homeserver}/ answers and speaks Matrix up to v1.12"),
            "ok   session: the bot will log in with MATRIX_PASSWORD when it starts".to_owned(),
            "ok   database: fine".to_owned(),
            format!("ok   database folder: {folder} can be written"),
            format!("ok   store folder: {folder}/store is not there yet and can be made"),
            format!("ok   workspace: {folder}/files is not there yet and can be made"),
        ]
    );
}

#[tokio::test]
async fn nothing_is_left_behind() {
    let world = World::new().await;
    let folder = world.folder.path().to_owned();
    let config = Config::read(&world.env()).unwrap();
    let parts = Parts {
        agents: Vec::new(),
        store: Box::new(FixedProbe(Ok(String::new()))),
    };
    checks(&config, parts).await;
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
}

#[tokio::test]
async fn saved_sessions_are_held_against_the_homeserver() {
    let ours = |token| session("@bot:example.org", "DEVICE", token);
    let table = [
        (
            ours("good"),
            0o600,
            "ok   session: saved for @bot:example.org on the device DEVICE, and valid",
        ),
        (
            ours("stale"),
            0o600,
            "ok   session: the saved one is no longer valid (401 M_UNKNOWN_TOKEN); the bot will log in with MATRIX_PASSWORD",
        ),
        (
            ours("others"),
            0o600,
            "FAIL session: the token belongs to @other:example.org, but MATRIX_USER_ID is @bot:example.org",
        ),
        (
            ours("good"),
            0o644,
            "FAIL session: other accounts of this machine can read",
        ),
        (
            session("@bot:example.org", "OLD", "good"),
            0o600,
            "FAIL session: the token belongs to the device DEVICE, not to OLD",
        ),
        (
            session("@old:example.org", "DEVICE", "good"),
            0o600,
            "FAIL session: saved for @old:example.org, but MATRIX_USER_ID is",
        ),
        (
            "{\"access_token\": \"good\"".to_owned(),
            0o600,
            "FAIL session: /",
        ),
    ];
    for (content, mode, expected) in table {
        let line = World::new()
            .await
            .session(&content, mode)
            .check("session")
            .await;
        assert!(line.starts_with(expected), "{line}");
        assert_eq!(line.starts_with("FAIL"), line.contains(" - "), "{line}");
        assert!(!line.contains("good"), "no token is shown: {line}");
    }
}

#[tokio::test]
async fn tokens_are_held_against_the_homeserver() {
    let table = [
        (
            &[("MATRIX_ACCESS_TOKEN", "good")][..],
            "ok   session: MATRIX_ACCESS_TOKEN is valid for @bot:example.org",
        ),
        (
            &[
                ("MATRIX_ACCESS_TOKEN", "good"),
                ("MATRIX_DEVICE_ID", "DEVICE"),
            ],
            "ok   session: ",
        ),
        (
            &[
                ("MATRIX_ACCESS_TOKEN", "good"),
                ("MATRIX_DEVICE_ID", "OTHER"),
            ],
            "FAIL session: the token belongs to the device DEVICE, not to OTHER",
        ),
        (
            &[("MATRIX_ACCESS_TOKEN", "stale")],
            "FAIL session: MATRIX_ACCESS_TOKEN is not valid (401 M_UNKNOWN_TOKEN) - make a new token",
        ),
        (
            &[("MATRIX_ACCESS_TOKEN", "others")],
            "FAIL session: the token belongs to @other:example.org",
        ),
    ];
    for (variables, expected) in table {
        let mut world = World::new().await;
        for (name, value) in variables {
            world = world.with(name, value);
        }
        let line = world.check("session").await;
        assert!(line.starts_with(expected), "{line}");
    }
}

#[tokio::test]
async fn a_homeserver_without_password_login_is_no_use_to_a_password() {
    let world = World::with_homeserver(homeserver("m.login.sso")).await;
    assert_eq!(
        world.check("session").await,
        "FAIL session: the homeserver offers no login with a password - set MATRIX_ACCESS_TOKEN instead"
    );
}

#[tokio::test]
async fn what_is_no_homeserver_is_told() {
    let world = World::with_homeserver(Router::new()).await;
    let line = world.check("homeserver").await;
    assert!(
        line.starts_with("FAIL homeserver: http://127.0.0.1:"),
        "{line}"
    );
    assert!(
        line.contains("not as a Matrix homeserver (404) - set MATRIX_HOMESERVER"),
        "{line}"
    );

    let mut world = World::new().await;
    world.homeserver = "http://127.0.0.1:1".to_owned();
    let line = world.check("homeserver").await;
    assert!(
        line.contains("does not answer") && line.contains("refused"),
        "{line}"
    );
}

#[tokio::test]
async fn a_homeserver_under_a_path_is_asked_there() {
    let router = Router::new().nest("/matrix", homeserver("m.login.password"));
    let mut world = World::with_homeserver(router).await;
    world.homeserver.push_str("/matrix");
    let line = world.check("homeserver").await;
    assert!(line.starts_with("ok   homeserver"), "{line}");
}

#[tokio::test]
async fn a_damaged_database_is_told_with_its_remedy() {
    let mut world = World::new().await;
    world.store = Err(Trouble::new(
        "malformed",
        "start the bot:\nit rebuilds the file",
    ));
    assert_eq!(
        world.check("database").await,
        "FAIL database: malformed - start the bot: it rebuilds the file"
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_told_with_its_variable() {
    // Not even root can make files here.
    let line = folders::check(
        "workspace",
        "SURFACES_WORKSPACE_DIR",
        Path::new("/proc/files"),
    );
    let line = line.to_string();
    assert!(
        line.starts_with("FAIL workspace: cannot write in /proc: "),
        "{line}"
    );
    assert!(
        line.ends_with("or set SURFACES_WORKSPACE_DIR to another place"),
        "{line}"
    );
}

#[test]
fn a_file_in_the_current_folder_has_it_as_parent() {
    assert_eq!(folders::parent(Path::new("bot.db")), Path::new("."));
    assert_eq!(folders::parent(Path::new("data/bot.db")), Path::new("data"));
}

#[test]
fn bad_configuration_is_one_failure_for_each_problem() {
    let problems = vec![
        Problem::not_set("MATRIX_USER_ID", "a user id"),
        Problem::bad_value("SURFACES_LOCALE", "de", "en or ru"),
    ];
    assert_eq!(
        rendered(&configuration_failures(problems), false),
        "FAIL configuration: MATRIX_USER_ID: not set - expected a user id\n\
         FAIL configuration: SURFACES_LOCALE: read \"de\" - expected en or ru"
    );
}

#[tokio::test]
async fn the_exit_code_tells_whether_all_holds() {
    let args = DoctorArgs { json: true };
    let parts = |store: Result<String, Trouble>| {
        |_: &Config| Parts {
            agents: Vec::new(),
            store: Box::new(FixedProbe(store)),
        }
    };
    let env = World::new().await.env();
    let good = parts(Ok("fine".to_owned()));
    assert_eq!(run(&env, args, good).await, ExitCode::Done);
    let bad = parts(Err(Trouble::new("malformed", "start the bot")));
    assert_eq!(run(&env, args, bad).await, ExitCode::Failed);
    let unused = |_: &Config| -> Parts { unreachable!("nothing is made of a bad configuration") };
    let env = Env::of([("MATRIX_USER_ID", "bot")]).in_folder("/nowhere");
    assert_eq!(run(&env, args, unused).await, ExitCode::Usage);
}

#[test]
fn json_tells_the_same() {
    let checks = [
        Check::of("a", Ok("fine".to_owned())),
        Check::of("b", Err(Trouble::new("broken", "mend it"))),
    ];
    let json: Value = serde_json::from_str(&rendered(&checks, true)).unwrap();
    assert_eq!(
        json,
        json!({"ok": false, "checks": [
            {"name": "a", "ok": true, "what": "fine"},
            {"name": "b", "ok": false, "what": "broken", "remedy": "mend it"},
        ]})
    );
}

#[tokio::test]
async fn every_agent_is_asked() {
    let mut world = World::new().await;
    let agent = |id: &str, health| Agent {
        id: AgentId::new(id),
        name: id.to_uppercase(),
        description: String::new(),
        users: Vec::new(),
        limits: crate::platform::Limits::default(),
        client: Arc::new(Patient(health)),
    };
    world.agents = vec![
        agent("a", Ok(())),
        agent("b", Err(Advice::TryAgain)),
        agent("c", Err(Advice::TellOperator)),
        agent("d", Err(Advice::LogIn)),
    ];
    let lines = world.checks().await;
    assert_eq!(
        lines[lines.len() - 4..],
        [
            "ok   agent a: A can be reached",
            "FAIL agent b: connection refused - it may be back in a moment; check again",
            "FAIL agent c: connection refused - see its entry in the agent registry",
            "FAIL agent d: connection refused - log it in where it runs, as the user it runs as; or choose one of its \
             login methods with auth in its entry of the agent registry",
        ]
    );
}
