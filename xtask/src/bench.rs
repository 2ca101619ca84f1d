//! Runs the benchmarks and their report. A missed target does not fail; a benchmark that cannot run
//! does.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use testkit::Flavor;
use testkit::probe::Way;

use crate::interop;
use crate::server::{Arguments, available};
use crate::step::{cargo, run};
use crate::workspace;

/// Variables that would lead a contender's requests through a proxy.
const PROXIES: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/benchmarks.md");
const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");

/// Measures, and prints the ratios. Without a filter, `docs/benchmarks.md` is written too.
pub(crate) fn bench(words: Vec<String>) -> Result<()> {
    if let [first, options @ ..] = words.as_slice()
        && first == "sidecar"
    {
        return sidecar(options);
    }
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
    let km = built_km()?;
    let mut command = cargo(&["bench", "--locked", "--package=benches", "--"]);
    command.args(filter).env("CRITERION_HOME", results);
    command.env("KM_BENCH_BIN", km);
    run("bench", without_proxies(&mut command))
}

/// Measures `km serve` beside other tools on a real Vault. Without `--quick`, the tables of
/// `docs/benchmarks.md` and of the README are written.
fn sidecar(options: &[String]) -> Result<()> {
    let pages: &[&str] = match options {
        [] => &[PAGE, README],
        [option] if option == "--quick" => &["--quick"],
        _ => bail!("unknown arguments: {}", options.join(" ")),
    };
    let (way, flavor) = (Way::Process, Flavor::Vault);
    available(&Arguments::new(way, flavor))?;
    let litellm = interop::litellm()?;
    let km = built_km()?;
    let sidecars = ["--package=benches", "--bin=sidecars"];
    run("build", cargo(&["build", "--locked", "--release"]).args(sidecars))?;
    let mut command = Command::new(km.with_file_name("sidecars"));
    command.args(pages).env("KM_BENCH_BIN", km).env("KM_TEST_LITELLM", litellm);
    command.env("KM_TEST_SERVER", way.word()).env("KM_TEST_FLAVOR", flavor.word());
    run("sidecar", without_proxies(&mut command))
}

/// Builds `km` by itself, so that features which the benchmarks use do not reach it.
fn built_km() -> Result<PathBuf> {
    run("km", &mut cargo(&["build", "--locked", "--release", "--package=km-cli"]))?;
    workspace::released_km()
}

fn without_proxies(command: &mut Command) -> &mut Command {
    for proxy in PROXIES {
        command.env_remove(proxy);
    }
    command
}
