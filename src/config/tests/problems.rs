//! How a problem reads: one line, the variable first, nothing unbounded in it.

use crate::config::{
    Problem, Warning,
    names::{KNOWN, nearest},
    problem::quoted,
};

#[test]
fn a_problem_says_what_was_found_and_what_is_expected() {
    let table = [
        (
            Problem::not_set("MATRIX_USER_ID", "a user id"),
            "MATRIX_USER_ID: not set; expected a user id",
        ),
        (
            Problem::bad_value("SURFACES_LOCALE", "de", "en or ru"),
            "SURFACES_LOCALE: read \"de\"; expected en or ru",
        ),
        (
            Problem::new("A, B", "both are set", "only one of them"),
            "A, B: both are set; expected only one of them",
        ),
    ];
    for (problem, expected) in table {
        assert_eq!(problem.to_string(), expected);
    }
}

#[test]
fn what_was_read_stays_on_one_line_and_short() {
    let table = [
        ("plain", "\"plain\"".to_owned()),
        ("", "\"\"".to_owned()),
        ("two\nlines", "\"two\\nlines\"".to_owned()),
        ("a \"quote\"", "\"a \\\"quote\\\"\"".to_owned()),
        ("\u{1b}[31mred", "\"\\u{1b}[31mred\"".to_owned()),
        ("\u{202e}backwards", "\"\\u{202e}backwards\"".to_owned()),
        (&"x".repeat(120), format!("\"{}\"", "x".repeat(120))),
        (&"x".repeat(121), format!("\"{}…\"", "x".repeat(120))),
    ];
    for (value, expected) in table {
        assert_eq!(quoted(value), expected);
    }
}

#[test]
fn warnings_read_like_problems() {
    let unknown = Warning::UnknownName {
        name: "SURFACES_BRND".to_owned(),
        nearest: "SURFACES_BRAND",
    };
    assert_eq!(
        unknown.to_string(),
        "SURFACES_BRND: no such variable; the nearest known one is SURFACES_BRAND"
    );
    let idle = Warning::WithoutEffect {
        name: "MATRIX_DEVICE_ID",
        reason: "it is late",
    };
    assert_eq!(
        idle.to_string(),
        "MATRIX_DEVICE_ID: has no effect: it is late"
    );
}

#[test]
fn the_nearest_name_takes_the_fewest_changes() {
    let table = [
        ("delayms", &["delay_ms", "name"][..], Some("delay_ms")),
        ("kidn", &["id", "kind", "name"], Some("kind")),
        ("", &["id", "kind"], Some("id")),
        // As far from both: the longer shared beginning decides.
        ("MATRIX_X", &["MITRIX_X", "MATRIX_Y"], Some("MATRIX_Y")),
        ("anything", &[], None),
    ];
    for (name, candidates, expected) in table {
        assert_eq!(
            nearest(name, candidates.iter().copied()),
            expected,
            "{name}"
        );
    }
}

#[test]
fn every_known_name_is_nearest_to_itself_and_listed_once() {
    for name in KNOWN {
        assert_eq!(nearest(name, KNOWN), Some(name));
        assert_eq!(KNOWN.iter().filter(|other| **other == name).count(), 1);
    }
}

#[test]
fn every_secret_can_be_given_as_a_file() {
    for secret in [
        "MATRIX_PASSWORD",
        "MATRIX_ACCESS_TOKEN",
        "SURFACES_PLATFORM_AGENT_TOKEN",
    ] {
        assert!(KNOWN.contains(&secret));
        assert!(KNOWN.contains(&format!("{secret}_FILE").as_str()));
    }
}
