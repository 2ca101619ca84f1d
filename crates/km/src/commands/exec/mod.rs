//! `km exec`: runs a program with secrets in its environment.
//!
//! The secrets are resolved before the program starts. This process then revokes its token and
//! replaces itself with the program. With `--watch`, and as PID 1, it stays as the parent of the
//! program instead, see [`child`].

mod child;
mod command;
mod signals;
mod startup;
mod watch;

use rustix::process::getpid;

use crate::cli::{ExecArgs, GlobalArgs};
use crate::commands::values::resolve_initial;
use crate::config;
use crate::error::Failure;
use child::Child;
use startup::Startup;

/// Runs the program. Returns its exit code if this process stays as its parent.
pub(crate) async fn run(global: &GlobalArgs, args: ExecArgs) -> Result<u8, Failure> {
    command::program(&args)?;
    let mut startup = Startup::begin()?;
    if args.watch {
        return watch::run(global, &args, startup).await;
    }
    let keys = startup.unless_interrupted(config::connect(global)).await?;
    let values = startup
        .unless_interrupted(async {
            resolve_initial(&keys, &command::bindings(&keys, &args)?).await
        })
        .await;
    // The program does not use the token, and nothing could revoke it later.
    keys.shutdown().await;
    let command = command::build(&args, &values?)?;
    drop(keys);
    if getpid().is_init() {
        let mut signals = startup.forward_signals()?;
        return Child::start(command)?.wait(&mut signals).await;
    }
    startup.check()?;
    Err(command::replace_this_process(command))
}
