//! The direction of dependencies: between crates, and between the files of a crate.

mod crates;
mod files;
mod imports;

use anyhow::Result;

use crate::workspace;

/// Checks that crates depend downward, and that the files of a crate do not import each other in a
/// circle.
///
/// # Errors
/// Lists what breaks either rule.
pub(crate) fn run() -> Result<()> {
    let metadata = workspace::metadata()?;
    crates::check(&metadata)?;
    files::check(&metadata)
}
