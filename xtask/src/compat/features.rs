//! Features: every combination of those of each library compiles.

use anyhow::{Context, Result, ensure};

use super::packages::Outside;
use super::published::{Crate, Published};
use crate::step::{cargo, run};

/// Checks every combination, without dev-dependencies, which would enable features.
pub(super) fn check(published: &Published) -> Result<()> {
    let outside = Outside::without_tests(published)?;
    // `default` only names a combination of the others.
    let powerset = ["hack", "check", "--lib", "--feature-powerset", "--exclude-features=default"];
    let mut powerset = outside.cargo(&powerset)?;
    run("every combination", powerset.args(published.libraries().map(Crate::selected)))
}

/// Checks that the tool is installed.
pub(super) fn needed() -> Result<()> {
    let version = cargo(&["hack", "--version"]).output().context("starting cargo hack")?;
    let hint = "cargo-hack is missing: cargo install --locked cargo-hack@0.6.46";
    ensure!(version.status.success(), hint);
    Ok(())
}
