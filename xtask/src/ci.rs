//! The steps of CI, fastest failure first.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use testkit::Flavor;
use testkit::probe::Way;

use crate::compat;
use crate::docs::docs;
use crate::examples::examples;
use crate::image::image;
use crate::interop::{interop, python};
use crate::layers;
use crate::server::{Arguments, available, itest, test};
use crate::step::{cargo, run, timed};

pub(crate) fn ci() -> Result<()> {
    let [vault, openbao] = [Flavor::Vault, Flavor::OpenBao];
    let smoke = Arguments::new(Way::Process, vault).with_filters(&["harness"]);
    let beside = Arguments::new(Way::Process, vault);
    let beside_openbao = Arguments::new(Way::Process, openbao);
    let whole = Arguments::new(Way::Container, vault);
    let contained = Arguments::new(Way::Container, openbao).with_filters(&["harness"]);
    timed("prerequisites", || needed(&[&smoke, &beside_openbao, &contained, &whole]))?;
    let lock = ["metadata", "--locked", "--format-version=1"];
    run("Cargo.lock is up to date", cargo(&lock).stdout(Stdio::null()))?;
    run("format", &mut cargo(&["fmt", "--all", "--check"]))?;
    timed("layers", layers::run)?;
    timed("documentation site", docs)?;
    run("deny, bans", &mut cargo(&["deny", "--locked", "check", "bans"]))?;
    let deny = ["deny", "--locked", "--all-features", "check", "licenses", "sources"];
    run("deny, licenses and sources", &mut cargo(&deny))?;
    timed("advisories", advisories)?;
    let clippy = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
    run("clippy", &mut cargo(&clippy))?;
    let mut doc = cargo(&["doc", "--locked", "--workspace", "--no-deps"]);
    run("doc", doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    timed("compatibility of the published crates", || compat::compat(&[]))?;
    timed("smoke test, the server as a process", || itest(&smoke))?;
    timed("smoke test, OpenBao in a container", || itest(&contained))?;
    timed("examples, from packages", || examples(&beside))?;
    timed("interop, beside LiteLLM", || interop(&beside))?;
    timed("image", || image(&beside))?;
    // The command of the README. It runs the unit tests and the doctests too.
    timed("cargo xtask test, Vault in a container", || test(&whole))?;
    timed("the suite, OpenBao as a process", || itest(&beside_openbao))?;
    timed("interop, beside LiteLLM on OpenBao", || interop(&beside_openbao))
}

/// Checks the tools and servers that later steps need.
fn needed(servers: &[&Arguments]) -> Result<()> {
    servers.iter().try_for_each(|arguments| available(arguments))?;
    python()?;
    compat::needed()?;
    let deny = cargo(&["deny", "--version"]).output().context("starting cargo deny")?;
    ensure!(deny.status.success(), "cargo-deny is missing: cargo install --locked cargo-deny");
    Ok(())
}

/// Checks the advisories of `RustSec`. If their database cannot be downloaded, that is printed and is not an
/// error, because it is not a fault of this code.
fn advisories() -> Result<()> {
    let fetch = cargo(&["deny", "fetch", "db"]).output().context("starting cargo deny")?;
    if !fetch.status.success() {
        println!("advisories: NOT CHECKED, cannot download the database:");
        println!("{}", String::from_utf8_lossy(&fetch.stderr).trim());
        return Ok(());
    }
    let check = ["deny", "--locked", "--all-features", "check", "--disable-fetch", "advisories"];
    run("advisories, with a fresh database", &mut cargo(&check))
}
