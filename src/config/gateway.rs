//! What `platform-agent` needs to know: who may connect, and whom to serve. Nothing of Matrix.

use std::{
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::config::{
    Env, LogConfig, Problem, Reader, Reported, Secret, Warning, files::FilesConfig, names, paths,
    problem::quoted,
};

const TOKEN: &str = "SURFACES_PLATFORM_AGENT_TOKEN";

/// What `platform-agent` needs to know.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// `--listen`.
    pub listen: SocketAddr,
    /// `SURFACES_PLATFORM_AGENT_TOKEN`; only on a loopback address there may be none.
    pub token: Option<Secret>,
    /// Whom to serve.
    pub agent: GatewayAgent,
    /// How it logs.
    pub log: LogConfig,
    /// What is probably not meant; to be logged at start-up.
    pub warnings: Vec<Warning>,
}

/// Whom to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayAgent {
    /// A command, started once for each connection.
    Command {
        /// As it is typed.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<String>,
        /// The variables it is not to see: the bot's own, secrets among them.
        hidden: Vec<String>,
    },
    /// The reference agent.
    Reference {
        /// `SURFACES_WORKSPACE_DIR`.
        workspace_dir: PathBuf,
        /// `SURFACES_PLATFORM_AGENT_DATA_DIR`: where it keeps its sessions.
        data_dir: PathBuf,
    },
}

impl GatewayConfig {
    /// Reads everything; on failure, all problems. No command means the reference agent.
    pub fn read(env: &Env, listen: SocketAddr, command: &[String]) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::new(env);
        let config = Self::from_env(&mut reader, listen, command);
        let problems = reader.into_problems();
        match config {
            Ok(config) if problems.is_empty() => Ok(config),
            _ => Err(problems),
        }
    }

    fn from_env(
        reader: &mut Reader<'_>,
        listen: SocketAddr,
        command: &[String],
    ) -> Result<Self, Reported> {
        let token = token_from_env(reader, listen);
        let agent = match command {
            [] => reference_from_env(reader),
            [program, arguments @ ..] => command_of(reader, program, arguments),
        };
        let log = LogConfig::from_env(reader);
        Ok(Self {
            listen,
            token: token?,
            agent: agent?,
            log: log?,
            warnings: names::unknown_names(reader.env()),
        })
    }
}

fn token_from_env(reader: &mut Reader<'_>, listen: SocketAddr) -> Result<Option<Secret>, Reported> {
    let token = reader.secret(TOKEN)?;
    match &token {
        Some(token) if !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) => Err(reader
            .report(Problem::new(
                TOKEN,
                "holds blanks or other characters that a request cannot carry",
                "letters, digits and punctuation of ASCII",
            ))),
        None if !listen.ip().is_loopback() => Err(reader.report(Problem::new(
            TOKEN,
            format!("not set, while --listen {listen} can be reached from other machines"),
            "a token, or a loopback address such as 127.0.0.1:8000 to listen on",
        ))),
        _ => Ok(token),
    }
}

fn reference_from_env(reader: &mut Reader<'_>) -> Result<GatewayAgent, Reported> {
    let files = FilesConfig::from_env(reader);
    let data_dir = reader.or(
        "SURFACES_PLATFORM_AGENT_DATA_DIR",
        PathBuf::from("platform_agent"),
        "a folder",
        |text| Some(PathBuf::from(text)),
    );
    let (files, data_dir) = (files?, data_dir?);
    for problem in paths::reference_problems(reader.env(), &data_dir, &files) {
        reader.report(problem);
    }
    Ok(GatewayAgent::Reference {
        workspace_dir: reader.env().resolve(files.workspace_dir),
        data_dir: reader.env().resolve(data_dir),
    })
}

fn command_of(
    reader: &mut Reader<'_>,
    program: &str,
    arguments: &[String],
) -> Result<GatewayAgent, Reported> {
    if !can_be_run(reader.env(), program) {
        return Err(reader.report(Problem::new(
            "COMMAND",
            format!("{} is no program that can be run", quoted(program)),
            "a program in PATH, or the path of one",
        )));
    }
    Ok(GatewayAgent::Command {
        program: PathBuf::from(program),
        arguments: arguments.to_vec(),
        hidden: reader
            .env()
            .names()
            .filter(|name| names::is_ours(name))
            .map(str::to_owned)
            .collect(),
    })
}

fn can_be_run(env: &Env, program: &str) -> bool {
    let is_program = |path: &Path| {
        path.metadata()
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return is_program(&env.resolve(program));
    }
    env.get("PATH")
        .unwrap_or_default()
        .split(':')
        .any(|folder| is_program(&env.resolve(folder).join(program)))
}
