//! Which layer may name what. Reads the sources; comments and tests beside the code do not count.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Code lines of one file.
const LONGEST_FILE: usize = 400;

/// One source file: its path under `src`, and its code.
struct Source {
    path: String,
    code: String,
}

/// What a file does that its layer may not. Empty where everything is in order.
fn violations(source: &Source) -> Vec<String> {
    let path = source.path.as_str();
    let mut found = Vec::new();
    let mut forbid = |words: &[&str], because: &str| {
        for word in words {
            if names(&source.code, word) {
                found.push(format!("{path} names {word}: {because}"));
            }
        }
    };
    if path.starts_with("core/") {
        forbid(
            &["matrix_sdk", "rusqlite", "axum", "reqwest", "crate::matrix"],
            "core knows no Matrix, SQL or HTTP",
        );
    }
    if path.starts_with("platform/") {
        forbid(
            &["matrix_sdk", "crate::matrix"],
            "agents know no Matrix and no SQL",
        );
    }
    if !path.starts_with("matrix/store/") {
        forbid(&["rusqlite"], "SQL stays in matrix/store");
    }
    if path != "config/env.rs" {
        forbid(&["std::env"], "the environment is read in config/env.rs");
    }
    if !["matrix/session", "matrix/sdk_client", "matrix/sync"]
        .iter()
        .any(|home| path.starts_with(home))
    {
        for name in taken_from_the_sdk(&source.code) {
            if name.starts_with("Client") || name.starts_with("Room") {
                found.push(format!(
                    "{path} names matrix_sdk::{name}: it stays in session, sdk_client and sync"
                ));
            }
        }
    }
    let lines = source.code.lines().count();
    if lines > LONGEST_FILE {
        found.push(format!("{path} has {lines} lines: split it"));
    }
    found
}

/// Whether the code names this, as a whole word.
fn names(code: &str, word: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    code.match_indices(word).any(|(at, _)| {
        !code[..at].ends_with(is_part) && !code[at + word.len()..].starts_with(is_part)
    })
}

/// The names right behind `matrix_sdk::`, in paths and in use trees.
fn taken_from_the_sdk(code: &str) -> Vec<String> {
    let mut taken = Vec::new();
    for (at, prefix) in code.match_indices("matrix_sdk::") {
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(tree) => taken.extend(top_of_tree(tree)),
            None => taken.push(first_name(rest)),
        }
    }
    taken
}

/// The first name of each branch of a use tree whose brace is open.
fn top_of_tree(tree: &str) -> Vec<String> {
    let (mut depth, mut begins) = (1, true);
    let mut names = Vec::new();
    for (at, character) in tree.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            ',' if depth == 1 => begins = true,
            other if other.is_whitespace() => {}
            _ if begins => {
                names.push(first_name(&tree[at..]));
                begins = false;
            }
            _ => {}
        }
    }
    names
}

fn first_name(text: &str) -> String {
    text.chars()
        .take_while(|character| character.is_alphanumeric() || *character == '_')
        .collect()
}

/// The code without comments, and without the tests at its end.
fn code_of(text: &str) -> String {
    text.lines()
        .take_while(|line| *line != "#[cfg(test)]")
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn is_test(path: &str) -> bool {
    path.split('/').any(|part| {
        let stem = part.strip_suffix(".rs").unwrap_or(part);
        stem == "tests" || stem == "testing" || stem == "fixtures" || stem.ends_with("_tests")
    })
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let name = path
                .strip_prefix(&root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") && !is_test(&name) {
                let code = code_of(&fs::read_to_string(path).unwrap());
                found.push(Source { path: name, code });
            }
        }
    }
    found
}

#[test]
fn every_layer_names_only_what_it_may() {
    let sources = sources();
    assert!(
        sources.len() > 80,
        "only {} files were found",
        sources.len()
    );
    let found: Vec<String> = sources.iter().flat_map(violations).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn judged(path: &str, code: &str) -> Vec<String> {
    violations(&Source {
        path: path.to_owned(),
        code: code_of(code),
    })
}

#[test]
fn what_a_layer_may_not_name_is_found() {
    for (path, code) in [
        ("core/chat/mod.rs", "use matrix_sdk::ruma::RoomId;"),
        (
            "core/chat/mod.rs",
            "use crate::{\n    clock::Clock,\n};\nuse crate::matrix::store::Store;",
        ),
        ("core/error.rs", "fn f() { reqwest::get(\"x\") }"),
        ("platform/mock.rs", "use rusqlite::Connection;"),
        ("matrix/inbox.rs", "use rusqlite::params;"),
        ("matrix/inbox.rs", "use matrix_sdk::Client;"),
        ("matrix/inbox.rs", "fn f(room: matrix_sdk::Room) {}"),
        (
            "app.rs",
            "use matrix_sdk::{\n    config::{SyncSettings, Client2},\n    Client, ruma::{OwnedRoomId},\n};",
        ),
        ("app.rs", "use matrix_sdk::{ruma::RoomId, RoomState};"),
        ("cli/mod.rs", "let home = std::env::var(\"HOME\");"),
    ] {
        assert_eq!(judged(path, code).len(), 1, "{path}: {code}");
    }
    let long = "fn f() {}\n".repeat(LONGEST_FILE + 1);
    assert_eq!(judged("lib.rs", &long).len(), 1);
}

#[test]
fn what_a_layer_may_name_is_let_pass() {
    for (path, code) in [
        (
            "core/mod.rs",
            "//! Knows no matrix_sdk.\n/// No rusqlite either.\nfn f() {} ",
        ),
        (
            "core/mod.rs",
            "fn f() {}\n#[cfg(test)]\nmod tests { use crate::matrix; }",
        ),
        (
            "matrix/inbox.rs",
            "use matrix_sdk::ruma::{RoomId, OwnedRoomId};",
        ),
        (
            "matrix/inbox.rs",
            "use matrix_sdk::{\n    ruma::{RoomId, Client},\n};",
        ),
        ("matrix/sdk_client.rs", "use matrix_sdk::{Client, Room};"),
        ("matrix/session/file.rs", "use matrix_sdk::Client;"),
        ("matrix/store/mod.rs", "use rusqlite::Connection;"),
        ("config/env.rs", "std::env::vars_os()"),
        ("app.rs", "use crate::matrix::client::MatrixClient;"),
    ] {
        assert_eq!(judged(path, code), [""; 0], "{path}: {code}");
    }
}

#[test]
fn tests_beside_the_code_are_known_by_their_names() {
    for path in [
        "core/dispatch/tests.rs",
        "core/testing/mod.rs",
        "config/agents/yaml_tests.rs",
        "cli/doctor/fixtures.rs",
    ] {
        assert!(is_test(path), "{path}");
    }
    assert!(!is_test("matrix/store/mod.rs"));
}
