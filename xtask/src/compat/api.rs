//! The API diff: what a library exposes is compared with a commit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::packages::extract;
use super::published::{Crate, Published};
use crate::step::{cargo, run};
use crate::workspace;

/// The commit whose API must not break, until there is a tag. Set it to a later one to allow an
/// incompatible change.
const BASELINE: Option<&str> = Some("fb927e9d87757ceaafc825394bf039673a23402d");

/// Compares the API of each library with that of the baseline. If the baseline is not there, as in a
/// shallow clone without network, that is printed and is not an error, because it is not a fault of this
/// code.
pub(super) fn check(published: &Published) -> Result<()> {
    let Some(baseline) = BASELINE else {
        println!("API: NOT CHECKED, no baseline is set in {}", file!());
        return Ok(());
    };
    let root = workspace::root()?;
    if !has(&root, baseline)? && !fetched(&root, baseline)? {
        println!("API: NOT CHECKED, commit {baseline} is missing: git fetch --unshallow");
        return Ok(());
    }
    let before = export(&root, baseline)?;
    let before_libraries = Published::read_in(&before)?;
    let (old, new) = (document(&before, &before_libraries)?, document(&root, published)?);
    for library in published.libraries() {
        let file = format!("{}.json", library.name.replace('-', "_"));
        if old.join(&file).exists() {
            run(&library.name, &mut compare(&old.join(&file), &new.join(&file)))?;
        } else {
            println!("{}: new since the baseline", library.name);
        }
    }
    Ok(())
}

fn compare(old: &Path, new: &Path) -> Command {
    let mut command = cargo(&["semver-checks", "--release-type=minor", "--baseline-rustdoc"]);
    command.arg(old).arg("--current-rustdoc").arg(new);
    command
}

fn git(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.current_dir(root).args(arguments);
    command
}

fn has(root: &Path, commit: &str) -> Result<bool> {
    let object = format!("{commit}^{{commit}}");
    let output = git(root, &["cat-file", "-e", &object]).output().context("starting git")?;
    Ok(output.status.success())
}

fn fetched(root: &Path, commit: &str) -> Result<bool> {
    let fetch = ["fetch", "--quiet", "--depth=1", "origin", commit];
    Ok(git(root, &fetch).output().context("starting git")?.status.success())
}

/// Writes the files of a commit to a directory, and returns it.
fn export(root: &Path, commit: &str) -> Result<PathBuf> {
    let compat = workspace::target()?.join("compat");
    let (directory, archive) = (compat.join("baseline"), compat.join("baseline.tar"));
    fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
    let mut command = git(root, &["archive", commit, "--output"]);
    run("export the baseline", command.arg(&archive))?;
    fs::remove_dir_all(&directory).context("removing the previous baseline")?;
    fs::create_dir(&directory).with_context(|| directory.display().to_string())?;
    extract(&archive, &directory)?;
    Ok(directory)
}

/// Writes the API of the libraries as JSON, and returns its directory.
fn document(root: &Path, published: &Published) -> Result<PathBuf> {
    let target = workspace::target()?.join("compat/api");
    let mut doc = cargo(&["doc", "--lib", "--no-deps"]);
    doc.args(published.libraries().map(Crate::selected));
    doc.args(published.features_of_libraries()).arg("--target-dir").arg(&target);
    // The format is not stable; `cargo semver-checks` knows those of the last versions of Rust.
    doc.env("RUSTC_BOOTSTRAP", "1");
    let flags =
        "-Z unstable-options --document-hidden-items --output-format=json --cap-lints=allow";
    doc.env("RUSTDOCFLAGS", flags).current_dir(root);
    run("describe the API", &mut doc)?;
    let (written, kept) = (target.join("doc"), kept(&target, root)?);
    if kept.exists() {
        fs::remove_dir_all(&kept).context("removing the previous description")?;
    }
    fs::rename(&written, &kept).context("keeping the description")?;
    Ok(kept)
}

/// Returns the directory of the description of the workspace at `root`.
fn kept(target: &Path, root: &Path) -> Result<PathBuf> {
    let name = if root == workspace::root()? { "new" } else { "old" };
    Ok(target.join(name))
}

/// Checks that the tool is installed.
pub(super) fn needed() -> Result<()> {
    let version = cargo(&["semver-checks", "--version"]).output();
    let hint = "cargo-semver-checks is missing: cargo install --locked cargo-semver-checks@0.51.0";
    ensure!(version.context("starting cargo semver-checks")?.status.success(), hint);
    Ok(())
}
