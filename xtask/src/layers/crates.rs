//! The levels of the crates, checked against `cargo metadata`.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::workspace::packages;

/// A crate depends only on crates of a lower level, dev- and build-dependencies included.
const LEVELS: [&[&str]; 5] = [
    // The test harness: tests of every crate use it, and it uses none of them.
    &["testkit"],
    &["vault-http", "secret-cache", "km-settings"],
    &["vault-auth", "vault-kv"],
    &["km-proxy-adapter"],
    &["km-cli"],
];

/// Packages that may depend on any crate, and that no crate depends on.
const BESIDE: [&str; 4] = ["xtask", "tests", "benches", "fuzz"];

/// Prints the levels.
///
/// # Errors
/// Lists each dependency that breaks them.
pub(super) fn check(metadata: &Value) -> Result<()> {
    for (level, crates) in LEVELS.iter().enumerate().rev() {
        println!("{level}  {}", crates.join("  "));
    }
    println!("beside  {}", BESIDE.join("  "));
    let edges = edges(metadata)?;
    let problems = problems(metadata, &edges)?;
    if !problems.is_empty() {
        bail!("dependencies between crates:\n  {}", problems.join("\n  "));
    }
    println!("{} dependencies between crates, all downward", edges.len());
    Ok(())
}

/// A dependency of one member on another package of the repository.
#[derive(Debug)]
struct Edge {
    from: String,
    to: String,
    kind: String,
}

/// Returns the level of a package, or `None` if it is not in the table.
fn level(name: &str) -> Option<usize> {
    let beside = BESIDE.contains(&name).then_some(LEVELS.len());
    LEVELS.iter().position(|crates| crates.contains(&name)).or(beside)
}

fn problems(metadata: &Value, edges: &[Edge]) -> Result<Vec<String>> {
    let unknown = packages(metadata)?.iter().filter_map(|package| package["name"].as_str());
    let unknown = unknown.filter(|name| level(name).is_none());
    let unknown = unknown.map(|name| format!("{name} is in the workspace but not in the table"));
    Ok(unknown.chain(edges.iter().filter_map(Edge::problem)).collect())
}

impl Edge {
    fn problem(&self) -> Option<String> {
        let Self { from, to, kind } = self;
        let (Some(above), Some(below)) = (level(from), level(to)) else {
            return Some(format!("{from} -> {to} ({kind}): not in the table"));
        };
        let word = match above.cmp(&below) {
            std::cmp::Ordering::Greater => return None,
            std::cmp::Ordering::Equal => "sideways",
            std::cmp::Ordering::Less => "upward",
        };
        Some(format!("{from} (level {above}) -> {to} (level {below}) is {word} ({kind})"))
    }
}

/// Returns each dependency between packages of the workspace, once for each kind.
fn edges(metadata: &Value) -> Result<Vec<Edge>> {
    let mut edges = Vec::new();
    let mut seen = BTreeSet::new();
    for package in packages(metadata)? {
        let from = package["name"].as_str().context("a package without a name")?;
        let dependencies = package["dependencies"].as_array().context("no dependencies")?;
        for dependency in dependencies.iter().filter(|dependency| !dependency["path"].is_null()) {
            let to = dependency["name"].as_str().context("a dependency without a name")?;
            let kind = dependency["kind"].as_str().unwrap_or("normal");
            if seen.insert((from, to, kind)) {
                edges.push(Edge { from: from.into(), to: to.into(), kind: kind.into() });
            }
        }
    }
    Ok(edges)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::workspace::metadata;

    /// Checks the metadata of this workspace with one more dependency.
    fn problems_with(from: &str, to: &str, kind: Option<&str>) -> Vec<String> {
        let mut metadata = metadata().unwrap();
        let packages = metadata["packages"].as_array_mut().unwrap();
        let package = packages.iter_mut().find(|package| package["name"] == from).unwrap();
        let edge = json!({ "name": to, "kind": kind, "path": "/somewhere" });
        package["dependencies"].as_array_mut().unwrap().push(edge);
        problems(&metadata, &edges(&metadata).unwrap()).unwrap()
    }

    #[test]
    fn this_workspace_has_no_upward_dependency() {
        check(&metadata().unwrap()).unwrap();
    }

    #[test]
    fn wrong_dependency_is_reported() {
        for (from, to, kind, word) in [
            ("vault-http", "vault-auth", None, "upward"),
            ("secret-cache", "km-cli", Some("build"), "upward"),
            ("vault-auth", "vault-kv", Some("dev"), "sideways"),
            ("km-cli", "tests", Some("dev"), "upward"),
            ("tests", "xtask", None, "sideways"),
            ("km-cli", "elsewhere", None, "not in the table"),
        ] {
            let problems = problems_with(from, to, kind);
            assert_eq!(problems.len(), 1, "{from} -> {to}: {problems:?}");
            assert!(problems[0].contains(word), "{problems:?}");
        }
        assert_eq!(problems_with("km-cli", "vault-http", None), Vec::<String>::new());
    }

    #[test]
    fn package_outside_the_table_is_reported() {
        let metadata = json!({ "packages": [{ "name": "vault-extra", "dependencies": [] }] });
        let problems = problems(&metadata, &[]).unwrap();
        assert_eq!(problems, ["vault-extra is in the workspace but not in the table"]);
    }
}
