//! A server binary: an existing one, or one built from the pinned module.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::module;
use crate::flavor::Release;
use crate::probe::Machine;

/// Timeout of `vault version`.
const VERSION_TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) async fn find(machine: &Machine) -> Result<PathBuf> {
    let binary = match &machine.binary {
        Ok(present) => present.clone(),
        Err(_) => module::built().await?,
    };
    Ok(binary)
}

/// Returns flavor and version. This also shows that the binary runs.
pub(crate) async fn release(binary: &Path) -> Result<Release> {
    let run = Command::new(binary).arg("version").kill_on_drop(true).output();
    let output = tokio::time::timeout(VERSION_TIMEOUT, run).await;
    let output = output
        .with_context(|| format!("{} version does not end", binary.display()))?
        .with_context(|| format!("{} does not start", binary.display()))?;
    ensure!(output.status.success(), "{} version: {}", binary.display(), output.status);
    let text = String::from_utf8_lossy(&output.stdout);
    Release::parse(&text).with_context(|| {
        format!("{} version: neither Vault nor OpenBao: {text:?}", binary.display())
    })
}
