//! Runs the benchmarks and their report. A missed target does not fail; a benchmark that cannot run
//! does.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::step::{cargo, run};
use crate::workspace;

/// Variables that would lead a contender's requests through a proxy.
const PROXIES: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/benchmarks.md");

/// Measures, and prints the ratios. Without a filter, `docs/benchmarks.md` is written too.
pub(crate) fn bench(words: Vec<String>) -> Result<()> {
    let filter = match words.as_slice() {
        [] => None,
        [filter] if !filter.starts_with('-') => Some(filter.as_str()),
        _ => bail!("unknown arguments: {}", words.join(" ")),
    };
    let results = workspace::target()?.join("criterion");
    measure(&results, filter)?;
    let mut report = cargo(&["run", "--locked", "--release", "--package=benches", "--bin=report"]);
    report.arg("--").arg(&results);
    if filter.is_none() {
        report.arg(PAGE);
    }
    run("report", &mut report)
}

fn measure(results: &Path, filter: Option<&str>) -> Result<()> {
    // The report compares the figures of one run: those of an earlier one must not remain.
    match fs::remove_dir_all(results) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).context("removing the figures of the previous run");
        }
        _ => {}
    }
    run("km", &mut cargo(&["build", "--locked", "--release", "--package=km-cli"]))?;
    let mut command = cargo(&["bench", "--locked", "--package=benches", "--"]);
    command.args(filter).env("CRITERION_HOME", results);
    command.env("KM_BENCH_BIN", workspace::released_km()?);
    for proxy in PROXIES {
        command.env_remove(proxy);
    }
    run("bench", &mut command)
}
