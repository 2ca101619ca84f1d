//! `km exec --watch` and `--files`: stays as the parent of the program, and watches its values.

use km_proxy_adapter::KeyManager;

use super::child::Child;
use super::command;
use super::files::ProgramFiles;
use super::startup::Startup;
use super::supervisor::Supervisor;
use crate::cli::{ExecArgs, GlobalArgs};
use crate::commands::values::{ValueWatcher, Values};
use crate::config;
use crate::error::Failure;

/// Runs the program until it ends or a signal requests the end. Returns its exit code.
pub(super) async fn run(
    global: &GlobalArgs,
    args: &ExecArgs,
    mut startup: Startup,
) -> Result<u8, Failure> {
    let mut files = startup.unless_interrupted(ProgramFiles::open(global, args)).await?;
    let option = if args.watch.is_enabled { "--watch" } else { "--files" };
    let keys = startup.unless_interrupted(config::connect_watching(global, option)).await?;
    let outcome = supervise(&keys, args, startup, &mut files).await;
    tokio::join!(keys.shutdown(), files.remove());
    outcome
}

async fn supervise(
    keys: &KeyManager,
    args: &ExecArgs,
    mut startup: Startup,
    files: &mut ProgramFiles,
) -> Result<u8, Failure> {
    let watcher = startup.unless_interrupted(watcher(keys, args, files)).await?;
    startup.unless_interrupted(files.write(watcher.values())).await?;
    let command = command::build(args, watcher.values())?;
    let signals = startup.forward_signals()?;
    let program = Child::start(command)?;
    Supervisor::new(args, watcher, files, program, signals).run().await
}

/// Reads the first values.
async fn watcher<'a>(
    keys: &'a KeyManager,
    args: &'a ExecArgs,
    files: &ProgramFiles,
) -> Result<ValueWatcher<'a>, Failure> {
    let bindings = command::bindings(keys, args).await?;
    files.check(&bindings).await?;
    let check = move |values: &Values| command::check(args, values);
    let watcher = ValueWatcher::new(keys, bindings, check).await?;
    command::check_values(args, watcher.values())?;
    Ok(watcher)
}
