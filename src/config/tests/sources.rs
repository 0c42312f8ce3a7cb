//! Where variables come from, and names that look like the bot's own.

use std::{collections::BTreeSet, path::Path};

use super::World;
use crate::config::{Config, Env, names};

fn env_with_dotenv(content: &str, variables: &[(&str, &str)]) -> (tempfile::TempDir, Env) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), content).unwrap();
    let mut env = Env::of(variables.to_vec()).in_folder(folder.path());
    env.add_dotenv(Path::new(".env"));
    (folder, env)
}

#[test]
fn a_dotenv_file_adds_what_the_process_does_not_have() {
    let (_folder, env) = env_with_dotenv(
        "\u{feff}# comment\nexport A=1\nB='two words'\nC=\"x#y\" # comment\nD=\nB2=first\nB2=last\n",
        &[("A", "real"), ("E", "real")],
    );
    let values: Vec<_> = env
        .names()
        .map(|name| (name, env.get(name).unwrap()))
        .collect();
    assert_eq!(
        values,
        [
            ("A", "real"),
            ("B", "two words"),
            ("B2", "last"),
            ("C", "x#y"),
            ("D", ""),
            ("E", "real")
        ]
    );
    assert_eq!(env.problems(), []);
}

#[test]
fn a_missing_dotenv_file_is_none() {
    let mut env = Env::of([("A", "1")]).in_folder("/nowhere");
    env.add_dotenv(Path::new(".env"));
    assert_eq!(env.problems(), []);
}

#[test]
fn broken_lines_are_named_and_not_shown() {
    let (_folder, env) = env_with_dotenv(
        "A=1\nMATRIX_PASSWORD hunter2\nB=2\n\nMATRIX_ACCESS_TOKEN=hun ter2\nC=3\n",
        &[],
    );
    let problems: Vec<String> = env.problems().iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(problems[0].starts_with(".env: line 2 "), "{problems:#?}");
    assert!(problems[1].starts_with(".env: line 5 "), "{problems:#?}");
    assert!(!problems.concat().contains("ter2"), "{problems:#?}");
    assert_eq!(env.get("C"), Some("3"), "lines after a broken one count");
}

#[test]
fn a_quote_that_is_never_closed_is_a_problem() {
    let (_folder, env) = env_with_dotenv("A=1\nB=\"hunter2\nC=3\n", &[]);
    let problem = env.problems()[0].to_string();
    assert!(problem.starts_with(".env: line 2 "), "{problem}");
    assert!(!problem.contains("hunter2"));
}

#[test]
fn a_folder_in_place_of_the_dotenv_file_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".env")).unwrap();
    let mut env = Env::of::<&str, &str>([]).in_folder(folder.path());
    env.add_dotenv(Path::new(".env"));
    assert!(
        env.problems()[0]
            .to_string()
            .starts_with(".env: cannot be read")
    );
}

#[test]
fn a_broken_dotenv_file_stops_the_start() {
    let world = World::new().file(".env", "not a line\n");
    let mut env = world.env();
    env.add_dotenv(Path::new(".env"));
    let problems = Config::read(&env).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!(problems[0].name, ".env");
}

#[test]
fn unknown_names_are_warned_about_with_the_nearest_known_one() {
    let table = [
        ("MATRIX_HOMESERVR", "MATRIX_HOMESERVER"),
        ("MATRIX_HOMESERVER_URL", "MATRIX_HOMESERVER"),
        ("MATRIX_USERID", "MATRIX_USER_ID"),
        ("SURFACES_LOCAL", "SURFACES_LOCALE"),
        ("SURFACES_MAX_UPLOAD", "SURFACES_MAX_UPLOAD_BYTES"),
        (
            "SURFACES_PLATFORM_AGENT_TOKN",
            "SURFACES_PLATFORM_AGENT_TOKEN",
        ),
    ];
    for (name, nearest) in table {
        let config = World::new().with(name, "x").config();
        let warnings: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(
            warnings,
            [format!(
                "{name}: no such variable; the nearest known one is {nearest}"
            )]
        );
    }
}

#[test]
fn names_of_others_are_left_alone() {
    let config = World::new()
        .with("PATH", "/bin")
        .with("MATRIXY", "x")
        .with("SURFACES_PLATFORM_AGENT_TOKEN", "x")
        .config();
    assert_eq!(config.warnings, []);
}

#[test]
fn a_device_beside_a_password_is_warned_about() {
    let config = World::new().with("MATRIX_DEVICE_ID", "DEVICE").config();
    assert_eq!(config.warnings.len(), 1);
    assert!(
        config.warnings[0]
            .to_string()
            .starts_with("MATRIX_DEVICE_ID: has no effect")
    );
}

#[test]
fn the_example_names_every_variable_and_no_other() {
    let example = include_str!("../../../.env.example");
    let named: BTreeSet<&str> = example
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once('='))
        .map(|(name, _)| name)
        // The others are for the Compose files, which `tests/integration/shipping.rs` looks at.
        .filter(|name| {
            ["MATRIX_", "SURFACES_", "RUST_LOG"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        })
        .collect();
    let known = names::KNOWN.into_iter().chain(["RUST_LOG"]).collect();
    assert_eq!(named, known);
}

#[test]
fn the_example_is_a_configuration_that_can_be_read() {
    let (_folder, env) = env_with_dotenv(include_str!("../../../.env.example"), &[]);
    let config = Config::read(&env).unwrap();
    assert_eq!(config.warnings, []);
}

#[test]
fn dotenv_lines_are_read_as_a_shell_would() {
    let table = [
        ("A=1", Some("1")),
        ("A=1\r\n", Some("1")),
        ("A = 1", Some("1")),
        ("A=", Some("")),
        ("A=''", Some("")),
        ("A=\"two words\"", Some("two words")),
        ("A='$NOT_SET # no comment'", Some("$NOT_SET # no comment")),
        ("A=\"x${NOT_SET}\"", Some("x")),
        ("A=x # comment", Some("x")),
        ("A=x#y", Some("x#y")),
        ("A=\"line\\nline\"", Some("line\nline")),
        ("A=1\nA=2", Some("2")),
        ("#A=1", None),
        ("", None),
    ];
    for (content, expected) in table {
        let (_folder, env) = env_with_dotenv(content, &[]);
        assert_eq!(env.problems(), [], "{content:?}");
        assert_eq!(env.get("A"), expected, "{content:?}");
    }
}

#[test]
fn an_empty_real_variable_wins_too() {
    let (_folder, env) = env_with_dotenv(
        "SURFACES_HTTP_ADDR=0.0.0.0:80\n",
        &[("SURFACES_HTTP_ADDR", "")],
    );
    assert_eq!(env.get("SURFACES_HTTP_ADDR"), Some(""));
}

#[test]
fn relative_paths_start_from_the_folder_and_absolute_ones_do_not() {
    let env = Env::default().in_folder("/data");
    assert_eq!(env.resolve("a/b"), Path::new("/data/a/b"));
    assert_eq!(env.resolve("/a/b"), Path::new("/a/b"));
    assert_eq!(Env::default().resolve("a/b"), Path::new("a/b"));
}
