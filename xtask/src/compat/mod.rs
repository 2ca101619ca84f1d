//! What the published crates promise to those who take one of them: packages that are complete, minimum
//! versions that are true, targets and features that compile, and an API that changes on purpose only.
//!
//! The checks use the packages, unpacked into a workspace of their own, as a user of the registry has them.
//! The list of steps is [`STEPS`].

mod api;
mod counts;
mod features;
mod minimums;
mod packages;
mod published;
mod targets;
mod unused;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::step::timed;
use published::Published;

type Step = fn(&Published) -> Result<()>;

/// The steps, in the order in which a step reuses what an earlier one compiled.
const STEPS: [(&str, Step); 8] = [
    ("counts", counts::check),
    ("unused", unused::check),
    ("packages", packages::check),
    ("toolchains", minimums::toolchains),
    ("targets", targets::check),
    ("features", features::check),
    ("versions", minimums::versions),
    ("api", api::check),
];

/// Runs one step, or all of them.
///
/// # Errors
/// The step is unknown, or its check fails.
pub(crate) fn compat(words: &[String]) -> Result<()> {
    let published = Published::read()?;
    match words {
        [] => STEPS.iter().try_for_each(|(name, step)| timed(name, || step(&published))),
        [word] => {
            let step = STEPS.iter().find(|(name, _)| name == word);
            let (name, step) = step.with_context(|| format!("the steps are {}", names()))?;
            timed(name, || step(&published))
        }
        _ => bail!("one step at most: {}", names()),
    }
}

/// Creates the packages of the published crates in `target/package`.
///
/// # Errors
/// A package cannot be created.
pub(crate) fn create_packages() -> Result<()> {
    packages::create(&Published::read()?)
}

/// Returns the path of a package that [`create_packages`] has created below the target directory.
pub(crate) fn archive(target: &Path, name: &str, version: &str) -> PathBuf {
    packages::archive(target, name, version)
}

/// Checks the tools that the steps need.
///
/// # Errors
/// Names what is missing and how to install it.
pub(crate) fn needed() -> Result<()> {
    let published = Published::read()?;
    minimums::needed(&published)?;
    targets::needed()?;
    features::needed()?;
    unused::needed()?;
    api::needed()
}

fn names() -> String {
    STEPS.map(|(name, _)| name).join(", ")
}
