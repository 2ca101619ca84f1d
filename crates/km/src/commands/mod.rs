//! The commands: a module each.

mod check;
pub(crate) mod completions;
mod config;
mod delete;
mod exec;
mod export;
mod files;
mod import;
mod key;
mod list;
mod read;
mod refresh;
mod rotate;
mod serve;
mod shell;
mod source;
mod status;
mod sync;
mod values;
mod variables;
mod versions;
mod write;

use std::pin::Pin;

use km_proxy_adapter::ErrorKind;

use crate::cli::{Cli, Command};
use crate::error::Failure;
use crate::signals;

/// Runs a command and returns its exit code.
///
/// # Errors
///
/// The failure of the command, which determines the exit code.
pub(crate) async fn run(cli: Cli) -> Result<u8, Failure> {
    let Cli { global, command } = cli;
    if global.team_settings.is_some() && !matches!(command, Command::Key(_)) {
        return Err(Failure::new(
            ErrorKind::Usage,
            "usage: --team-settings is for `km key` only",
            "remove it: provider secrets do not belong to a team",
        ));
    }
    let (global, json) = (&global, global.json);
    let keys = || crate::config::connect(global);
    let one_shot: Pin<Box<dyn Future<Output = Result<(), Failure>>>> = match command {
        // These handle signals themselves.
        Command::Exec(args) => return Box::pin(exec::run(global, args)).await,
        Command::Serve(args) => return Box::pin(serve::run(global, args)).await,
        Command::Rotate(args) => return Box::pin(rotate::run(global, args)).await.map(|()| 0),
        Command::Sync(args) => return Box::pin(sync::run(global, args)).await,
        Command::Status(args) => return Box::pin(status::run(args, json)).await.map(|()| 0),
        Command::Completions(args) => return completions::run(&args, json).map(|()| 0),
        Command::Config => Box::pin(config::run(global)),
        Command::Check(args) => Box::pin(async move { check::run(global, &args).await }),
        Command::Read(args) => Box::pin(async { read::run(&keys().await?, args, json).await }),
        Command::Write(args) => Box::pin(async { write::run(&keys().await?, args, json).await }),
        Command::Delete(args) => Box::pin(async { delete::run(&keys().await?, args, json).await }),
        Command::History(args) => {
            Box::pin(async { versions::history(&keys().await?, args, json).await })
        }
        Command::Undelete(args) => {
            Box::pin(async { versions::undelete(&keys().await?, args, json).await })
        }
        Command::Destroy(args) => {
            Box::pin(async { versions::destroy(&keys().await?, args, json).await })
        }
        Command::List(args) => Box::pin(async { list::run(&keys().await?, args, json).await }),
        Command::Export(args) => Box::pin(async { export::run(&keys().await?, args, json).await }),
        Command::Import(args) => Box::pin(async { import::run(&keys().await?, args, json).await }),
        Command::Refresh(args) => Box::pin(refresh::run(args, json)),
        Command::Key(command) => Box::pin(key::run(global, command)),
    };
    signals::until_signal(one_shot).await.map(|()| 0)
}
