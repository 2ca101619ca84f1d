//! Dependencies that no source mentions.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::published::Published;
use crate::step::{cargo, run};
use crate::workspace;

pub(super) fn check(_: &Published) -> Result<()> {
    run("unused dependencies", machete(&[]).current_dir(workspace::root()?))
}

pub(super) fn needed() -> Result<()> {
    let version = machete(&["--version"]).output().context("starting cargo machete")?;
    let hint = "cargo-machete is missing: cargo install --locked cargo-machete@0.9.2";
    ensure!(version.status.success(), hint);
    Ok(())
}

fn machete(arguments: &[&str]) -> Command {
    let mut command = cargo(&["machete"]);
    // It takes this variable as a sign that it is not run by cargo, and `machete` for a directory.
    command.args(arguments).env_remove("CARGO_PKG_NAME");
    command
}
