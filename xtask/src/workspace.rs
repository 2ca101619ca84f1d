//! Facts about this workspace, from `cargo metadata`.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::step::cargo;

/// Returns the members, the dependencies in their manifests, and the target directory. Uses neither the
/// network nor the lock file.
pub(crate) fn metadata() -> Result<Value> {
    metadata_in(Path::new(env!("CARGO_MANIFEST_DIR")))
}

/// Like [`metadata`], but of the workspace at `directory`.
pub(crate) fn metadata_in(directory: &Path) -> Result<Value> {
    let mut command = cargo(&["metadata", "--format-version=1", "--no-deps"]);
    let output = command
        .current_dir(directory)
        .stderr(Stdio::inherit())
        .output()
        .context("starting cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata ended with {}", output.status);
    serde_json::from_slice(&output.stdout).context("reading cargo metadata")
}

/// Returns the packages of the workspace.
pub(crate) fn packages(metadata: &Value) -> Result<&Vec<Value>> {
    metadata["packages"].as_array().context("cargo metadata lists no packages")
}

/// Returns the packages that may be published.
pub(crate) fn published(metadata: &Value) -> Result<impl Iterator<Item = &Value>> {
    // `publish = false` is an empty list of registries.
    Ok(packages(metadata)?.iter().filter(|package| package["publish"].is_null()))
}

/// Returns the root directory.
pub(crate) fn root() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    Ok(root.context("xtask is not in a workspace")?.to_owned())
}

/// Returns the target directory.
pub(crate) fn target() -> Result<PathBuf> {
    let metadata = metadata()?;
    let target = metadata.get("target_directory").and_then(Value::as_str);
    Ok(target.context("no target directory")?.into())
}

/// Returns the path of `km` as `cargo build` builds it.
pub(crate) fn km() -> Result<PathBuf> {
    Ok(target()?.join("debug").join("km"))
}

/// Returns the path of `km` as `cargo build --release` builds it.
pub(crate) fn released_km() -> Result<PathBuf> {
    Ok(target()?.join("release").join("km"))
}
