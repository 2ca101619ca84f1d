//! `km exec`: a program with the secrets in its environment, which are resolved before it starts.

mod changes;
mod child;
mod environment;
mod news;
mod signals;
mod values;
mod watch;

use std::collections::BTreeSet;
use std::ffi::OsStr;

use km_proxy_adapter::{KeyManager, Kind, is_resolved_by_gateway, name_of};
use tokio::process::Command;
use tracing::warn;

use crate::args::{Common, Exec};
use crate::failure::Failure;
use crate::settings;
use child::Program;
use signals::Signals;
use values::Values;

/// Runs the program; its exit code is this one's.
pub(crate) async fn run(common: &Common, args: Exec) -> Result<u8, Failure> {
    let mut signals = Signals::catch()?;
    program(&args)?;
    if args.watch {
        return watch::run(common, &args, signals).await;
    }
    let keys = unless_interrupted(&mut signals, settings::connect(common)).await?;
    let names = names(&keys, &args)?;
    let values = unless_interrupted(&mut signals, first(&keys, &names, &args)).await?;
    let command = command(&args, &values)?;
    drop((values, keys));
    Program::start(command)?.ends(&mut signals).await
}

/// What has to be there before the program is.
async fn unless_interrupted<T>(
    signals: &mut Signals,
    before: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        outcome = before => outcome,
        _ = signals.next() => {
            let hint = "the program was not started: run it again";
            Err(Failure::new(Kind::Unavailable, "interrupted by a signal", hint))
        }
    }
}

/// The values that the program is started with.
async fn first(keys: &KeyManager, names: &[String], args: &Exec) -> Result<Values, Failure> {
    let may_be_missing = |name: &str| {
        if args.allow_missing {
            warn!(name, "neither Vault nor the environment has it");
        }
        args.allow_missing
    };
    values::resolve(keys, names, may_be_missing).await
}

fn program(args: &Exec) -> Result<&OsStr, Failure> {
    let program = args.command.first().filter(|program| !program.is_empty());
    program.map(AsRef::as_ref).ok_or_else(|| {
        let hint = "km exec -- CMD ARGS";
        Failure::new(Kind::Usage, "usage: there is no program to run", hint)
    })
}

/// The program with these values in its environment.
fn command(args: &Exec, values: &Values) -> Result<Command, Failure> {
    let mut command = Command::new(program(args)?);
    command.args(args.command.iter().skip(1));
    if !args.keep_credentials {
        for name in environment::credentials() {
            command.env_remove(name);
        }
    }
    for (name, value) in values {
        command.env(name, value.expose());
    }
    Ok(command)
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
