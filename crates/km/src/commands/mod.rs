//! The commands, one file each.

mod check;
mod delete;
mod exec;
mod key;
mod list;
mod read;
mod serve;
mod write;

use std::pin::Pin;

use km_proxy_adapter::ErrorKind;

use crate::cli::{Cli, Command};
use crate::error::Failure;
use crate::{config, signals};

/// Runs the command; the exit code where there is no failure.
pub(crate) async fn run(cli: Cli) -> Result<u8, Failure> {
    let Cli { common, command } = cli;
    if common.team_settings.is_some() && !matches!(command, Command::Key(_)) {
        return Err(Failure::new(
            ErrorKind::Usage,
            "usage: --team-settings is for the commands on virtual keys",
            "leave it out: provider secrets are never at a team's place",
        ));
    }
    let (common, json) = (&common, common.json);
    let keys = || config::connect(common);
    let once: Pin<Box<dyn Future<Output = Result<(), Failure>>>> = match command {
        // They deal with signals by themselves.
        Command::Exec(args) => return Box::pin(exec::run(common, args)).await,
        Command::Serve(args) => return Box::pin(serve::run(common, args)).await,
        Command::Check(args) => Box::pin(async move { check::run(common, &args).await }),
        Command::Read(args) => Box::pin(async { read::run(&keys().await?, args, json).await }),
        Command::Write(args) => Box::pin(async { write::run(&keys().await?, args, json).await }),
        Command::Delete(args) => Box::pin(async { delete::run(&keys().await?, args, json).await }),
        Command::List(args) => Box::pin(async { list::run(&keys().await?, args, json).await }),
        Command::Key(command) => Box::pin(key::run(common, command)),
    };
    signals::until_signal(once).await.map(|()| 0)
}
