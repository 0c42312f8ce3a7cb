//! The command line as it is typed.

use clap::{CommandFactory, error::ErrorKind};

use super::*;
use crate::config::Problem;

fn parsed(line: &str) -> Result<Command, ErrorKind> {
    Cli::try_parse_from(line.split_whitespace())
        .map(Cli::into_command)
        .map_err(|error| error.kind())
}

#[test]
fn the_definition_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_is_understood() {
    let reset = |mode, dry_run, yes| Command::Reset(ResetArgs { mode, dry_run, yes });
    let reconcile = |check, json| Command::Reconcile(ReconcileArgs { check, json });
    let healthcheck = |url: Option<&str>| {
        let url = url.map(|url| url.parse().unwrap());
        Command::Healthcheck(HealthcheckArgs { url })
    };
    let platform_agent = |listen: &str, command: &[&str]| {
        Command::PlatformAgent(PlatformAgentArgs {
            listen: listen.parse().unwrap(),
            command: command.iter().map(ToString::to_string).collect(),
        })
    };
    let table = [
        ("surfaces-bot", Command::Run),
        ("surfaces-bot run", Command::Run),
        ("surfaces-bot reconcile", reconcile(false, false)),
        (
            "surfaces-bot reconcile --check --json",
            reconcile(true, true),
        ),
        (
            "surfaces-bot reset --mode local-only",
            reset(ResetMode::LocalOnly, false, false),
        ),
        (
            "surfaces-bot reset --mode server-leave-forget --dry-run --yes",
            reset(ResetMode::ServerLeaveForget, true, true),
        ),
        (
            "surfaces-bot doctor",
            Command::Doctor(DoctorArgs { json: false }),
        ),
        (
            "surfaces-bot doctor --json",
            Command::Doctor(DoctorArgs { json: true }),
        ),
        ("surfaces-bot healthcheck", healthcheck(None)),
        (
            "surfaces-bot healthcheck --url http://127.0.0.1:8000/health",
            healthcheck(Some("http://127.0.0.1:8000/health")),
        ),
        (
            "surfaces-bot platform-agent",
            platform_agent("127.0.0.1:8000", &[]),
        ),
        (
            "surfaces-bot platform-agent --listen [::]:9 -- opencode acp --listen x",
            platform_agent("[::]:9", &["opencode", "acp", "--listen", "x"]),
        ),
    ];
    for (line, expected) in table {
        assert_eq!(parsed(line), Ok(expected), "{line}");
    }
}

#[test]
fn wrong_use_is_refused() {
    let table = [
        ("surfaces-bot fly", ErrorKind::InvalidSubcommand),
        ("surfaces-bot --check", ErrorKind::UnknownArgument),
        ("surfaces-bot run now", ErrorKind::UnknownArgument),
        ("surfaces-bot reset", ErrorKind::MissingRequiredArgument),
        ("surfaces-bot reset --mode all", ErrorKind::InvalidValue),
        ("surfaces-bot doctor --check", ErrorKind::UnknownArgument),
        (
            "surfaces-bot healthcheck --url here",
            ErrorKind::ValueValidation,
        ),
        (
            "surfaces-bot platform-agent --listen 8000",
            ErrorKind::ValueValidation,
        ),
        (
            "surfaces-bot platform-agent opencode",
            ErrorKind::UnknownArgument,
        ),
    ];
    for (line, expected) in table {
        assert_eq!(parsed(line), Err(expected), "{line}");
        let error = Cli::try_parse_from(line.split_whitespace()).unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::Usage as i32, "{line}");
    }
}

#[test]
fn the_help_lists_commands_and_exit_codes() {
    let help = Cli::command().render_long_help().to_string();
    for word in [
        "reconcile",
        "reset",
        "doctor",
        "healthcheck",
        "platform-agent",
        "Exit codes:",
        ".env.example",
    ] {
        assert!(help.contains(word), "{word}\n{help}");
    }
}

#[test]
fn every_failure_has_its_code_and_its_words() {
    let problems = vec![
        Problem::not_set("A", "x"),
        Problem::bad_value("B", "1", "2"),
    ];
    let cause = || anyhow::anyhow!("inner").context("outer");
    let table = [
        (
            Failure::Configuration(problems),
            2,
            "the configuration cannot be used:\n  - A: not set; expected x\n  - B: read \"1\"; expected 2\n",
        ),
        (Failure::Usage("no terminal".to_owned()), 2, "no terminal"),
        (
            Failure::CredentialsRefused(cause()),
            3,
            "the homeserver refused the credentials: outer: inner\nCheck MATRIX_USER_ID",
        ),
        (
            Failure::DataHeld {
                lock: "bot.lock".into(),
            },
            4,
            "another surfaces-bot process holds bot.lock; stop it first",
        ),
        (Failure::Failed(cause()), 1, "outer: inner"),
    ];
    for (failure, code, report) in table {
        assert_eq!(failure.exit_code() as u8, code);
        assert!(failure.report().starts_with(report), "{}", failure.report());
    }
}
