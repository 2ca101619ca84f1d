//! The memory of 100,000 entries as the operating system reports it, and the allocations of a hit.
//! Each cache is filled in a process of its own; the figures are stored beside criterion's.

#![expect(clippy::print_stdout, reason = "the figures are the output")]

mod fill;
mod hits;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The directory of criterion's results.
const RESULTS: &str = "CRITERION_HOME";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(name) = arguments.iter().find_map(|argument| argument.strip_prefix("--fill=")) {
        println!("{}", fill::bytes_per_entry(name)?);
        return Ok(());
    }
    let mut bytes = BTreeMap::new();
    for name in fill::NAMES {
        let figure = measured(name)?;
        println!("{name:24} {figure:6.0} bytes per entry");
        bytes.insert(name, figure);
    }
    let allocations = hits::allocations()?;
    println!("{allocations:?} allocations in {} hits by name and by handle", hits::HITS);
    leave(&serde_json::json!({ "bytes_per_entry": bytes, "allocations": allocations }))
}

fn measured(name: &str) -> Result<f64> {
    let itself = std::env::current_exe()?;
    let output = Command::new(itself).arg(format!("--fill={name}")).output()?;
    ensure!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)?.trim().parse().context("no figure")
}

#[expect(clippy::disallowed_methods, reason = "the setting of criterion")]
fn leave(figures: &serde_json::Value) -> Result<()> {
    let Ok(results) = std::env::var(RESULTS) else { return Ok(()) };
    std::fs::create_dir_all(&results)?;
    Ok(std::fs::write(Path::new(&results).join("footprint.json"), figures.to_string())?)
}
