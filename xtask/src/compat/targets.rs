//! Operating systems: the libraries compile for macOS, Windows and FreeBSD, without a C compiler for them.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::packages::Outside;
use super::published::{Crate, Published};
use crate::step::run;

/// Linux is what everything else here runs on.
const TARGETS: [&str; 3] =
    ["x86_64-apple-darwin", "x86_64-pc-windows-msvc", "x86_64-unknown-freebsd"];

/// Checks the libraries without default features, whose cryptography is written in C and assembly.
pub(super) fn check(published: &Published) -> Result<()> {
    let outside = Outside::with_tests(published)?;
    for target in TARGETS {
        let target_argument = format!("--target={target}");
        let check = ["check", "--lib", "--no-default-features", &target_argument];
        let mut check = outside.cargo(&check)?;
        check.args(published.libraries().map(Crate::selected));
        run(target, &mut check)?;
    }
    Ok(())
}

/// Checks that the standard library of the targets is installed.
pub(super) fn needed() -> Result<()> {
    let mut installed = Command::new("rustup");
    let installed = installed.args(["target", "list", "--installed"]).output();
    let installed = installed.context("starting rustup")?.stdout;
    let installed = String::from_utf8_lossy(&installed);
    for target in TARGETS {
        let there = installed.lines().any(|line| line == target);
        ensure!(there, "the target is missing: rustup target add {target}");
    }
    Ok(())
}
