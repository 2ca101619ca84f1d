//! A watched program: what it prints, and what `km` logs.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use testkit::leaks::mark_in;
use testkit::{Fixture, Km, Running};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader, Lines};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::time::timeout;

use crate::exec::shell;
use crate::product::until;
use crate::relay::Relay;

/// Longer than any event takes here; only a failing test reaches it.
const TIMEOUT: Duration = Duration::from_secs(40);

/// Runs as long as the parent process. The shell handles its traps between two iterations.
const RUN_UNTIL_PARENT_EXITS: &str = "while kill -0 $PPID 2> /dev/null; do sleep 0.05; done";

/// Returns `km exec --watch` for these names, which detects a change within a second.
pub(crate) fn exec_watch(fixture: &Fixture, names: &[&str]) -> Km {
    let names = names.iter().map(|name| format!("--only={name}"));
    fixture.km().env("HCP_VAULT_REFRESH_INTERVAL", "1").args(["exec", "--watch"]).args(names)
}

/// A running `km exec --watch`.
pub(crate) struct Watched {
    running: Running,
    stdout_lines: Lines<BufReader<ChildStdout>>,
    stderr_lines: Lines<BufReader<ChildStderr>>,
    /// All lines of stderr so far.
    stderr: String,
}

impl Watched {
    /// Starts a program that runs this script, which prints a line when it is ready, and keeps
    /// running.
    pub(crate) async fn start(km: Km, script: &str) -> Result<Self> {
        Self::start_program(km.args(shell(&format!("{script}\n{RUN_UNTIL_PARENT_EXITS}")))).await
    }

    /// Like [`Self::start`], but for any program.
    pub(crate) async fn start_program(km: Km) -> Result<Self> {
        let mut running = km.start().await?;
        let stdout_lines = running.child().stdout.take().context("no stdout")?;
        let stderr_lines = running.child().stderr.take().context("no stderr")?;
        let (stdout_lines, stderr_lines) =
            (BufReader::new(stdout_lines).lines(), BufReader::new(stderr_lines).lines());
        Ok(Self { running, stdout_lines, stderr_lines, stderr: String::new() })
    }

    /// Returns the next line of the program's output.
    pub(crate) async fn line(&mut self) -> Result<String> {
        if let Some(line) = next(&mut self.stdout_lines).await? {
            return Ok(line);
        }
        self.read_rest().await?;
        anyhow::bail!("the program has exited: {}", self.stderr)
    }

    /// Waits until a line of stderr contains `text`. Returns the line.
    pub(crate) async fn wait_for_log(&mut self, text: &str) -> Result<String> {
        loop {
            let line =
                next(&mut self.stderr_lines).await.with_context(|| format!("no {text:?}"))?;
            let line = line.with_context(|| format!("no {text:?}: {}", self.stderr))?;
            self.stderr = format!("{}{line}\n", self.stderr);
            if line.contains(text) {
                return Ok(line);
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        self.running.signal(name)
    }

    /// Waits until `km` exits with `code`, without further output of the program. Returns all of
    /// stderr.
    pub(crate) async fn wait_for_exit(mut self, code: i32) -> Result<String> {
        let more = next(&mut self.stdout_lines).await?;
        ensure!(more.is_none(), "unexpected output");
        self.read_rest().await?;
        self.running.finish().await?.expect(code)?;
        ensure!(mark_in(&self.stderr).is_none(), "a secret on stderr: {}", self.stderr);
        Ok(self.stderr)
    }

    async fn read_rest(&mut self) -> Result<()> {
        while let Some(line) = next(&mut self.stderr_lines).await? {
            self.stderr = format!("{}{line}\n", self.stderr);
        }
        Ok(())
    }
}

async fn next(lines: &mut Lines<BufReader<impl AsyncRead + Unpin>>) -> Result<Option<String>> {
    Ok(timeout(TIMEOUT, lines.next_line()).await.context("timed out")??)
}

/// Waits until the value has been requested again, so that with one name its current value has been
/// read.
pub(crate) async fn wait_for_reread(relay: &Relay) -> Result<()> {
    // The first of them may have been in flight.
    let enough = relay.requests() + 2;
    until("a request", async || Ok(relay.requests() >= enough)).await
}
