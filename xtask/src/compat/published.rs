//! The crates that are published: every member of the workspace without `publish = false`.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::workspace;

/// A feature that needs a C compiler for each target, and minutes. Its combinations are checked once, by
/// the step for features.
const SLOW_FEATURE: &str = "aws-lc-rs";

/// The published crates.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) crates: Vec<Crate>,
    /// The members of the workspace that are not published.
    pub(super) others: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Crate {
    pub(super) name: String,
    pub(super) version: String,
    /// Its `rust-version`, as in `1.88`.
    pub(super) rust_version: String,
    /// Whether it has a library; the others are programs.
    pub(super) is_library: bool,
    features: BTreeSet<String>,
}

impl Published {
    /// Reads the manifests of this workspace.
    pub(super) fn read() -> Result<Self> {
        Self::of(&workspace::metadata()?)
    }

    /// Reads the manifests of a copy of this workspace, such as an older one.
    pub(super) fn read_in(root: &Path) -> Result<Self> {
        Self::of(&workspace::metadata_in(root)?)
    }

    fn of(metadata: &Value) -> Result<Self> {
        let crates = workspace::published(metadata)?.map(Crate::of).collect::<Result<Vec<_>>>()?;
        let names = workspace::packages(metadata)?.iter().map(|package| text(package, "name"));
        let names = names.collect::<Result<Vec<_>>>()?.into_iter();
        let others = names.filter(|name| crates.iter().all(|package| package.name != *name));
        let others = others.collect();
        Ok(Self { crates, others })
    }

    pub(super) fn libraries(&self) -> impl Iterator<Item = &Crate> {
        self.crates.iter().filter(|published| published.is_library)
    }

    /// Returns the arguments that enable every feature but the slow one, for a command that selects the
    /// libraries.
    pub(super) fn features_of_libraries(&self) -> Vec<String> {
        let features = self.libraries().flat_map(|library| {
            let features = library.features.iter().filter(|feature| *feature != SLOW_FEATURE);
            features.map(|feature| format!("--features={}/{feature}", library.name))
        });
        features.collect()
    }
}

impl Crate {
    fn of(package: &Value) -> Result<Self> {
        let targets = package["targets"].as_array().context("a package without targets")?;
        let kinds = targets.iter().filter_map(|target| target["kind"].as_array()).flatten();
        let features = package["features"].as_object().context("a package without features")?;
        Ok(Self {
            name: text(package, "name")?,
            version: text(package, "version")?,
            rust_version: text(package, "rust_version")?,
            is_library: kinds.into_iter().any(|kind| kind == "lib"),
            features: features.keys().cloned().collect(),
        })
    }

    /// Returns the argument that selects the crate.
    pub(super) fn selected(&self) -> String {
        format!("--package={}", self.name)
    }
}

fn text(package: &Value, key: &str) -> Result<String> {
    let text = package.get(key).and_then(Value::as_str);
    Ok(text.with_context(|| format!("{}: no {key}", package["name"]))?.to_owned())
}
