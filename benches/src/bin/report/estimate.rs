//! Criterion's estimates, read from its output directory.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::comparison::Comparison;

/// The rounds of one contender.
#[derive(Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) rounds: Vec<Round>,
}

/// The cost of the contender, and of the reference right before it, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    pub(crate) reference: f64,
    pub(crate) contender: f64,
}

impl Round {
    pub(crate) fn ratio(&self) -> f64 {
        self.contender / self.reference
    }
}

/// Returns the contenders of a group that were measured.
///
/// # Errors
/// A file cannot be read.
pub(crate) fn contenders(group: &Path, comparison: &Comparison) -> Result<Vec<Contender>> {
    let mut contenders = Vec::new();
    for &(name, label) in comparison.contenders {
        let rounds = rounds(&group.join(name))?;
        if !rounds.is_empty() {
            contenders.push(Contender { name, label, rounds });
        }
    }
    Ok(contenders)
}

fn rounds(contender: &Path) -> Result<Vec<Round>> {
    let mut rounds = Vec::new();
    let cost = |half: &str, round: usize| {
        median(&contender.join(format!("{half}-{round}")).join("new/estimates.json"))
    };
    for round in 1.. {
        let (Some(reference), Some(contender)) =
            (cost("reference", round)?, cost("contender", round)?)
        else {
            break;
        };
        rounds.push(Round { reference, contender });
    }
    Ok(rounds)
}

/// Returns a median in nanoseconds, or `None` if the file does not exist.
fn median(path: &Path) -> Result<Option<f64>> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.with_context(|| path.display().to_string())?,
    };
    let estimates: Value = serde_json::from_slice(&text)?;
    let median = estimates.pointer("/median/point_estimate").and_then(Value::as_f64);
    median.map(Some).with_context(|| format!("{}: no median", path.display()))
}
