//! Prints what became of each variable, and decides how the command ends.

use std::path::Path;

use km_proxy_adapter::{Change, ErrorKind};
use serde::Serialize;

use super::secrets::{Imported, Outcome};
use crate::error::Failure;
use crate::io::output;
use crate::signals::interrupted;

#[derive(Serialize)]
struct Document<'a> {
    dry_run: bool,
    names: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
}

/// The outcomes in the order of the summary.
const OUTCOMES: [&str; 6] = ["new", "changed", "unchanged", "replaced", "failed", "not written"];

/// Prints a line for each variable, and a summary.
pub(super) fn print(imported: &[Imported], dry_run: bool, json: bool) -> Result<(), Failure> {
    let names: Vec<_> = imported.iter().map(line).collect();
    if json {
        return output::json(&Document { dry_run, names });
    }
    let count = |outcome: &str| names.iter().filter(|line| line.outcome == outcome).count();
    let counts: Vec<_> = OUTCOMES
        .iter()
        .filter(|outcome| count(outcome) > 0)
        .map(|outcome| format!("{} {outcome}", count(outcome)))
        .collect();
    let summary =
        if counts.is_empty() { "nothing to import".to_owned() } else { counts.join(", ") };
    let note = if dry_run { " (dry run: nothing was written)" } else { "" };
    output::rows(names.iter().map(|line| {
        let version = line.version.map(|version| format!("version {version}"));
        [Some(line.name.to_owned()), Some(line.outcome.to_owned()), version].into_iter().flatten()
    }))?;
    output::lines([summary + note])
}

fn line((name, outcome): &Imported) -> Line<'_> {
    let (outcome, version) = match outcome {
        Outcome::Done { change: Some(Change::New), version } => ("new", *version),
        Outcome::Done { change: Some(Change::Changed), version } => ("changed", *version),
        Outcome::Done { change: Some(Change::Unchanged), version } => ("unchanged", *version),
        Outcome::Done { change: None, version } => ("replaced", *version),
        Outcome::Failed(_) => ("failed", None),
        Outcome::Skipped => ("not written", None),
    };
    Line { name, outcome, version }
}

/// Returns the failures of an import that did not complete, the first one first.
pub(super) fn failure(imported: Vec<Imported>, file: &Path) -> Result<(), Failure> {
    let total = imported.len();
    let is_done = |(_, outcome): &&Imported| matches!(outcome, Outcome::Done { .. });
    let missing = total - imported.iter().filter(is_done).count();
    if missing == 0 {
        return Ok(());
    }
    let failures = imported.into_iter().filter_map(|(_, outcome)| match outcome {
        Outcome::Failed(error) => Some(Failure::from(error)),
        Outcome::Done { .. } | Outcome::Skipped => None,
    });
    let failed = failures.reduce(Failure::and);
    let what = format!("import {}: {missing} of {total} secrets were not written", file.display());
    let hint = "run the command again, which leaves the others unchanged";
    let incomplete = Failure::new(ErrorKind::Unavailable, what, hint);
    Err(match failed {
        Some(failed) => failed.and(incomplete),
        None => interrupted(hint).and(incomplete),
    })
}
