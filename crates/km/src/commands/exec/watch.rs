//! `--watch`: the program is started again, or told, when a value has changed. When that is so belongs
//! to `changes.rs`, how a program ends to `child.rs`.

use km_proxy_adapter::{KeyManager, Kind};
use rustix::process::Signal;
use tracing::info;

use super::changes::Changes;
use super::child::Program;
use super::signals::Signals;
use super::{command, unless_interrupted};
use crate::args::{Common, Exec, OnChange};
use crate::failure::Failure;
use crate::settings;

/// Where restarts are told, which are seen unless somebody asks for less.
pub(super) const LOG: &str = "km::watch";

/// Runs the program with the values as they are, whenever that is.
pub(super) async fn run(common: &Common, args: &Exec, mut signals: Signals) -> Result<u8, Failure> {
    let keys = unless_interrupted(&mut signals, settings::connect_long(common)).await?;
    if keys.settings().refresh_interval.is_zero() {
        let what = "settings: HCP_VAULT_REFRESH_INTERVAL is 0: --watch would never ask again";
        let hint = "set it to the time within which a change should be heard of, such as 300";
        return Err(Failure::new(Kind::Settings, what, hint));
    }
    let outcome = watched(&keys, args, &mut signals).await;
    keys.shutdown().await;
    outcome
}

async fn watched(keys: &KeyManager, args: &Exec, signals: &mut Signals) -> Result<u8, Failure> {
    let begun = Changes::begin(keys, super::names(keys, args)?, args);
    let mut changes = unless_interrupted(signals, begun).await?;
    let mut program = Program::start(command(args, changes.values())?)?;
    let mut count: u64 = 0;
    loop {
        let names = tokio::select! {
            biased;
            ended = program.ends_unless_asked(signals) => match ended? {
                Some(code) => return Ok(code),
                None => return program.ends(signals).await,
            },
            names = changes.next() => names.join(", "),
        };
        count += 1;
        if let Some(signal) = signal(args.on_change) {
            program.tell(signal);
            info!(target: LOG, names, count, "the program was told of new values");
        } else {
            if let Some(code) = program.stop(signals).await? {
                return Ok(code);
            }
            program = Program::start(command(args, changes.values())?)?;
            info!(target: LOG, names, count, "the program was started again with new values");
        }
    }
}

fn signal(on_change: OnChange) -> Option<Signal> {
    match on_change {
        OnChange::Restart => None,
        OnChange::Hangup => Some(Signal::HUP),
        OnChange::User1 => Some(Signal::USR1),
        OnChange::User2 => Some(Signal::USR2),
    }
}
