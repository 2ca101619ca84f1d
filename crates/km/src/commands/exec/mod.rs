//! `km exec`: runs a program with the secrets in its environment, which are resolved before it
//! starts.
//!
//! Without `--watch`, this process revokes its token and replaces itself with the program. With
//! `--watch`, and as PID 1, it stays as the program's parent: `child.rs`.

mod arg_max;
mod child;
mod command;
mod environment;
mod signals;
mod values;
mod watch;

use std::collections::BTreeSet;

use km_proxy_adapter::{KeyManager, is_resolved_by_gateway, name_of};
use km_settings::is_reserved;
use rustix::process::getpid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use tracing::warn;

use crate::cli::{Common, Exec};
use crate::config;
use crate::error::Failure;
use crate::signals::{IgnoredSignals, SignalStreams, Termination, interrupted};
use child::Child;
use values::Values;

/// The signals that keep the program from being started.
const PREVENTS_START: &[i32] = &[SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// Runs the program. Returns its exit code if this process stays as its parent.
pub(crate) async fn run(common: &Common, args: Exec) -> Result<u8, Failure> {
    command::program(&args)?;
    let ignored = IgnoredSignals::now();
    let mut start = Start { termination: Termination::catch(PREVENTS_START, ignored)?, ignored };
    if args.watch {
        return watch::run(common, &args, start).await;
    }
    let keys = start.unless_interrupted(config::connect(common)).await?;
    let values = start.unless_interrupted(read(&keys, &args)).await;
    // The program has no use for the login, and nobody would revoke it later.
    keys.shutdown().await;
    let command = command::command(&args, &values?)?;
    drop(keys);
    if getpid().is_init() {
        let mut signals = start.forward()?;
        return Child::start(command)?.wait(&mut signals).await;
    }
    start.check()?;
    Err(command::replace_this_process(command))
}

/// The time before the program runs, in which a signal keeps it from being started.
struct Start {
    termination: Termination,
    ignored: IgnoredSignals,
}

impl Start {
    /// Waits for `before` unless a signal asks for the end.
    async fn unless_interrupted<T>(
        &mut self,
        before: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            outcome = before => outcome,
            () = self.termination.requested() => Err(not_started()),
        }
    }

    /// Fails if a signal has asked for the end.
    fn check(&self) -> Result<(), Failure> {
        if self.termination.is_requested() { Err(not_started()) } else { Ok(()) }
    }

    /// Catches what is forwarded from now on. Every signal is either in there or reported here.
    fn forward(self) -> Result<SignalStreams, Failure> {
        let signals = signals::forwarded(self.ignored)?;
        self.check()?;
        Ok(signals)
    }
}

fn not_started() -> Failure {
    interrupted("the program was not started: run it again")
}

/// The values that the program is started with.
async fn read(keys: &KeyManager, args: &Exec) -> Result<Values, Failure> {
    read_names(keys, &names(keys, args)?, args).await
}

async fn read_names(keys: &KeyManager, names: &[String], args: &Exec) -> Result<Values, Failure> {
    let may_be_missing = |name: &str| {
        if is_reserved(name) {
            warn!(name, "skipped: settings and credentials are not read from the environment");
        } else if args.allow_missing {
            warn!(name, "neither Vault nor the environment has it");
        }
        args.allow_missing || is_reserved(name)
    };
    let values = values::resolve(keys, names, args, may_be_missing).await?;
    values::warn_of_suspicious(&values);
    Ok(values)
}

/// The names, each once, in their order in the file.
fn names(keys: &KeyManager, args: &Exec) -> Result<Vec<String>, Failure> {
    let mut seen = BTreeSet::new();
    let mut names = Vec::new();
    let given = if args.only.is_empty() {
        let references = keys.settings().references.iter();
        references.filter(|name| !is_resolved_by_gateway(name)).collect::<Vec<_>>()
    } else {
        args.only.iter().collect()
    };
    for reference in given {
        let name = name_of(reference)?;
        if !args.keep_credentials && environment::is_credential(name.as_ref()) {
            warn!(name, "left out: credentials stay out of the program's environment");
        } else if seen.insert(name) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}
