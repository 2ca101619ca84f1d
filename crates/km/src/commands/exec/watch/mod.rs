//! `km exec --watch`: restarts or signals the program when a value changes.

mod notifier;
mod watcher;

use km_proxy_adapter::{ErrorKind, KeyManager};
use signal_hook::consts::{SIGHUP, SIGUSR1, SIGUSR2};
use tracing::info;

use super::child::Child;
use super::command;
use super::startup::Startup;
use crate::cli::{ExecArgs, GlobalArgs, OnChange};
use crate::config;
use crate::error::Failure;
use crate::io::log::WATCH;
use watcher::ValueWatcher;

/// Runs the program until it ends or a signal requests the end. Returns its exit code.
pub(super) async fn run(
    global: &GlobalArgs,
    args: &ExecArgs,
    mut startup: Startup,
) -> Result<u8, Failure> {
    let keys = startup.unless_interrupted(config::connect_long_running(global)).await?;
    if keys.settings().refresh_interval.is_zero() {
        let what = "settings: HCP_VAULT_REFRESH_INTERVAL is 0, so that --watch notices no change";
        let hint = "unset it; KM_POLL_INTERVAL is the time within which a change is noticed";
        return Err(Failure::new(ErrorKind::Settings, what, hint));
    }
    let outcome = supervise(&keys, args, startup).await;
    keys.shutdown().await;
    outcome
}

async fn supervise(
    keys: &KeyManager,
    args: &ExecArgs,
    mut startup: Startup,
) -> Result<u8, Failure> {
    let watcher = ValueWatcher::new(keys, command::names(keys, args)?, args);
    let mut watcher = startup.unless_interrupted(watcher).await?;
    let command = command::build(args, watcher.values())?;
    let mut signals = startup.forward_signals()?;
    let mut program = Child::start(command)?;
    let mut count: u64 = 0;
    loop {
        let names = tokio::select! {
            biased;
            ended = program.wait_unless_interrupted(&mut signals) => match ended? {
                Some(code) => return Ok(code),
                None => return program.wait(&mut signals).await,
            },
            names = watcher.changed() => names.join(", "),
        };
        count += 1;
        if let Some(signal) = signal(args.on_change) {
            program.signal(signal);
            info!(target: WATCH, names, count, "values changed: sent a signal to the program");
        } else {
            if let Some(code) = program.stop(&mut signals).await? {
                return Ok(code);
            }
            program = Child::start(command::build(args, watcher.values())?)?;
            info!(target: WATCH, names, count, "values changed: restarted the program");
        }
    }
}

fn signal(on_change: OnChange) -> Option<i32> {
    match on_change {
        OnChange::Restart => None,
        OnChange::Hangup => Some(SIGHUP),
        OnChange::User1 => Some(SIGUSR1),
        OnChange::User2 => Some(SIGUSR2),
    }
}
