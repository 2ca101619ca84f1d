//! The numbers of crates in the READMEs.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, bail, ensure};

use super::published::Published;
use crate::step::cargo;
use crate::workspace;

/// The packages that the number in the README of the crate in this directory counts.
const COUNTS: [(&str, &[&str]); 7] = [
    ("vault-http", &["vault-http"]),
    ("vault-auth", &LOGIN_AND_KV),
    ("vault-kv", &LOGIN_AND_KV),
    ("secret-cache", &["secret-cache"]),
    ("km-settings", &["km-settings"]),
    ("km-proxy-adapter", &["km-proxy-adapter"]),
    ("km", &["km-cli"]),
];

const LOGIN_AND_KV: [&str; 2] = ["vault-auth", "vault-kv"];

/// The most crates that a login and the KV engine may add to a program.
const MAX_LOGIN_AND_KV: usize = 100;

/// Checks that each README states the number of crates that cargo counts, and no other.
pub(super) fn check(_: &Published) -> Result<()> {
    let mut problems = Vec::new();
    for (directory, packages) in COUNTS {
        let path = workspace::root()?.join("crates").join(directory).join("README.md");
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let (stated, counted) = (stated(&text), count(packages)?);
        println!("{}: {counted} crates", packages.join(" and "));
        if stated != [counted] {
            problems.push(format!("crates/{directory}/README.md: {counted}, not {stated:?}"));
        }
    }
    if !problems.is_empty() {
        bail!("numbers of crates:\n  {}", problems.join("\n  "));
    }
    let both = count(&LOGIN_AND_KV)?;
    ensure!(both <= MAX_LOGIN_AND_KV, "{both} crates, the limit is {MAX_LOGIN_AND_KV}");
    Ok(())
}

/// Returns the number of crates that the packages add to a program, themselves included.
fn count(packages: &[&str]) -> Result<usize> {
    let mut tree = cargo(&["tree", "--locked", "--edges=normal", "--prefix=none"]);
    tree.args(packages.iter().map(|package| format!("--package={package}")));
    let output = tree.current_dir(workspace::root()?).output().context("starting cargo tree")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo tree: {}", errors.trim());
    let lines = String::from_utf8(output.stdout).context("cargo tree")?;
    // A repeated crate ends with a mark.
    let crates = lines.lines().map(|line| line.trim_end_matches(" (*)"));
    Ok(crates.filter(|line| !line.is_empty()).collect::<BTreeSet<_>>().len())
}

/// Returns the numbers before the word "crates".
fn stated(text: &str) -> Vec<usize> {
    let words: Vec<_> = text.split_whitespace().collect();
    let pairs = words.windows(2).filter_map(|pair| match pair {
        [number, unit] if unit.starts_with("crates") => number.parse().ok(),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_crates_in_readmes_are_true() {
        check(&Published::read().unwrap()).unwrap();
    }

    #[test]
    fn number_before_crates_is_found() {
        let text =
            "It adds 94\ncrates (`cargo tree`), with `a` 100 crates. It has 3 crates, and crates.";
        assert_eq!(stated(text), [94, 100, 3]);
    }
}
