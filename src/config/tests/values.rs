//! Each variable with values that are read, and values that are refused.

use std::time::Duration;

use matrix_sdk::ruma::UserId;

use super::World;
use crate::{
    config::{InitialSync, LogFormat, units},
    core::chat::Locale,
};

/// Values that each variable refuses.
const REFUSED: &[(&str, &[&str])] = &[
    (
        "MATRIX_HOMESERVER",
        &[
            "example.org",
            "matrix.example.org:8448",
            "ftp://example.org",
            "https://",
            "https://example.org?x=1",
            "https://example.org#x",
            "/var/run",
        ],
    ),
    (
        "MATRIX_USER_ID",
        &[
            "bot",
            "@bot",
            "bot:example.org",
            "@bot:",
            "#bot:example.org",
            "@bot:exa mple",
        ],
    ),
    ("SURFACES_INITIAL_SYNC", &["yes", "AUTO", "fast"]),
    ("SURFACES_LOCALE", &["de", "EN", "en_US"]),
    ("SURFACES_BRAND", &["two\nlines"]),
    (
        "SURFACES_ALLOWED_USERS",
        &[
            "",
            " , ",
            "example.org",
            "@alice",
            "alice:example.org",
            "@a:b @c:d",
            "@*:x,bob",
            "@:x",
            "@a:",
        ],
    ),
    (
        "SURFACES_HTTP_ADDR",
        &[
            "8080",
            ":8080",
            "localhost:8080",
            "127.0.0.1",
            "127.0.0.1:99999",
            "http://127.0.0.1:80",
        ],
    ),
    ("SURFACES_LOG_FORMAT", &["xml", "JSON"]),
    ("RUST_LOG", &["a=b=c", "[unclosed"]),
    (
        "SURFACES_MAX_UPLOAD_BYTES",
        &[
            "0",
            "-1",
            "1.5MiB",
            "50 apples",
            "MiB",
            "99999999999GiB",
            "50MiB50",
        ],
    ),
    (
        "SURFACES_QUEUE_LIMIT",
        &["0", "-1", "many", "1.5", "4294967296"],
    ),
    (
        "SURFACES_BACKLOG_MAX_AGE",
        &[
            "0s",
            "24",
            "h",
            "-1h",
            "1h30m",
            "1 week",
            "99999999999999999999d",
            "99999999999999999d",
        ],
    ),
];

#[test]
fn every_refused_value_names_its_variable_and_shows_what_was_read() {
    for (name, values) in REFUSED {
        for value in *values {
            let problem = World::new().with(name, value).problem();
            assert!(problem.starts_with(&format!("{name}: ")), "{problem}");
            assert!(
                problem.contains(&format!("read {:?}", value.trim())) || value.trim() == ",",
                "{problem}"
            );
            assert!(problem.contains("; expected "), "{problem}");
        }
    }
}

#[test]
fn sizes_are_read_with_and_without_units() {
    let table = [
        ("1", Some(1)),
        ("52428800", Some(52_428_800)),
        ("50MiB", Some(50 << 20)),
        ("50 mib", Some(50 << 20)),
        ("50M", Some(50 << 20)),
        ("50MB", Some(50_000_000)),
        ("10KiB", Some(10 << 10)),
        ("10kB", Some(10_000)),
        ("2GiB", Some(2 << 30)),
        ("2GB", Some(2_000_000_000)),
        ("512B", Some(512)),
        ("0", None),
        ("", None),
        ("1TiB", None),
        ("18446744073709551616", None),
        ("18446744073709551615k", None),
        ("５0", None),
    ];
    for (text, expected) in table {
        assert_eq!(units::bytes(text), expected, "{text}");
    }
}

#[test]
fn durations_are_read_with_their_unit() {
    let table = [
        ("90s", Some(90)),
        ("30m", Some(1_800)),
        ("24h", Some(86_400)),
        ("24 h", Some(86_400)),
        ("7d", Some(604_800)),
        ("7D", None),
        ("7", None),
        ("0h", None),
        ("1h30m", None),
        ("", None),
    ];
    for (text, expected) in table {
        assert_eq!(
            units::duration(text),
            expected.map(Duration::from_secs),
            "{text}"
        );
    }
}

#[test]
fn values_are_read_where_they_are_right() {
    let config = World::new()
        .with("MATRIX_HOMESERVER", " http://localhost:8008/ ")
        .with("SURFACES_INITIAL_SYNC", "full")
        .with("SURFACES_LOCALE", "ru")
        .with("SURFACES_BRAND", "Ламбда")
        .with("SURFACES_HTTP_ADDR", "[::]:9090")
        .with("SURFACES_LOG_FORMAT", "json")
        .with("RUST_LOG", "warn,surfaces_bot=trace")
        .with("SURFACES_MAX_UPLOAD_BYTES", "1MiB")
        .with("SURFACES_BACKLOG_MAX_AGE", "90s")
        .with("SURFACES_PERMISSION_TIMEOUT", "1h")
        .config();
    assert_eq!(config.matrix.homeserver.as_str(), "http://localhost:8008/");
    assert_eq!(config.matrix.initial_sync, InitialSync::Full);
    assert_eq!(config.people.locale, Locale::Ru);
    assert_eq!(config.people.brand, "Ламбда");
    assert_eq!(config.http_addr, Some("[::]:9090".parse().unwrap()));
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.log.filter, "warn,surfaces_bot=trace");
    assert_eq!(config.files.max_upload_bytes, 1 << 20);
    assert_eq!(config.backlog_max_age, Duration::from_secs(90));
    assert_eq!(config.permission_timeout, Duration::from_hours(1));
}

#[test]
fn people_are_allowed_by_pattern() {
    let table = [
        // By default, the bot's own server and no other, whatever its name looks like inside a pattern.
        (None, "@alice:example.org", true),
        (None, "@alice:example.org:8448", false),
        (None, "@alice:evil.example.org", false),
        (None, "@alice:exampleXorg", false),
        (Some("*"), "@alice:anywhere.net", true),
        (Some("@*:*"), "@alice:anywhere.net", true),
        (Some("@*:*.example.org"), "@alice:a.example.org", true),
        (Some("@*:*.example.org"), "@alice:example.org", false),
        (Some("@alice:a.org, @bob:b.org,"), "@bob:b.org", true),
        (Some("@alice:a.org, @bob:b.org"), "@bob:a.org", false),
        (Some("@bob:[::1]:8008"), "@bob:[::1]:8008", true),
    ];
    for (patterns, user, expected) in table {
        let world = match patterns {
            None => World::new(),
            Some(patterns) => World::new().with("SURFACES_ALLOWED_USERS", patterns),
        };
        let allowed = world.config().people.allowed;
        let parsed = UserId::parse(user).unwrap();
        assert_eq!(allowed.allows(&parsed), expected, "{patterns:?} {user}");
    }
}
