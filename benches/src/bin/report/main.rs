//! Prints the ratios of a benchmark run, and writes the page `docs/benchmarks.md`.
//!
//! `report CRITERION_DIRECTORY [PAGE]`: reads criterion's estimates from the directory. With the path of
//! a page, that page is written: it describes one whole run.
#![expect(clippy::print_stdout, reason = "the table is the output")]

mod comparison;
mod comparisons;
mod estimate;
mod footprint;
mod page;
mod target;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use benches::marked;

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let (results, page_file) = match arguments.as_slice() {
        [results] => (results, None),
        [results, page] => (results, Some(page)),
        _ => bail!("usage: report CRITERION_DIRECTORY [PAGE]"),
    };
    let measured = measured(results)?;
    ensure!(!measured.is_empty(), "no benchmark matches the filter");
    let table = page::table(&measured);
    println!("{table}");
    if let Some(file) = page_file {
        let footprint = footprint::section(results)?;
        let page = page::page(&measured, &table, &footprint, &measured_before(file)?);
        fs::write(file, page).with_context(|| format!("writing {}", file.display()))?;
        println!("wrote {}", file.display());
    }
    Ok(())
}

/// Returns the part of the page that another command measures. A new page has none.
fn measured_before(page: &Path) -> Result<String> {
    match fs::read_to_string(page) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error).with_context(|| format!("reading {}", page.display())),
        Ok(text) => Ok(marked::part(&text).unwrap_or_default().to_owned()),
    }
}

/// Returns the comparisons that were measured, in the order of the page.
fn measured(results: &Path) -> Result<Vec<page::Measured>> {
    let mut measured = Vec::new();
    for comparison in comparisons::ALL {
        let contenders = estimate::contenders(&results.join(comparison.group), comparison)?;
        if !contenders.is_empty() {
            measured.push(page::Measured { comparison, contenders });
        }
    }
    Ok(measured)
}
