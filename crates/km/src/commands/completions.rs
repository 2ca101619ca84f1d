//! `km completions`: prints the completion script of a shell.

use clap::CommandFactory as _;
use clap_complete::Shell;
use serde::Serialize;

use crate::cli::{Cli, CompletionsArgs};
use crate::error::Failure;
use crate::io::output;

#[derive(Serialize)]
struct Document {
    script: String,
}

pub(crate) fn run(args: &CompletionsArgs, json: bool) -> Result<(), Failure> {
    let script = script(args.shell);
    if json { output::json(&Document { script }) } else { output::text(&script).map(drop) }
}

/// Returns the completion script of a shell.
pub(crate) fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "km", &mut script);
    // The generators write the texts of the command line, which are UTF-8.
    String::from_utf8_lossy(&script).into_owned()
}
