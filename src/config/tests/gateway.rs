//! What `platform-agent` is told, and what it complains about.

use std::{net::SocketAddr, os::unix::fs::PermissionsExt};

use super::World;
use crate::config::{GatewayAgent, GatewayConfig};

const LOOPBACK: &str = "127.0.0.1:8000";

fn read(world: &World, listen: &str, command: &[&str]) -> Result<GatewayConfig, Vec<String>> {
    let listen: SocketAddr = listen.parse().unwrap();
    let command: Vec<String> = command.iter().map(ToString::to_string).collect();
    GatewayConfig::read(&world.env(), listen, &command)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

/// Nothing but a workspace is set.
fn bare() -> World {
    World::new()
        .without("MATRIX_HOMESERVER")
        .without("MATRIX_USER_ID")
        .without("MATRIX_PASSWORD")
}

#[test]
fn the_reference_agent_needs_nothing_of_matrix() {
    let world = bare();
    let config = read(&world, LOOPBACK, &[]).unwrap();
    let folder = world.folder.path();
    let expected = GatewayAgent::Reference {
        workspace_dir: folder.join("workspace"),
        data_dir: folder.join("platform_agent"),
    };
    assert_eq!(config.agent, expected);
    assert_eq!(config.token, None);
    assert_eq!(config.warnings, []);
}

#[test]
fn a_command_is_hidden_from_what_is_ours() {
    let world = World::new()
        .with("PATH", "nowhere:bin")
        .with("MATRIX_UNKNOWN", "x")
        .with("SURFACES_PLATFORM_AGENT_TOKEN", "token")
        .file("bin/agent", "");
    let program = world.folder.path().join("bin/agent");
    let refused = [
        "COMMAND: \"agent\" is no program that can be run; expected a program in PATH, or the path of one",
    ];
    assert_eq!(read(&world, LOOPBACK, &["agent"]).unwrap_err(), refused);
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let config = read(&world, "[::1]:1", &["agent", "acp", "--flag"]).unwrap();
    let GatewayAgent::Command {
        program,
        arguments,
        hidden,
    } = config.agent
    else {
        panic!("it is a command");
    };
    assert_eq!(program.to_str(), Some("agent"));
    assert_eq!(arguments, ["acp", "--flag"]);
    for name in [
        "MATRIX_PASSWORD",
        "MATRIX_UNKNOWN",
        "SURFACES_PLATFORM_AGENT_TOKEN",
        "SURFACES_WORKSPACE_DIR",
    ] {
        assert!(hidden.iter().any(|hidden| hidden == name), "{name}");
    }
    assert!(!hidden.iter().any(|name| name == "PATH"));
    assert_eq!(config.warnings.len(), 1);
    assert!(read(&world, LOOPBACK, &["bin/agent"]).is_ok());
    assert!(
        read(&world, LOOPBACK, &["./bin"]).is_err(),
        "a folder is no program"
    );
}

#[test]
fn without_a_token_only_this_machine_may_connect() {
    for (listen, allowed) in [
        ("127.0.0.1:8000", true),
        ("127.1.2.3:8000", true),
        ("[::1]:8000", true),
        ("0.0.0.0:8000", false),
        ("[::]:8000", false),
        ("10.0.0.7:8000", false),
        ("[::ffff:127.0.0.1]:8000", false),
    ] {
        assert_eq!(read(&bare(), listen, &[]).is_ok(), allowed, "{listen}");
        let with = bare().with("SURFACES_PLATFORM_AGENT_TOKEN", "token");
        assert!(read(&with, listen, &[]).is_ok(), "{listen}");
    }
    let with = bare()
        .with("SURFACES_PLATFORM_AGENT_TOKEN_FILE", "token")
        .file("token", "from-a-file\n");
    let config = read(&with, "0.0.0.0:8000", &[]).unwrap();
    assert_eq!(config.token.unwrap().expose(), "from-a-file");
}

#[test]
fn all_problems_come_at_once() {
    let world = bare()
        .with("SURFACES_PLATFORM_AGENT_TOKEN", "two words")
        .with("SURFACES_PLATFORM_AGENT_DATA_DIR", "workspace/data")
        .with("SURFACES_LOG_FORMAT", "xml");
    let problems = read(&world, "0.0.0.0:8000", &[]).unwrap_err();
    let expected = [
        "SURFACES_PLATFORM_AGENT_TOKEN: holds blanks",
        "SURFACES_PLATFORM_AGENT_DATA_DIR: \"workspace/data\" is inside SURFACES_WORKSPACE_DIR",
        "SURFACES_LOG_FORMAT: read \"xml\"",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{problem}");
        assert!(!problem.contains("two words"), "{problem}");
    }
    let empty = bare().with("SURFACES_PLATFORM_AGENT_TOKEN", "");
    assert_eq!(
        read(&empty, LOOPBACK, &[]).unwrap_err().len(),
        1,
        "an empty token is a mistake"
    );
}
