//! A program that is watched: what it says, and what is said of it.

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

/// Longer than anything that is waited for here; reached only by a test that fails.
const COMES_WITHIN: Duration = Duration::from_secs(40);

/// Lives as long as its parent; it looks at its traps between two turns.
const LIVES: &str = "while kill -0 $PPID 2> /dev/null; do sleep 0.05; done";

/// `km exec --watch` for these names, which hears of a change within a second.
pub(super) fn watches(fixture: &Fixture, names: &[&str]) -> Km {
    let names = names.iter().map(|name| format!("--only={name}"));
    fixture.km().env("HCP_VAULT_REFRESH_INTERVAL", "1").args(["exec", "--watch"]).args(names)
}

/// One that runs.
pub(super) struct Watched {
    running: Running,
    told: Lines<BufReader<ChildStdout>>,
    said: Lines<BufReader<ChildStderr>>,
    /// All of it so far.
    stderr: String,
}

impl Watched {
    /// A program that is this script, which prints a line when it is ready, and lives on.
    pub(super) async fn start(km: Km, script: &str) -> Result<Self> {
        Self::of(km.args(shell(&format!("{script}\n{LIVES}")))).await
    }

    /// The same of any program.
    pub(super) async fn of(km: Km) -> Result<Self> {
        let mut running = km.start().await?;
        let told = running.child().stdout.take().context("no stdout")?;
        let said = running.child().stderr.take().context("no stderr")?;
        let (told, said) = (BufReader::new(told).lines(), BufReader::new(said).lines());
        Ok(Self { running, told, said, stderr: String::new() })
    }

    /// The next line of the program.
    pub(super) async fn line(&mut self) -> Result<String> {
        if let Some(line) = next(&mut self.told).await? {
            return Ok(line);
        }
        self.rest().await?;
        anyhow::bail!("it has ended: {}", self.stderr)
    }

    /// Waits until that was said of it: the line.
    pub(super) async fn says(&mut self, text: &str) -> Result<String> {
        loop {
            let line = next(&mut self.said).await.with_context(|| format!("no {text:?}"))?;
            let line = line.with_context(|| format!("no {text:?}: {}", self.stderr))?;
            self.stderr = format!("{}{line}\n", self.stderr);
            if line.contains(text) {
                return Ok(line);
            }
        }
    }

    pub(super) fn signal(&self, name: &str) -> Result<()> {
        self.running.signal(name)
    }

    /// Waits for the end, before which the program has nothing to say any more: all that was said.
    pub(super) async fn ends(mut self, code: i32) -> Result<String> {
        let more = next(&mut self.told).await?;
        ensure!(more.is_none(), "it said more");
        self.rest().await?;
        self.running.finish().await?.expect(code)?;
        ensure!(mark_in(&self.stderr).is_none(), "a secret on stderr: {}", self.stderr);
        Ok(self.stderr)
    }

    async fn rest(&mut self) -> Result<()> {
        while let Some(line) = next(&mut self.said).await? {
            self.stderr = format!("{}{line}\n", self.stderr);
        }
        Ok(())
    }
}

async fn next(lines: &mut Lines<BufReader<impl AsyncRead + Unpin>>) -> Result<Option<String>> {
    Ok(timeout(COMES_WITHIN, lines.next_line()).await.context("nothing came")??)
}

/// Waits until Vault was asked anew: for one name, what is there now has been read then.
pub(super) async fn asked_again(relay: &Relay) -> Result<()> {
    // The first of them may have been on its way.
    let enough = relay.requests() + 2;
    until("a request", async || Ok(relay.requests() >= enough)).await
}
