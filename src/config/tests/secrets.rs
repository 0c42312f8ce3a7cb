//! Passwords and tokens: exactly one, from a variable or a file, and never shown.

use super::World;
use crate::config::{Config, Credentials, Secret};

#[test]
fn a_secret_shows_itself_nowhere() {
    let config = World::new().config();
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert_eq!(Secret::new("hunter2").to_string(), "[secret]");
    assert_eq!(Secret::new("hunter2").expose(), "hunter2");
}

#[test]
fn no_problem_shows_a_secret() {
    let worlds = [
        World::new().with("MATRIX_ACCESS_TOKEN", "hunter2"),
        World::new().with("MATRIX_PASSWORD_FILE", "nowhere"),
        World::new()
            .without("MATRIX_PASSWORD")
            .with("MATRIX_ACCESS_TOKEN", "hunter2 hunter2"),
        World::new().with("MATRIX_HOMESERVER", "https://bot:hunter2@example.org"),
        World::new().with("MATRIX_HOMESERVER", "https://hunter2@example.org"),
    ];
    for world in worlds {
        let problem = world.problem();
        assert!(!problem.contains("hunter2"), "{problem}");
    }
}

#[test]
fn a_file_gives_the_secret_without_its_last_line_end() {
    for content in ["hunter2", "hunter2\n", "hunter2\r\n", "hunter2\n\n"] {
        let config = World::new()
            .without("MATRIX_PASSWORD")
            .with("MATRIX_PASSWORD_FILE", "secret")
            .file("secret", content)
            .config();
        assert_eq!(
            config.matrix.credentials,
            Credentials::Password(Secret::new("hunter2"))
        );
    }
}

#[test]
fn an_empty_name_of_a_file_names_none() {
    let config = World::new()
        .with("MATRIX_PASSWORD_FILE", "")
        .with("MATRIX_ACCESS_TOKEN_FILE", "")
        .config();
    assert!(matches!(
        config.matrix.credentials,
        Credentials::Password(_)
    ));
}

#[test]
fn blanks_inside_and_around_a_password_belong_to_it() {
    let config = World::new().with("MATRIX_PASSWORD", " a b ").config();
    assert_eq!(
        config.matrix.credentials,
        Credentials::Password(Secret::new(" a b "))
    );
}

#[test]
fn a_token_comes_with_or_without_a_device() {
    let token = || {
        World::new()
            .without("MATRIX_PASSWORD")
            .with("MATRIX_ACCESS_TOKEN", "syt_token")
    };
    let credentials = |device: Option<&str>| Credentials::AccessToken {
        token: Secret::new("syt_token"),
        device_id: device.map(Into::into),
    };
    assert_eq!(token().config().matrix.credentials, credentials(None));
    let with_device = token().with("MATRIX_DEVICE_ID", "DEVICE");
    assert_eq!(
        with_device.config().matrix.credentials,
        credentials(Some("DEVICE"))
    );
    let problem = token().with("MATRIX_DEVICE_ID", "MY DEVICE").problem();
    assert!(problem.starts_with("MATRIX_DEVICE_ID: "), "{problem}");
}

#[test]
fn secrets_that_cannot_be_used_are_problems() {
    let no_password = || World::new().without("MATRIX_PASSWORD");
    let table = [
        (
            no_password(),
            "MATRIX_PASSWORD, MATRIX_ACCESS_TOKEN: neither is set",
        ),
        (
            World::new().with("MATRIX_ACCESS_TOKEN", "syt_token"),
            "MATRIX_PASSWORD, MATRIX_ACCESS_TOKEN: both are set",
        ),
        (
            World::new()
                .with("MATRIX_PASSWORD_FILE", "secret")
                .file("secret", "x"),
            "MATRIX_PASSWORD, MATRIX_PASSWORD_FILE: both are set",
        ),
        (
            World::new().with("MATRIX_PASSWORD", ""),
            "MATRIX_PASSWORD: set, but empty",
        ),
        (
            World::new().with("MATRIX_ACCESS_TOKEN", " "),
            "MATRIX_ACCESS_TOKEN: set, but empty",
        ),
        (
            no_password()
                .with("MATRIX_PASSWORD_FILE", "secret")
                .file("secret", "\n"),
            "MATRIX_PASSWORD_FILE: \"secret\" is empty",
        ),
        (
            no_password().with("MATRIX_PASSWORD_FILE", "nowhere"),
            "MATRIX_PASSWORD_FILE: cannot read \"nowhere\": No such file",
        ),
        (
            no_password().with("MATRIX_ACCESS_TOKEN_FILE", "."),
            "MATRIX_ACCESS_TOKEN_FILE: cannot read \".\": Is a directory",
        ),
        (
            no_password().with("MATRIX_ACCESS_TOKEN", "Bearer syt_token"),
            "MATRIX_ACCESS_TOKEN: holds white space",
        ),
    ];
    for (world, expected) in table {
        let problem = world.problem();
        assert!(problem.starts_with(expected), "{problem}");
    }
}

#[test]
fn a_file_that_is_no_text_is_unreadable() {
    let world = World::new()
        .without("MATRIX_PASSWORD")
        .with("MATRIX_PASSWORD_FILE", "secret");
    std::fs::write(world.folder.path().join("secret"), b"\xff\xfe").unwrap();
    assert!(Config::read(&world.env()).is_err());
    assert!(
        world
            .problem()
            .starts_with("MATRIX_PASSWORD_FILE: cannot read")
    );
}
