//! Who may depend on whom: the table, and its check against `cargo metadata`.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::workspace;

/// A crate depends only on crates of a lower level, dev- and build-dependencies included.
const LEVELS: [&[&str]; 5] = [
    // The test harness: tests of every crate use it, and it uses none of them.
    &["testkit"],
    &["vault-http", "secret-cache", "km-settings"],
    &["vault-auth", "vault-kv"],
    &["km-proxy-adapter"],
    &["km"],
];

/// They may depend on anything, and nothing depends on them.
const BESIDE: [&str; 5] = ["xtask", "tests", "benches", "fuzz", "gateway"];

/// Prints the levels, or fails with every edge that breaks them.
pub(crate) fn run() -> Result<()> {
    let metadata = workspace::metadata()?;
    for (level, crates) in LEVELS.iter().enumerate().rev() {
        println!("{level}  {}", crates.join("  "));
    }
    println!("beside  {}", BESIDE.join("  "));
    let edges = edges(&metadata)?;
    let problems = problems(&metadata, &edges)?;
    if !problems.is_empty() {
        bail!("the layers are broken:\n  {}", problems.join("\n  "));
    }
    println!("{} dependencies between them, all downward", edges.len());
    Ok(())
}

/// A dependency of one member on another package of the repository.
#[derive(Debug)]
struct Edge {
    from: String,
    to: String,
    kind: String,
}

/// Where a package stands. `None`: not in the table.
fn level(name: &str) -> Option<usize> {
    let beside = BESIDE.contains(&name).then_some(LEVELS.len());
    LEVELS.iter().position(|crates| crates.contains(&name)).or(beside)
}

fn problems(metadata: &Value, edges: &[Edge]) -> Result<Vec<String>> {
    let unknown = packages(metadata)?.iter().filter_map(|package| package["name"].as_str());
    let unknown = unknown.filter(|name| level(name).is_none());
    let unknown = unknown.map(|name| format!("{name} is in the workspace, and not in the table"));
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

/// Every edge inside the repository, once for each kind.
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

fn packages(metadata: &Value) -> Result<&Vec<Value>> {
    metadata["packages"].as_array().context("cargo metadata lists no packages")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The workspace's own metadata with one more dependency.
    fn problems_with(from: &str, to: &str, kind: Option<&str>) -> Vec<String> {
        let mut metadata = workspace::metadata().unwrap();
        let packages = metadata["packages"].as_array_mut().unwrap();
        let package = packages.iter_mut().find(|package| package["name"] == from).unwrap();
        let edge = json!({ "name": to, "kind": kind, "path": "/somewhere" });
        package["dependencies"].as_array_mut().unwrap().push(edge);
        problems(&metadata, &edges(&metadata).unwrap()).unwrap()
    }

    #[test]
    fn the_workspace_keeps_its_layers() {
        run().unwrap();
    }

    #[test]
    fn a_wrong_edge_is_found() {
        for (from, to, kind, word) in [
            ("vault-http", "vault-auth", None, "upward"),
            ("secret-cache", "km", Some("build"), "upward"),
            ("vault-auth", "vault-kv", Some("dev"), "sideways"),
            ("km", "tests", Some("dev"), "upward"),
            ("tests", "xtask", None, "sideways"),
            ("km", "elsewhere", None, "not in the table"),
        ] {
            let problems = problems_with(from, to, kind);
            assert_eq!(problems.len(), 1, "{from} -> {to}: {problems:?}");
            assert!(problems[0].contains(word), "{problems:?}");
        }
        assert_eq!(problems_with("km", "vault-http", None), Vec::<String>::new());
    }

    #[test]
    fn a_member_outside_the_table_is_found() {
        let metadata = json!({ "packages": [{ "name": "vault-extra", "dependencies": [] }] });
        let problems = problems(&metadata, &[]).unwrap();
        assert_eq!(problems, ["vault-extra is in the workspace, and not in the table"]);
    }
}
