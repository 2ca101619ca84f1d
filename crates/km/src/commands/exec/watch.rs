//! `km exec --watch` and `--files`: replaces the files of the program when a value changes, and
//! restarts or signals it.

use std::ops::ControlFlow;
use std::time::Duration;

use km_proxy_adapter::KeyManager;
use signal_hook::consts::{SIGHUP, SIGUSR1, SIGUSR2};
use tokio::time::sleep;
use tracing::info;

use super::child::Child;
use super::command;
use super::files::ProgramFiles;
use super::startup::Startup;
use crate::cli::{ExecArgs, GlobalArgs, OnChange, WatchArgs};
use crate::commands::values::{ValueWatcher, Values};
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
    let mut watcher = startup.unless_interrupted(watcher(keys, args, files)).await?;
    startup.unless_interrupted(files.write(watcher.values())).await?;
    let command = command::build(args, watcher.values())?;
    let mut signals = startup.forward_signals()?;
    let mut program = Child::start(command)?;
    let mut count: u64 = 0;
    loop {
        let changed = changed_or_retry(&mut watcher, files);
        let mut changed = match unless_ended(&mut program, &mut signals, changed).await? {
            ControlFlow::Continue(changed) => changed,
            ControlFlow::Break(code) => return Ok(code),
        };
        let replaced = files.replace(watcher.values());
        if let ControlFlow::Break(code) = unless_ended(&mut program, &mut signals, replaced).await?
        {
            return Ok(code);
        }
        if changed.is_empty() || !args.watch.is_enabled {
            continue;
        }
        let splay = sleep_up_to(args.watch.splay);
        if let ControlFlow::Break(code) = unless_ended(&mut program, &mut signals, splay).await? {
            return Ok(code);
        }
        count += 1;
        if let Some(signal) = signal(args.watch.on_change) {
            program.signal(signal);
            let names = changed.join(", ");
            info!(target: WATCH, names, count, "values changed: sent a signal to the program");
            continue;
        }
        match restart(&mut program, args, (&mut watcher, files), &mut signals).await? {
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
    files: &ProgramFiles,
) -> Result<ValueWatcher<'a>, Failure> {
    let bindings = command::bindings(keys, args).await?;
    files.check(&bindings).await?;
    let check = move |values: &Values| command::check(args, values);
    let watcher = ValueWatcher::new(keys, bindings, check).await?;
    command::check_values(args, watcher.values())?;
    Ok(watcher)
}

/// Waits for a change, and returns what has changed, or for another attempt to replace the files,
/// and returns nothing. Cancel-safe.
async fn changed_or_retry(watcher: &mut ValueWatcher<'_>, files: &ProgramFiles) -> Vec<String> {
    tokio::select! {
        changed = watcher.changed() => changed,
        () = files.retry_due() => Vec::new(),
    }
}

/// Waits for `step`, or for the end of the program, and returns its exit code. After a signal that
/// requests the end, waits for the end only.
async fn unless_ended<T>(
    program: &mut Child,
    signals: &mut SignalStreams,
    step: impl Future<Output = T>,
) -> Result<ControlFlow<u8, T>, Failure> {
    let ended = tokio::select! {
        biased;
        ended = program.wait_unless_interrupted(signals) => ended?,
        outcome = step => return Ok(ControlFlow::Continue(outcome)),
    };
    let code = match ended {
        Some(code) => code,
        None => program.wait(signals).await?,
    };
    Ok(ControlFlow::Break(code))
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
    (watcher, files): (&mut ValueWatcher<'_>, &mut ProgramFiles),
    signals: &mut SignalStreams,
) -> Result<ControlFlow<u8, Vec<String>>, Failure> {
    let WatchArgs { kill_signal, kill_timeout, .. } = args.watch;
    if let Some(code) = program.stop(kill_signal, kill_timeout, signals).await? {
        return Ok(ControlFlow::Break(code));
    }
    let reload = async {
        let changed = watcher.reload().await;
        files.replace(watcher.values()).await;
        changed
    };
    let Some(changed) = program.until_restart(reload, signals).await else {
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
