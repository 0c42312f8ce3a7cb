//! The binary: environment, command line, exit code.

use std::{num::NonZero, process::ExitCode, thread};

use clap::Parser;
use surfaces_bot::{
    app,
    cli::{self, Cli, Command, Failure, Outcome, doctor, healthcheck, platform_agent},
    config::{Config, Env},
    logging,
};

/// Threads for what is ready to go on, at most. Nearly all of a bot's time is waiting, and each thread has memory of its
/// own: a large machine is to need no more of it than a small one.
const MOST_WORKERS: usize = 4;
/// Threads for files and databases, at most: more than the bot's database (1), those of the SDK (4 connections each), and
/// files that are being decrypted (8) hold at the same time.
const MOST_BLOCKING: usize = 32;

fn main() -> ExitCode {
    let command = Cli::parse().into_command();
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.min(MOST_WORKERS))
        .max_blocking_threads(MOST_BLOCKING)
        .enable_all()
        .build();
    cli::conclude(match runtime {
        Ok(runtime) => runtime.block_on(obey(command, &Env::of_process())),
        Err(error) => Err(Failure::Failed(error.into())),
    })
}

async fn obey(command: Command, env: &Env) -> Outcome {
    let parts = |config: &Config| doctor::Parts {
        agents: app::agents(&config.agents, &app::Supplies::for_a_look(config)),
        store: Box::new(doctor::ReadingProbe),
    };
    match command {
        Command::Healthcheck(args) => return Ok(healthcheck::run(env, args).await),
        Command::PlatformAgent(args) => return platform_agent::run(env, args).await,
        Command::Doctor(args) => return Ok(doctor::run(env, args, parts).await),
        Command::Run | Command::Reconcile(_) | Command::Reset(_) => {}
    }
    let config = Config::read(env).map_err(Failure::Configuration)?;
    logging::init(&config.log).map_err(|error| Failure::Failed(error.into()))?;
    #[cfg(feature = "boundaries")]
    surfaces_bot::boundary::arm(env).map_err(|problem| Failure::Configuration(vec![problem]))?;
    match command {
        Command::Reconcile(args) => cli::reconcile::run(config, args).await,
        Command::Reset(args) => cli::reset::run(config, args).await,
        _ => cli::run::run(config).await,
    }
}
