//! `km exec --watch`: restarts or signals the program when a value changes.

use std::ops::ControlFlow;
use std::time::Duration;

use km_proxy_adapter::{ErrorKind, KeyManager};
use signal_hook::consts::{SIGHUP, SIGUSR1, SIGUSR2};
use tokio::time::sleep;
use tracing::info;

use super::child::Child;
use super::command;
use super::startup::Startup;
use crate::cli::{ExecArgs, GlobalArgs, OnChange, WatchArgs};
use crate::commands::values::{ValueWatcher, Values};
use crate::commands::variables::check_variables;
use crate::config;
use crate::error::Failure;
use crate::io::log::WATCH;
use crate::signals::SignalStreams;

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
    let mut watcher = startup.unless_interrupted(watcher(keys, args)).await?;
    let command = command::build(args, watcher.values())?;
    let mut signals = startup.forward_signals()?;
    let mut program = Child::start(command)?;
    let mut count: u64 = 0;
    loop {
        let mut changed = tokio::select! {
            biased;
            ended = program.wait_unless_interrupted(&mut signals) => match ended? {
                Some(code) => return Ok(code),
                None => return program.wait(&mut signals).await,
            },
            changed = changed_after_splay(&mut watcher, args.watch.splay) => changed,
        };
        count += 1;
        if let Some(signal) = signal(args.watch.on_change) {
            program.signal(signal);
            let names = changed.join(", ");
            info!(target: WATCH, names, count, "values changed: sent a signal to the program");
            continue;
        }
        match restart(&mut program, args, &mut watcher, &mut signals).await? {
            ControlFlow::Continue(mut others) => {
                others.retain(|other| !changed.contains(other));
                changed.extend(others);
            }
            ControlFlow::Break(code) => return Ok(code),
        }
        let names = changed.join(", ");
        info!(target: WATCH, names, count, "values changed: restarted the program");
    }
}

/// Reads the first values.
async fn watcher<'a>(
    keys: &'a KeyManager,
    args: &'a ExecArgs,
) -> Result<ValueWatcher<'a>, Failure> {
    let bindings = command::bindings(keys, args).await?;
    let check = move |values: &Values| command::check(args, values);
    let watcher = ValueWatcher::new(keys, bindings, check).await?;
    check_variables(watcher.values(), &args.resolve.danger_env)?;
    Ok(watcher)
}

/// Waits for a change, and then for a random time up to `splay`. Returns the variables.
async fn changed_after_splay(watcher: &mut ValueWatcher<'_>, splay: Duration) -> Vec<String> {
    let changed = watcher.changed().await;
    sleep_up_to(splay).await;
    changed
}

/// Waits for a random time.
async fn sleep_up_to(limit: Duration) {
    sleep(limit.mul_f64(fastrand::f64())).await;
}

/// Restarts the program. Returns the variables that have changed while it was ending, or its exit
/// code if a signal requested the end meanwhile.
///
/// The values are read again after the program has ended, so that those that have changed meanwhile
/// do not cause another restart.
async fn restart(
    program: &mut Child,
    args: &ExecArgs,
    watcher: &mut ValueWatcher<'_>,
    signals: &mut SignalStreams,
) -> Result<ControlFlow<u8, Vec<String>>, Failure> {
    let WatchArgs { kill_signal, kill_timeout, .. } = args.watch;
    if let Some(code) = program.stop(kill_signal, kill_timeout, signals).await? {
        return Ok(ControlFlow::Break(code));
    }
    let Some(changed) = program.until_restart(watcher.reload(), signals).await else {
        return program.wait(signals).await.map(ControlFlow::Break);
    };
    *program = Child::start(command::build(args, watcher.values())?)?;
    Ok(ControlFlow::Continue(changed))
}

fn signal(on_change: OnChange) -> Option<i32> {
    match on_change {
        OnChange::Restart => None,
        OnChange::Hangup => Some(SIGHUP),
        OnChange::User1 => Some(SIGUSR1),
        OnChange::User2 => Some(SIGUSR2),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_are_random_and_within_the_limit() {
        let limit = Duration::from_secs(10);
        let mut waits = BTreeSet::new();
        for _ in 0..100 {
            let start = Instant::now();
            sleep_up_to(limit).await;
            waits.insert(start.elapsed());
        }
        assert!(waits.len() > 50 && waits.iter().all(|wait| *wait <= limit), "{waits:?}");
    }
}
