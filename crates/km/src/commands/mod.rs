//! The commands, one file each.

mod check;
mod delete;
mod key;
mod list;
mod read;
mod write;

use km_proxy_adapter::Kind;

use crate::args::{Cli, Command};
use crate::failure::Failure;
use crate::settings;

/// Runs the command.
pub(crate) async fn run(cli: Cli) -> Result<(), Failure> {
    let Cli { common, command } = cli;
    if common.team_settings.is_some() && !matches!(command, Command::Key(_)) {
        return Err(Failure::new(
            Kind::Usage,
            "usage: --team-settings is for the commands on virtual keys",
            "leave it out: provider secrets are never at a team's place",
        ));
    }
    let json = common.json;
    match command {
        Command::Check(args) => check::run(&common, &args).await,
        Command::Read(args) => read::run(&settings::connect(&common).await?, args, json).await,
        Command::Write(args) => write::run(&settings::connect(&common).await?, args, json).await,
        Command::Delete(args) => delete::run(&settings::connect(&common).await?, args, json).await,
        Command::List(args) => list::run(&settings::connect(&common).await?, args, json).await,
        Command::Key(command) => key::run(&common, command).await,
    }
}
