//! What things cost beside peers: runs the benchmarks, and writes down what came out. A figure never
//! fails anything; only a benchmark that does not run does.

mod cached;
mod comparison;
mod estimate;
mod footprint;
mod page;
mod sidecar;
mod verdict;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::step::{cargo, run};
use crate::workspace;

use comparison::COMPARISONS;
use estimate::contenders;

/// A proxy on the way to the canned server would be measured too, by those who obey these.
const PROXIES: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Prints the ratios. Without a filter the page is written too: it holds one whole run.
pub(crate) fn bench(words: Vec<String>) -> Result<()> {
    let filter = match words.as_slice() {
        [] => None,
        [filter] if !filter.starts_with('-') => Some(filter.as_str()),
        _ => bail!("can't read the arguments {}", words.join(" ")),
    };
    let results = results()?;
    measure(&results, filter)?;
    let measured = measured(&results)?;
    ensure!(!measured.is_empty(), "no benchmark has this in its name");
    let table = page::table(&measured);
    println!("{table}");
    if filter.is_some() {
        return Ok(());
    }
    let page = page::page(&measured, &table, &footprint::section(&results)?);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md");
    fs::write(&path, page).context("writing docs/benchmarks.md")?;
    println!("docs/benchmarks.md is written");
    Ok(())
}

/// Only figures of one run are compared: what an earlier one left goes first.
fn measure(results: &Path, filter: Option<&str>) -> Result<()> {
    match fs::remove_dir_all(results) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).context("removing the last run's figures");
        }
        _ => {}
    }
    // What a running sidecar costs is measured on the program itself.
    run("km", &mut cargo(&["build", "--locked", "--release", "--package=km"]))?;
    let mut command = cargo(&["bench", "--locked", "--package=benches", "--"]);
    command.args(filter).env("CRITERION_HOME", results);
    command.env("KM_BENCH_BIN", workspace::released_km()?);
    for proxy in PROXIES {
        command.env_remove(proxy);
    }
    run("bench", &mut command)
}

/// What there are figures of, in the order of the page.
fn measured(results: &Path) -> Result<Vec<page::Measured>> {
    let mut measured = Vec::new();
    for comparison in COMPARISONS {
        let contenders = contenders(&results.join(comparison.group), comparison)?;
        if !contenders.is_empty() {
            measured.push(page::Measured { comparison, contenders });
        }
    }
    Ok(measured)
}

/// Where criterion leaves its figures.
fn results() -> Result<PathBuf> {
    Ok(workspace::target()?.join("criterion"))
}
