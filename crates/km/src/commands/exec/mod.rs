//! `km exec`: runs a program with secrets in its environment.
//!
//! The secrets are resolved before the program starts. This process then revokes its token and
//! replaces itself with the program. With `--watch`, with `--files`, and as PID 1, it stays as the
//! parent of the program instead, see [`child`].

mod child;
mod command;
mod dry_run;
mod files;
mod signals;
mod startup;
mod supervisor;
mod watch;

use km_proxy_adapter::KeyManager;
use rustix::process::getpid;

use crate::cli::{ExecArgs, GlobalArgs};
use crate::commands::values::{Binding, Values, resolve_initial};
use crate::config;
use crate::error::Failure;
use child::Child;
use startup::Startup;

/// Runs the program. Returns its exit code if this process stays as its parent.
pub(crate) async fn run(global: &GlobalArgs, args: ExecArgs) -> Result<u8, Failure> {
    if !args.dry_run {
        command::program(&args)?;
    }
    let mut startup = Startup::begin()?;
    if (args.watch.is_enabled || args.files.is_some()) && !args.dry_run {
        return watch::run(global, &args, startup).await;
    }
    let keys = startup.unless_interrupted(config::connect(global)).await?;
    let resolved = startup.unless_interrupted(resolve(&keys, &args)).await;
    // The program does not use the token, and nothing could revoke it later.
    keys.shutdown().await;
    let (bindings, values) = resolved?;
    if args.dry_run {
        return dry_run::print(&bindings, &values, global.json).map(|()| 0);
    }
    let command = command::build(&args, &values)?;
    drop((values, keys));
    if getpid().is_init() {
        let mut signals = startup.forward_signals()?;
        return Child::start(command)?.wait(&mut signals).await;
    }
    startup.check()?;
    Err(command::replace_this_process(command))
}

/// Resolves the program's variables.
async fn resolve(keys: &KeyManager, args: &ExecArgs) -> Result<(Vec<Binding>, Values), Failure> {
    let bindings = command::bindings(keys, args).await?;
    let values = resolve_initial(keys, &bindings).await?;
    command::check_values(args, &values)?;
    Ok((bindings, values))
}
