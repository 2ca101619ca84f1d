//! A program that reads one secret and ends.
//!
//! Each run is a child of a process of its own, `sidecars once PROGRAM …`: the system reports the CPU
//! time and the peak memory of all children of a process together.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use benches::Range;
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::figures::{Figures, Plan, nanos};
use crate::setup::{SECRETS, name, value};

/// The first argument of this program when it measures a child.
const ONCE: &str = "once";

/// A program and its settings.
#[derive(Debug)]
pub(crate) struct PerRead {
    pub(crate) label: &'static str,
    pub(crate) program: PathBuf,
    /// The arguments, without the name of the secret.
    pub(crate) arguments: Vec<String>,
    pub(crate) env: Vec<(&'static str, String)>,
}

impl PerRead {
    pub(crate) fn measured(&self, plan: &Plan) -> Result<Figures> {
        let runs = (0..plan.runs).map(|index| self.run(index % SECRETS));
        let runs = runs.collect::<Result<Vec<_>>>()?;
        let figure = |name: &str| -> Result<Range> {
            let figures = runs.iter().map(|run| run.get(name).and_then(Value::as_f64));
            let figures: Option<Vec<_>> = figures.collect();
            Ok(Range::of(figures.with_context(|| format!("a run without {name}"))?))
        };
        let Range(_, elapsed, _) = figure("elapsed")?;
        Ok(Figures {
            one: 1e9 / elapsed,
            many: None,
            cpu: figure("cpu")?.1,
            p99: None,
            resident: figure("resident")?.1,
            start: Some(elapsed),
        })
    }

    /// Reads a secret and returns the figures of the run.
    fn run(&self, index: usize) -> Result<Value> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ONCE).arg(&self.program).args(&self.arguments).arg(name(index));
        command.env_clear().envs(self.env.iter().map(|(name, value)| (name, value)));
        let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "{}: {}", self.program.display(), output.status);
        let run: Value = serde_json::from_slice(&output.stdout)?;
        let printed = run.get("stdout").and_then(Value::as_str).unwrap_or_default();
        ensure!(printed.trim() == value(index), "wrong value: {printed}");
        Ok(run)
    }
}

/// Returns the program and its arguments, if this program is to measure a child.
pub(crate) fn wanted(words: &[OsString]) -> Option<(&OsStr, &[OsString])> {
    match words {
        [once, program, arguments @ ..] if once == ONCE => Some((program, arguments)),
        _ => None,
    }
}

/// Runs a program and prints its output and its figures.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
pub(crate) fn run_once(program: &OsStr, arguments: &[OsString]) -> Result<()> {
    let start = Instant::now();
    let output = Command::new(program).args(arguments).stderr(Stdio::inherit()).output()?;
    let elapsed = nanos(start.elapsed());
    ensure!(output.status.success(), "{}: {}", program.display(), output.status);
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let (user, system) = (usage.user_time(), usage.system_time());
    let micros = [user, system].map(|time| time.tv_sec() * 1_000_000 + time.tv_usec());
    let figures = json!({
        "elapsed": elapsed,
        "cpu": micros.iter().sum::<i64>() * 1_000,
        // In KiB on Linux.
        "resident": usage.max_rss() * 1024,
        "stdout": String::from_utf8(output.stdout)?,
    });
    println!("{figures}");
    Ok(())
}
