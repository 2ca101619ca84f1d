//! LiteLLM's Vault secret manager in a process of its own, `reads.py`, which measures itself.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::figures::{Figures, IN_FLIGHT, Plan, RATE, nanos, sustains};
use crate::process::resident;
use crate::setup::{SECRETS, name, value};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/sidecars/reads.py");

/// The secret manager and its settings.
#[derive(Debug)]
pub(crate) struct LiteLlm {
    pub(crate) label: &'static str,
    pub(crate) python: PathBuf,
    /// Whether values come from its cache. Otherwise they are removed from it before each read.
    pub(crate) is_cached: bool,
    pub(crate) env: Vec<(&'static str, String)>,
}

impl LiteLlm {
    pub(crate) fn measured(&self, plan: &Plan) -> Result<Figures> {
        let start = Instant::now();
        let mut script = Script::start(self)?;
        let start = Some(nanos(start.elapsed()));
        let fast = plan.fast.as_secs_f64();
        let one = script.measure(&json!({ "reads": "sync", "seconds": fast }))?;
        let many = json!({ "reads": "async", "seconds": fast, "tasks": IN_FLIGHT });
        let many = script.measure(&many)?;
        let p99 = if sustains(figure(&one, "rate")?) {
            let paced = plan.paced.as_secs_f64();
            let paced = json!({ "reads": "paced", "seconds": paced, "rate": RATE });
            Some(figure(&script.measure(&paced)?, "p99")?)
        } else {
            None
        };
        Ok(Figures {
            one: figure(&one, "rate")?,
            many: Some(figure(&many, "rate")?),
            cpu: figure(&many, "cpu")?,
            p99,
            resident: resident(script.child.id())?,
            start,
        })
    }
}

fn figure(figures: &Value, name: &str) -> Result<f64> {
    figures.get(name).and_then(Value::as_f64).with_context(|| format!("no {name} in {figures}"))
}

/// The running script. It ends on drop.
struct Script {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Script {
    /// Starts it and waits until it has read a secret.
    fn start(litellm: &LiteLlm) -> Result<Self> {
        let mut command = Command::new(&litellm.python);
        command.arg(SCRIPT).env_clear().envs(litellm.env.iter().map(|(name, value)| (name, value)));
        // LiteLLM reads a file `.env` in its working directory.
        command.current_dir(litellm.python.parent().context("a Python in no directory")?);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take().context("it has no stdin")?;
        let stdout = BufReader::new(child.stdout.take().context("it has no stdout")?);
        let mut script = Self { child, stdin, stdout };
        let secrets: Map<_, _> =
            (0..SECRETS).map(|index| (name(index), value(index).into())).collect();
        script.measure(&json!({ "secrets": secrets, "cached": litellm.is_cached }))?;
        Ok(script)
    }

    /// Sends a request and returns the response.
    fn measure(&mut self, request: &Value) -> Result<Value> {
        writeln!(self.stdin, "{request}")?;
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        serde_json::from_str(&line).context("LiteLLM failed: see its stderr")
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // Both fail only if it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
