//! `--watch`: restarts or signals the program when a value has changed. `changes.rs` decides when
//! that is, `child.rs` knows how a program ends.

mod changes;
mod notifier;

use km_proxy_adapter::{ErrorKind, KeyManager};
use signal_hook::consts::{SIGHUP, SIGUSR1, SIGUSR2};
use tracing::info;

use super::child::Child;
use super::{Start, command};
use crate::cli::{Common, Exec, OnChange};
use crate::config;
use crate::error::Failure;
use changes::Changes;

/// The target of the events about restarts, which are logged by default.
pub(super) const LOG: &str = "km::watch";

/// Runs the program with the current values, whenever those change.
pub(super) async fn run(common: &Common, args: &Exec, mut start: Start) -> Result<u8, Failure> {
    let keys = start.unless_interrupted(config::connect_long(common)).await?;
    if keys.settings().refresh_interval.is_zero() {
        let what = "settings: HCP_VAULT_REFRESH_INTERVAL is 0: --watch would never ask again";
        let hint = "set it to the time within which a change should be heard of, such as 300";
        return Err(Failure::new(ErrorKind::Settings, what, hint));
    }
    let outcome = watch(&keys, args, start).await;
    keys.shutdown().await;
    outcome
}

async fn watch(keys: &KeyManager, args: &Exec, mut start: Start) -> Result<u8, Failure> {
    let begun = Changes::begin(keys, super::names(keys, args)?, args);
    let mut changes = start.unless_interrupted(begun).await?;
    let command = command::command(args, changes.values())?;
    let mut signals = start.forward()?;
    let mut program = Child::start(command)?;
    let mut count: u64 = 0;
    loop {
        let names = tokio::select! {
            biased;
            ended = program.wait_unless_asked(&mut signals) => match ended? {
                Some(code) => return Ok(code),
                None => return program.wait(&mut signals).await,
            },
            names = changes.next() => names.join(", "),
        };
        count += 1;
        if let Some(signal) = signal(args.on_change) {
            program.signal(signal);
            info!(target: LOG, names, count, "the program was told of new values");
        } else {
            if let Some(code) = program.stop(&mut signals).await? {
                return Ok(code);
            }
            program = Child::start(command::command(args, changes.values())?)?;
            info!(target: LOG, names, count, "the program was started again with new values");
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
