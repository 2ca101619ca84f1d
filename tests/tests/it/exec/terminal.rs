//! Ctrl-C on a terminal, which goes to the program as well as to us.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{ChildStdout, Command};
use tokio::time::timeout;

use crate::cli::program::program;

/// Reached only by a test that fails.
const SHOWN_WITHIN: Duration = Duration::from_secs(30);

/// Passed on, it would come twice: a program of another session, which the terminal does not tell,
/// hears nothing of it. A signal that is sent afterwards would come after it.
#[tokio::test]
async fn ctrl_c_is_not_passed_on_to_who_has_it_already() -> Result<()> {
    let script = "trap \"echo interrupted\" INT; trap \"echo told; exit\" USR1; echo ready $PPID.; \
        while kill -0 $PPID; do sleep 0.01; done";
    let km = program().await?;
    let line = format!("'{}' exec -- /usr/bin/setsid /bin/sh -c '{script}'", km.display());
    let mut terminal = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env("HCP_VAULT_TOKEN", "t")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("starting `script` (Debian: bsdutils)")?;
    let mut input = terminal.stdin.take().context("no stdin")?;
    let mut screen = Screen(terminal.stdout.take().context("no stdout")?, String::new());
    screen.shows(".\r\n").await?;
    let id = screen.1.trim().trim_start_matches("ready ").trim_end_matches('.').to_owned();
    input.write_all(b"\x03").await?;
    // The terminal shows it after it has sent the signal.
    screen.shows("^C").await?;
    Command::new("sh").args(["-c", r#"kill -s USR1 "$0""#, &id]).status().await?;
    screen.shows("told").await?;
    assert!(!screen.1.contains("interrupted"), "{:?}", screen.1);
    Ok(())
}

/// What the terminal has shown so far.
struct Screen(ChildStdout, String);

impl Screen {
    async fn shows(&mut self, text: &str) -> Result<()> {
        let mut chunk = [0; 1024];
        while !self.1.contains(text) {
            let length = timeout(SHOWN_WITHIN, self.0.read(&mut chunk)).await;
            let length = length.with_context(|| format!("no {text:?}: {:?}", self.1))??;
            if length == 0 {
                bail!("ended without {text:?}: {:?}", self.1);
            }
            self.1.push_str(&String::from_utf8_lossy(chunk.get(..length).unwrap_or_default()));
        }
        Ok(())
    }
}
