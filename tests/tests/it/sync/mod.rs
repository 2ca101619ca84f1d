//! End-to-end tests of `km sync`: the files, who may read them, outages, kills, and the
//! notification of their reader.

mod access;
mod files;
mod killed;
mod notification;
mod outage;
mod rejected;
mod service;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use testkit::{Fixture, Km, Running};

use crate::product::until;

/// Names and bytes of files.
type Files = BTreeMap<String, String>;

/// Returns `km sync` for these names, which notices a change within a second.
fn sync(fixture: &Fixture, directory: &Path, names: &[&str]) -> Km {
    sync_at(fixture.km(), directory, names)
}

/// Like [`sync`], but with any settings.
fn sync_at(km: Km, directory: &Path, names: &[&str]) -> Km {
    let names = names.iter().map(|name| format!("--only={name}"));
    let km = km.env("HCP_VAULT_REFRESH_INTERVAL", "1").args(["sync", "--dir"]);
    km.args([directory]).args(names)
}

/// Returns what a reader of the directory finds: its entries that are not hidden.
fn files(directory: &Path) -> Result<Files> {
    let mut files = Files::new();
    for entry in directory.read_dir()? {
        let entry = entry?;
        let name = entry.file_name().into_string().ok().context("not UTF-8")?;
        if !name.starts_with('.') {
            files.insert(name, fs::read_to_string(entry.path())?);
        }
    }
    Ok(files)
}

/// Waits until a file has this content.
async fn wait_for_file(path: &Path, content: &str) -> Result<()> {
    let what = format!("{content:?} in {}", path.display());
    until(&what, async || Ok(fs::read_to_string(path).is_ok_and(|found| found == content))).await
}

/// Starts `km sync`, and waits until it has written this value.
async fn started(km: Km, directory: &TempDir, name: &str, value: &str) -> Result<Running> {
    let running = km.start().await?;
    wait_for_file(&directory.path().join(name), value).await?;
    Ok(running)
}

/// Ends `km sync`. Returns its log.
async fn ended(running: Running) -> Result<String> {
    running.signal("TERM")?;
    Ok(running.finish().await?.expect(0)?.stderr)
}
