//! The `km` binary: the command line over `km-proxy-adapter`.
//!
//! A command is parsed, its settings are read, it runs until it ends or a signal comes, and its
//! outcome becomes an exit code. Nothing here talks HTTP to Vault.

mod args;
mod commands;
mod escape;
mod exit;
mod failure;
mod hardening;
mod input;
mod log;
mod output;
#[cfg(test)]
mod pages;
mod run;
mod settings;
mod signals;

use std::process::ExitCode;

fn main() -> ExitCode {
    run::main()
}
