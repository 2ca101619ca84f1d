//! Minimum versions that are true: each crate compiles with the Rust version of its manifest, and with the
//! lowest versions of its dependencies that its manifest allows.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::packages::Outside;
use super::published::{Crate, Published};
use crate::step::run;
use crate::workspace;

/// Checks each crate with the toolchain of its `rust-version`, and the versions of this workspace's lock
/// file.
pub(super) fn toolchains(published: &Published) -> Result<()> {
    let outside = Outside::with_tests(published)?;
    for (version, crates) in by_version(published) {
        let mut check = rustup(&["run", &version, "cargo", "check", "--lib", "--bins"]);
        check.args(crates.iter().map(|package| package.selected()));
        check.env("CARGO_TARGET_DIR", workspace::target()?).current_dir(outside.root());
        run(&format!("Rust {version}"), &mut check)?;
    }
    Ok(())
}

/// Checks the crates with the lowest versions of their direct dependencies.
pub(super) fn versions(published: &Published) -> Result<()> {
    let outside = Outside::without_tests(published)?;
    let mut update = outside.cargo(&["update", "-Z", "direct-minimal-versions"])?;
    run("lowest direct versions", update.env("RUSTC_BOOTSTRAP", "1"))?;
    let mut check = outside.cargo(&["check", "--workspace", "--lib", "--bins"])?;
    check.args(published.features_of_libraries());
    run("with the lowest direct versions", &mut check)
}

/// Checks that the toolchains are installed.
pub(super) fn needed(published: &Published) -> Result<()> {
    for version in by_version(published).into_keys() {
        let there = rustup(&["run", &version, "cargo", "--version"]).output();
        let there = there.context("starting rustup")?.status.success();
        let hint = "rustup toolchain install --profile minimal";
        ensure!(there, "Rust {version} is missing: {hint} {version}");
    }
    Ok(())
}

/// Returns the crates by the name of their toolchain.
fn by_version(published: &Published) -> BTreeMap<String, Vec<&Crate>> {
    let mut versions = BTreeMap::<_, Vec<_>>::new();
    for package in &published.crates {
        let version = &package.rust_version;
        let patch = if version.matches('.').count() < 2 { ".0" } else { "" };
        versions.entry(format!("{version}{patch}")).or_default().push(package);
    }
    versions
}

fn rustup(arguments: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command.args(arguments);
    command
}
