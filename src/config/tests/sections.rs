//! The whole of it: defaults, and all problems of all sections at once.

use std::{path::Path, time::Duration};

use super::World;
use crate::{
    config::{
        Config, Credentials, Env, InitialSync, LogFormat, Secret, agents::RegistrySource,
        log::DEFAULT_FILTER,
    },
    core::chat::Locale,
};

#[test]
fn three_variables_are_enough() {
    let config = World::new().config();
    assert_eq!(config.matrix.user_id, "@bot:example.org");
    assert_eq!(
        config.matrix.credentials,
        Credentials::Password(Secret::new("hunter2"))
    );
    assert_eq!(config.matrix.db_path, Path::new("lambda_matrix.db"));
    assert_eq!(config.matrix.store_path, Path::new("matrix_store"));
    assert_eq!(config.matrix.initial_sync, InitialSync::Auto);
    assert_eq!(config.people.locale, Locale::En);
    assert_eq!(config.people.brand, "Lambda");
    assert_eq!(config.files.max_upload_bytes, 50 * 1024 * 1024);
    assert_eq!(config.backlog_max_age, Duration::from_hours(24));
    assert_eq!(config.queue_limit, 100);
    assert_eq!(config.permission_timeout, Duration::from_mins(5));
    assert_eq!(config.http_addr, Some("127.0.0.1:8080".parse().unwrap()));
    assert_eq!(config.log.format, LogFormat::Text);
    assert_eq!(config.log.filter, DEFAULT_FILTER);
    assert_eq!(config.agents.source, RegistrySource::Embedded);
    assert_eq!(config.warnings, []);
}

#[test]
fn the_workspace_has_a_default_too() {
    let config = World::new().without("SURFACES_WORKSPACE_DIR").config();
    assert_eq!(config.files.workspace_dir, Path::new("/workspace"));
}

#[test]
fn an_empty_environment_lists_all_that_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let env = Env::of::<&str, &str>([]).in_folder(folder.path());
    let problems = Config::read(&env).unwrap_err();
    let names: Vec<&str> = problems
        .iter()
        .map(|problem| problem.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "MATRIX_HOMESERVER",
            "MATRIX_USER_ID",
            "MATRIX_PASSWORD, MATRIX_ACCESS_TOKEN"
        ]
    );
    assert_eq!(
        problems[1].to_string(),
        "MATRIX_USER_ID: not set; expected the bot's full user id, such as @bot:example.org"
    );
}

#[test]
fn problems_of_all_sections_are_listed_at_once() {
    let problems = World::new()
        .without("MATRIX_HOMESERVER")
        .with("SURFACES_LOCALE", "de")
        .with("SURFACES_MAX_UPLOAD_BYTES", "much")
        .with("SURFACES_BACKLOG_MAX_AGE", "long")
        .with("SURFACES_QUEUE_LIMIT", "some")
        .with("SURFACES_HTTP_ADDR", "here")
        .with("SURFACES_LOG_FORMAT", "xml")
        .with("MATRIX_AGENTS_CONFIG", "agents.yaml")
        .file("agents.yaml", "default: x\nagents: [{id: y, kind: z}]")
        .problems();
    assert_eq!(problems.len(), 9, "{problems:#?}");
}

#[test]
fn an_empty_value_is_a_missing_one() {
    let problem = World::new().with("MATRIX_HOMESERVER", "  ").problem();
    assert!(
        problem.starts_with("MATRIX_HOMESERVER: not set"),
        "{problem}"
    );
    let config = World::new()
        .with("SURFACES_LOCALE", "")
        .with("SURFACES_BACKLOG_MAX_AGE", "")
        .config();
    assert_eq!(config.people.locale, Locale::En);
    assert_eq!(config.backlog_max_age, Duration::from_hours(24));
}

#[test]
fn an_empty_http_address_turns_it_off() {
    let config = World::new().with("SURFACES_HTTP_ADDR", "").config();
    assert_eq!(config.http_addr, None);
}

#[test]
fn a_long_value_is_cut_where_it_is_shown() {
    let problem = World::new()
        .with("SURFACES_LOCALE", &"ж".repeat(5_000))
        .problem();
    assert!(problem.chars().count() < 200, "{problem}");
    assert!(problem.contains('…'));
}
