//! `kill -9` at any moment of `km sync`: a reader finds the old or the new files, whole, and the
//! next run completes. The unit tests of the crate interrupt every single change of the file system.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use testkit::{Fixture, Server, secret};

use super::{Files, sync};
use crate::product::figure;

/// The names of the files, in the order in which they are written.
const NAMES: [&str; 4] = ["A", "B", "C", "D"];

/// Large, so that writing a file takes some time.
const REPETITIONS: usize = 10_000;

/// How often the program is killed at each moment.
const ROUNDS: usize = 5;

/// The moment of a kill.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// This file of the new set exists, perhaps without its bytes.
    File(&'static str),
    /// The new set is the current one.
    Replaced,
}

async fn put(fixture: &Fixture, value: &str) -> Result<()> {
    for name in NAMES {
        fixture.put(name, json!({ "key": value })).await?;
    }
    Ok(())
}

/// Returns the directory of the current set.
fn current(directory: &Path) -> Result<PathBuf> {
    Ok(fs::canonicalize(directory.join("..data"))?)
}

/// Returns the files of the current set.
fn current_files(directory: &Path) -> Result<Files> {
    let mut files = Files::new();
    for entry in current(directory)?.read_dir()? {
        let entry = entry?;
        let name = entry.file_name().into_string().ok().context("not UTF-8")?;
        files.insert(name, fs::read_to_string(entry.path())?);
    }
    Ok(files)
}

/// Returns the directories of all sets.
fn sets(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = directory.read_dir()?.collect::<Result<Vec<_>, _>>()?;
    let is_set = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with("..km-");
    let sets = entries.iter().filter(|entry| is_set(entry)).map(fs::DirEntry::path);
    // The lock is called like a set.
    Ok(sets.filter(|path| path.is_dir()).collect())
}

/// Returns whether the moment has come after `old` was the current set.
fn has_come(moment: Moment, directory: &Path, old: &Path) -> Result<bool> {
    Ok(match moment {
        Moment::File(name) => {
            sets(directory)?.iter().any(|set| set != old && set.join(name).exists())
        }
        Moment::Replaced => current(directory)? != old,
    })
}

#[tokio::test]
async fn kill_at_any_moment_leaves_whole_files_of_one_set() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let directory = tempfile::tempdir()?;
    let km = || sync(&fixture, directory.path(), &NAMES).args(["--once"]);
    let files = |value: &str| NAMES.map(|name| (name.to_owned(), value.to_owned())).into();
    let mut value = secret("value").repeat(REPETITIONS);
    put(&fixture, &value).await?;
    km().run().await?.expect(0)?;
    let (mut kept, mut replaced) = (0, 0);
    let moments = NAMES.into_iter().map(Moment::File).chain([Moment::Replaced]);
    for moment in moments.cycle().take(ROUNDS * (NAMES.len() + 1)) {
        let old_value = std::mem::replace(&mut value, secret("value").repeat(REPETITIONS));
        put(&fixture, &value).await?;
        let old_set = current(directory.path())?;
        let mut running = km().start().await?;
        while !has_come(moment, directory.path(), &old_set)? {
            ensure!(running.child().try_wait()?.is_none(), "{moment:?} never came");
        }
        running.child().kill().await?;
        let found = current_files(directory.path())?;
        if found == files(&old_value) {
            kept += 1;
        } else {
            ensure!(found == files(&value), "{moment:?}: neither the old nor the new files");
            replaced += 1;
        }
        km().run().await?.expect(0)?;
        ensure!(current_files(directory.path())? == files(&value), "{moment:?}: not completed");
        ensure!(sets(directory.path())?.len() == 1, "{moment:?}: a set is left");
    }
    figure(&format!("kills that kept the old files: {kept}, that left the new ones: {replaced}"));
    ensure!(kept > 0 && replaced >= ROUNDS);
    Ok(())
}
