//! The only place where the harness reads its own environment.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// Returns a variable that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "the harness's settings, not the product's")]
pub(crate) fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the target directory that this program was built into.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let program = std::env::current_exe().context("where is this program?")?;
    let found = program.ancestors().find(|dir| dir.join("CACHEDIR.TAG").is_file());
    found
        .map(PathBuf::from)
        .with_context(|| format!("{} is in no target directory", program.display()))
}
