//! The binary: environment, command line, exit code.

use clap::Parser;
use surfaces_bot::{
    app,
    cli::{self, Cli, Command, Failure, Outcome, doctor, healthcheck, platform_agent},
    config::{Config, Env},
    logging,
};

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let command = Cli::parse().into_command();
    cli::conclude(obey(command, &Env::of_process()).await)
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
