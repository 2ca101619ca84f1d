//! `km status --watch`: frames until a signal.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use testkit::Km;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::serve::sidecar::Sidecar;

/// Only a failing test reaches it.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How soon a command ends after a signal.
const ENDS_WITHIN: Duration = Duration::from_secs(5);

/// Moves the cursor to the upper left corner.
const HOME: &str = "\u{1b}[H";

const CTRL_C: &[u8] = b"\x03";

async fn sidecar(directory: &tempfile::TempDir) -> Result<Sidecar> {
    let km = Km::new().env("HCP_VAULT_TOKEN", "t").env("XDG_RUNTIME_DIR", directory.path());
    Sidecar::run(km.args(["serve"])).await
}

fn watch(sidecar: &Sidecar) -> Km {
    Km::new().args(["status", "--watch", "--server", &sidecar.address])
}

#[tokio::test]
async fn piped_frames_have_a_blank_line_between_them_until_a_signal() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let sidecar = sidecar(&directory).await?;
    for signal in ["INT", "TERM"] {
        let mut running = watch(&sidecar).start().await?;
        let stdout = running.child().stdout.take().context("no stdout")?;
        let mut lines = BufReader::new(stdout).lines();
        let mut previous = "none".to_owned();
        let mut frames = 0;
        while frames < 3 {
            let line = timeout(TIMEOUT, lines.next_line()).await??.context("it has ended")?;
            if line.starts_with("km serve") {
                ensure!(frames == 0 || previous.is_empty(), "no blank line before {line}");
                frames += 1;
            }
            ensure!(!line.contains('\u{1b}'), "{line:?}");
            previous = line;
        }
        running.signal(signal)?;
        timeout(ENDS_WITHIN, running.finish()).await??.expect(0)?;
    }
    sidecar.stop().await.map(drop)
}

#[tokio::test]
async fn watched_json_is_one_document_per_line() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let sidecar = sidecar(&directory).await?;
    let mut running = watch(&sidecar).args(["--json"]).start().await?;
    let stdout = running.child().stdout.take().context("no stdout")?;
    let mut lines = BufReader::new(stdout).lines();
    for _ in 0..2 {
        let line = timeout(TIMEOUT, lines.next_line()).await??.context("it has ended")?;
        let status: serde_json::Value = serde_json::from_str(&line)?;
        assert!(status["uptime_seconds"].is_u64());
    }
    running.signal("INT")?;
    running.finish().await?.expect(0).map(drop)
}

#[tokio::test]
async fn watch_ends_with_its_reader_and_with_the_sidecar() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let sidecar = sidecar(&directory).await?;
    let mut running = watch(&sidecar).start().await?;
    drop(running.child().stdout.take());
    timeout(TIMEOUT, running.finish()).await??.expect(0)?;
    let mut running = watch(&sidecar).start().await?;
    let mut stdout = running.child().stdout.take().context("no stdout")?;
    stdout.read_exact(&mut [0; 8]).await?;
    sidecar.stop().await?;
    // It may be killed by nothing but the failure of a request.
    let reads = async { tokio::io::copy(&mut stdout, &mut tokio::io::sink()).await };
    timeout(TIMEOUT, reads).await??;
    running.finish().await?.expect(4).map(drop)
}

/// Reads what the terminal displays until `text` was displayed `count` times.
async fn read_until(
    terminal: &mut (impl tokio::io::AsyncRead + Unpin),
    text: &str,
    count: usize,
) -> Result<String> {
    let mut shown = String::new();
    while shown.matches(text).count() < count {
        let mut bytes = [0; 4096];
        let read = timeout(TIMEOUT, terminal.read(&mut bytes)).await;
        let length = read.with_context(|| format!("no {text:?}: {shown:?}"))??;
        ensure!(length > 0, "it has ended: {shown:?}");
        shown.push_str(&String::from_utf8_lossy(&bytes[..length]));
    }
    Ok(shown)
}

#[tokio::test]
async fn terminal_is_redrawn_also_while_the_sidecar_restarts() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let first = sidecar(&directory).await?;
    let line = format!("exec '{}' status --watch", Km::program().await?.display());
    let mut script = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env_clear()
        .envs([("TERM", "xterm"), ("KM_SERVE_ADDR", &first.address)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("starting `script` (Debian: bsdutils)")?;
    let mut terminal = script.stdout.take().context("no stdout")?;
    let shown = read_until(&mut terminal, HOME, 2).await?;
    assert!(shown.contains("\u{1b}[1mkm serve"), "{shown:?}");
    first.stop().await?;
    read_until(&mut terminal, "hint: start km serve", 1).await?;
    let second = sidecar(&directory).await?;
    read_until(&mut terminal, "generation", 1).await?;
    let mut keyboard = script.stdin.take().context("no stdin")?;
    keyboard.write_all(CTRL_C).await?;
    keyboard.flush().await?;
    let drained = async { tokio::io::copy(&mut terminal, &mut tokio::io::sink()).await };
    timeout(ENDS_WITHIN, drained).await??;
    assert_eq!(timeout(ENDS_WITHIN, script.wait()).await??.code(), Some(0));
    second.stop().await.map(drop)
}
