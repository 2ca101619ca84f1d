//! What CI runs, in the order in which it fails fastest.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use crate::image::image;
use crate::interop::{interop, python};
use crate::layers;
use crate::server::{Arguments, available, itest, test};
use crate::step::{cargo, run, timed};

pub(crate) fn ci() -> Result<()> {
    let smoke = Arguments::new("process", Some("harness"));
    let beside = Arguments::new("process", None);
    let whole = Arguments::new("container", None);
    timed("what is needed", || needed(&[&smoke, &beside, &whole]))?;
    let lock = ["metadata", "--locked", "--format-version=1"];
    run("Cargo.lock is up to date", cargo(&lock).stdout(Stdio::null()))?;
    run("format", &mut cargo(&["fmt", "--all", "--check"]))?;
    timed("layers", layers::run)?;
    run("deny", &mut cargo(&["deny", "--locked", "check", "bans", "licenses", "sources"]))?;
    timed("advisories", advisories)?;
    let clippy = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
    run("clippy", &mut cargo(&clippy))?;
    let mut doc = cargo(&["doc", "--locked", "--workspace", "--no-deps"]);
    run("doc", doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    timed("smoke, the server a process", || itest(&smoke))?;
    timed("interop, beside LiteLLM", || interop(&beside))?;
    timed("image", || image(&beside))?;
    // The README's command. It runs the unit tests and the documentation's examples too.
    timed("cargo xtask test, the server in a container", || test(&whole))
}

/// Fails now for what would fail in half an hour.
fn needed(servers: &[&Arguments]) -> Result<()> {
    servers.iter().try_for_each(|arguments| available(arguments))?;
    python()?;
    let deny = cargo(&["deny", "--version"]).output().context("starting cargo deny")?;
    ensure!(deny.status.success(), "cargo-deny is not there: cargo install --locked cargo-deny");
    Ok(())
}

/// Where the database can't be had, that is said, and nothing else: it is no fault of this code.
fn advisories() -> Result<()> {
    let fetch = cargo(&["deny", "fetch", "db"]).output().context("starting cargo deny")?;
    if !fetch.status.success() {
        println!("advisories: NOT CHECKED, their database can't be reached:");
        println!("{}", String::from_utf8_lossy(&fetch.stderr).trim());
        return Ok(());
    }
    let check = ["deny", "--locked", "check", "--disable-fetch", "advisories"];
    run("advisories, with a fresh database", &mut cargo(&check))
}
