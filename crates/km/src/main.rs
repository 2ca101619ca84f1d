//! The `km` binary, a command line for [`km_proxy_adapter`].
//!
//! [`run`] parses the command line, runs one of the [`commands`] until it ends or a signal arrives,
//! and turns its outcome into an exit code. This crate sends no request to Vault itself.

mod cli;
mod commands;
mod config;
#[cfg(test)]
mod dist;
mod dotenv;
mod error;
mod hardening;
mod io;
mod run;
mod service_manager;
mod sidecar;
mod signals;
mod trusted_path;

use std::process::ExitCode;

fn main() -> ExitCode {
    run::main()
}
