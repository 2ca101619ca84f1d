//! The lock of one process that obtains a server.

use std::fs::{self, File};

use anyhow::{Context, Result, anyhow};

use super::progress::report;
use crate::flavor::Flavor;
use crate::probe::stored::target_dir;

/// Returns a lock that is held while one process builds or downloads a binary, or makes an image from
/// it.
pub(super) fn lock(flavor: Flavor) -> Result<File> {
    let dir = target_dir().map_err(|why| anyhow!(why))?;
    let dir = dir.join(format!("{}-server", flavor.word()));
    fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
    let file = File::create(dir.join("lock")).context("the lock of the server")?;
    if file.try_lock().is_err() {
        report("another process obtains the server: waiting for it");
        file.lock().context("the lock of the server")?;
    }
    Ok(file)
}
