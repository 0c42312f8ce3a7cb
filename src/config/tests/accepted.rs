//! Values that look unusual and are right.

use std::path::Path;

use super::World;
use crate::config::{Credentials, LogFormat, Secret};

#[test]
fn homeservers_may_stand_anywhere() {
    let table = [
        ("https://matrix.example.org", "https://matrix.example.org/"),
        (
            "https://matrix.example.org:8448/",
            "https://matrix.example.org:8448/",
        ),
        ("http://synapse:8008", "http://synapse:8008/"),
        ("http://127.0.0.1:8008", "http://127.0.0.1:8008/"),
        ("http://[::1]:8008", "http://[::1]:8008/"),
        (
            "https://example.org/behind/a/proxy",
            "https://example.org/behind/a/proxy",
        ),
        ("HTTPS://EXAMPLE.ORG", "https://example.org/"),
        ("https://пример.рф", "https://xn--e1afmkfd.xn--p1ai/"),
    ];
    for (written, expected) in table {
        let config = World::new().with("MATRIX_HOMESERVER", written).config();
        assert_eq!(config.matrix.homeserver.as_str(), expected);
    }
}

#[test]
fn user_ids_of_every_age_are_right() {
    let table = [
        ("@bot:example.org", "example.org"),
        ("@bot:localhost", "localhost"),
        ("@bot:example.org:8448", "example.org:8448"),
        ("@bot:[::1]:8448", "[::1]:8448"),
        ("@bot-1.2=x/y_z:example.org", "example.org"),
        // From before user ids were lower case.
        ("@Bot:example.org", "example.org"),
    ];
    for (written, server) in table {
        let config = World::new().with("MATRIX_USER_ID", written).config();
        assert_eq!(config.matrix.user_id, written);
        assert_eq!(config.matrix.user_id.server_name(), server);
    }
}

#[test]
fn addresses_of_both_families_are_right() {
    for written in ["0.0.0.0:80", "127.0.0.1:0", "[::]:8080", "[::1]:65535"] {
        let config = World::new().with("SURFACES_HTTP_ADDR", written).config();
        assert_eq!(config.http_addr, Some(written.parse().unwrap()));
    }
}

#[test]
fn paths_are_kept_as_they_were_written() {
    let config = World::new()
        .with("MATRIX_DB_PATH", "./data/../data/имя с пробелом.db")
        .with("MATRIX_STORE_PATH", "data/store/")
        .with("SURFACES_WORKSPACE_DIR", "../files-of-others")
        .config();
    assert_eq!(
        config.matrix.db_path,
        Path::new("./data/../data/имя с пробелом.db")
    );
    assert_eq!(config.matrix.store_path, Path::new("data/store"));
    assert_eq!(config.files.workspace_dir, Path::new("../files-of-others"));
}

#[test]
fn log_filters_are_as_tracing_reads_them() {
    for written in [
        "off",
        "debug",
        "surfaces_bot=trace,hyper=warn",
        "info,a[span{x=1}]=debug",
    ] {
        let config = World::new().with("RUST_LOG", written).config();
        assert_eq!(config.log.filter, written);
        assert_eq!(config.log.format, LogFormat::Text);
    }
}

#[test]
fn passwords_may_hold_anything() {
    for password in ["пароль", "a'b\"c", "$HOME", "#no comment", "=", "a\tb"] {
        let config = World::new().with("MATRIX_PASSWORD", password).config();
        assert_eq!(
            config.matrix.credentials,
            Credentials::Password(Secret::new(password))
        );
    }
}

#[test]
fn brands_are_as_long_as_a_name_may_be() {
    for brand in ["λ", "Acme Bots & Co.", &"ж".repeat(64)] {
        let config = World::new().with("SURFACES_BRAND", brand).config();
        assert_eq!(config.people.brand, *brand);
    }
    let problem = World::new()
        .with("SURFACES_BRAND", &"ж".repeat(65))
        .problem();
    assert!(problem.starts_with("SURFACES_BRAND: read"), "{problem}");
}
