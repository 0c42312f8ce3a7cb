//! `reset`: starting over, for development and tests. Shows the whole plan before it touches anything.

use std::{
    fs,
    io::{self, BufRead, IsTerminal, Write},
    path::PathBuf,
};

use anyhow::Context;

use crate::{
    app,
    cli::{ExitCode, Failure, Outcome, ResetArgs, ResetMode, output},
    config::Config,
    matrix::{reset::ServerReset, session, store::with_suffix},
};

/// Plans, asks, and does.
pub async fn run(config: Config, args: ResetArgs) -> Outcome {
    if !args.dry_run && !args.yes && !io::stdin().is_terminal() {
        return Err(Failure::Usage(
            "reset removes things for good: say --yes where there is no terminal to ask on, or --dry-run to see the plan"
                .to_owned(),
        ));
    }
    let _held = app::hold(&config)?;
    match args.mode {
        ResetMode::LocalOnly => local_only(&config, args),
        ResetMode::ServerLeaveForget => server_leave_forget(&config, args).await,
    }
}

fn local_only(config: &Config, args: ResetArgs) -> Outcome {
    let files = local_files(config).context("the data cannot be listed")?;
    output::line("These files are removed:");
    for file in &files {
        output::line(&format!("  {}", file.display()));
    }
    let device = session::saved(&config.matrix.store_path).map(|saved| saved.meta.device_id.to_string());
    output::line("These stay on the homeserver:");
    output::line("  every Space and chat room, with all messages: the next start finds them again");
    output::line(&format!(
        "  the bot's session{}: sign it out in a Matrix client, under Settings > Sessions",
        device.map(|device| format!(" {device}")).unwrap_or_default()
    ));
    output::line("To make the rooms go away too, use --mode server-leave-forget first.");
    if args.dry_run || !agreed(args)? {
        return Ok(ExitCode::Done);
    }
    for file in &files {
        fs::remove_file(file).with_context(|| format!("{} cannot be removed", file.display()))?;
    }
    // Left standing where something else is in it.
    let _not_empty = fs::remove_dir(&config.matrix.store_path);
    output::line("Done.");
    Ok(ExitCode::Done)
}

/// The database with its companions, and what the SDK and we keep in the store folder.
fn local_files(config: &Config) -> io::Result<Vec<PathBuf>> {
    let db = &config.matrix.db_path;
    let mut files: Vec<PathBuf> =
        ["", "-wal", "-shm", ".lock"].iter().map(|suffix| with_suffix(db, suffix)).filter(|file| file.exists()).collect();
    if config.matrix.store_path.exists() {
        for entry in fs::read_dir(&config.matrix.store_path)? {
            let path = entry?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let ours = name.starts_with("matrix-sdk-") || name.starts_with("session.json") || name == "surfaces.lock";
            if ours && path.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

async fn server_leave_forget(config: &Config, args: ResetArgs) -> Outcome {
    let reset = ServerReset::open(&app::login(config)).await.map_err(app::failure)?;
    let result = leave_and_forget(&reset, args).await;
    reset.close().await;
    result
}

async fn leave_and_forget(reset: &ServerReset, args: ResetArgs) -> Outcome {
    let plan = reset.plan().await.context("the rooms cannot be listed")?;
    output::line(&format!("The bot leaves and forgets {} rooms that it made:", plan.own.len()));
    for room in &plan.own {
        output::line(&format!("  {} {}", room.id, room.name));
    }
    output::line(&format!("{} rooms were made by others, and are left alone:", plan.others.len()));
    for room in &plan.others {
        output::line(&format!("  {} {}", room.id, room.name));
    }
    if args.dry_run || !agreed(args)? {
        return Ok(ExitCode::Done);
    }
    let refused = reset.leave_and_forget(&plan.own).await.context("the rooms could not all be left")?;
    for (room, reason) in &refused {
        output::line(&format!("  {room} could not be left: {reason}"));
    }
    output::line("Done. The rooms still exist for their other members, without the bot. What remains by hand:");
    output::line("  each user leaves the old Space and its rooms in a Matrix client, and invites the bot anew;");
    output::line("  an administrator of the homeserver may delete the rooms;");
    output::line("  --mode local-only removes the database and the saved session.");
    Ok(if refused.is_empty() { ExitCode::Done } else { ExitCode::Failed })
}

fn agreed(args: ResetArgs) -> Result<bool, Failure> {
    if args.yes {
        return Ok(true);
    }
    let mut out = io::stderr();
    let asked = out.write_all(b"Go ahead? Type yes: ").and_then(|()| out.flush());
    asked.context("the terminal cannot be written to")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).context("the terminal cannot be read")?;
    let yes = answer.trim() == "yes";
    if !yes {
        output::line("Nothing was touched.");
    }
    Ok(yes)
}
