//! Signals that are passed on, and those that come before the program is there.

use anyhow::{Context as _, Result};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::endings::runs;
use super::shell;
use crate::cli::common::{error_document, played};
use crate::cli::listener::{Reply, Scripted};

#[tokio::test]
async fn five_signals_reach_the_program() -> Result<()> {
    let names = ["HUP", "INT", "TERM", "USR1", "USR2"];
    // One that waits in short turns, since a shell looks at its traps between them.
    let traps = names.map(|name| format!("trap 'echo {name}' {name}")).join("\n");
    let script = format!("{traps}\necho ready; while kill -0 $PPID; do sleep 0.01; done");
    let mut running = runs(&script).start().await?;
    let stdout = running.child().stdout.take().context("no stdout")?;
    let mut lines = BufReader::new(stdout).lines();
    assert_eq!(lines.next_line().await?.as_deref(), Some("ready"));
    for name in names {
        running.signal(name)?;
        assert_eq!(lines.next_line().await?.as_deref(), Some(name));
    }
    drop(running);
    Ok(())
}

#[tokio::test]
async fn a_program_that_a_signal_ends_gives_its_number() -> Result<()> {
    for (name, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        let mut running = runs("echo ready; exec sleep 60").start().await?;
        let stdout = running.child().stdout.take().context("no stdout")?;
        let mut lines = BufReader::new(stdout).lines();
        assert_eq!(lines.next_line().await?.as_deref(), Some("ready"));
        running.signal(name)?;
        running.finish().await?.expect(code)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_signal_before_it_starts_keeps_it_from_starting() -> Result<()> {
    for name in ["INT", "TERM", "HUP"] {
        let server = Scripted::new(|_| Reply::Hang)?;
        let km = played(&server.address()).env("KM_DEADLINE", "60s");
        let km = km.args(["exec", "--json", "--only", "A"]).args(shell("echo started"));
        let running = km.start().await?;
        server.saw("GET /v1/").await?;
        running.signal(name)?;
        let output = running.finish().await?.expect(4)?;
        assert!(output.stdout.is_empty());
        error_document(&output.stderr, "unavailable")?;
    }
    Ok(())
}
