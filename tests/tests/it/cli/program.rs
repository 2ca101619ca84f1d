//! Runs of the `km` executable whose stdin or stdout is not a pipe.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testkit::Km;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// Time limit of a run; one that hangs fails its test.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs a command line on a terminal. Returns the exit code and what the terminal displayed.
pub(crate) async fn on_terminal(
    arguments: &str,
    environment: &[(&str, &str)],
) -> Result<(i32, String)> {
    let program = Km::program().await?;
    let line = format!("'{}' {arguments}", program.display());
    let output = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(TIMEOUT, output).await.context("km did not exit in time")?;
    let output = output.context("starting `script` (Debian: bsdutils)")?;
    let code = output.status.code().context("script was killed")?;
    Ok((code, String::from_utf8(output.stdout)?))
}

/// Runs `km` with a file as stdout. Returns the exit code and stderr.
pub(crate) async fn with_stdout_file(
    stdout: File,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Result<(i32, String)> {
    let run = Command::new(Km::program().await?)
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = tokio::time::timeout(TIMEOUT, run.wait_with_output()).await;
    let output = output.context("km did not exit in time")??;
    Ok((output.status.code().context("km was killed")?, String::from_utf8(output.stderr)?))
}

/// Starts `km` with an open stdin, and waits until it catches SIGTERM.
pub(crate) async fn with_open_stdin(
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Result<Child> {
    let child = Command::new(Km::program().await?)
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    catches_sigterm(&child).await?;
    Ok(child)
}

/// Waits until the process catches SIGTERM.
async fn catches_sigterm(child: &Child) -> Result<()> {
    const SIGTERM: u32 = 15;
    let id = child.id().context("the program has exited")?;
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = u64::from_str_radix(caught.context("no SigCgt")?.trim(), 16)?;
        if caught & (1 << (SIGTERM - 1)) != 0 {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "km does not catch SIGTERM");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Sends a signal by name.
pub(crate) async fn signal(child: &Child, name: &str) -> Result<()> {
    let id = child.id().context("the program has exited")?.to_string();
    let kill = Command::new("sh").args(["-c", r#"kill -s "$0" "$1""#, name, &id]).status();
    ensure!(kill.await?.success(), "SIG{name} can't be sent");
    Ok(())
}
