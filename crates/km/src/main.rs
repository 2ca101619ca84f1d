//! The `km` binary: the command line over `km-proxy-adapter`.
//!
//! A command is parsed, its settings are read, it runs until it ends or a signal comes, and its
//! outcome becomes an exit code. Nothing here talks HTTP to Vault.

mod cli;
mod commands;
mod config;
#[cfg(test)]
mod dist;
mod error;
mod hardening;
mod io;
mod run;
mod signals;

use std::process::ExitCode;

fn main() -> ExitCode {
    run::main()
}
