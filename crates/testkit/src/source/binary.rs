//! A server binary: an existing one, or one built from the pinned module.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::module;
use crate::probe::Machine;

/// Timeout of `vault version`.
const VERSION_TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) async fn find(machine: &Machine) -> Result<PathBuf> {
    let binary = match &machine.binary {
        Ok(present) => present.clone(),
        Err(_) => module::built().await?,
    };
    version(&binary).await?;
    Ok(binary)
}

/// Returns the version, such as `v1.21.2`. This also shows that the binary runs.
pub(crate) async fn version(binary: &Path) -> Result<String> {
    let run = Command::new(binary).arg("version").kill_on_drop(true).output();
    let output = tokio::time::timeout(VERSION_TIMEOUT, run).await;
    let output = output
        .with_context(|| format!("{} version does not end", binary.display()))?
        .with_context(|| format!("{} does not start", binary.display()))?;
    ensure!(output.status.success(), "{} version: {}", binary.display(), output.status);
    let text = String::from_utf8_lossy(&output.stdout);
    // `Vault v1.21.2 (…), built …` or, without a commit, `Vault v1.21.2, built …`
    let version = text.split_whitespace().nth(1).map(|word| word.trim_end_matches(','));
    Ok(version.with_context(|| format!("{}: {text:?} is no version", binary.display()))?.to_owned())
}
