//! Builds the pinned Go module (`tests/vault-server`) into the target directory, once: the server
//! without its optional parts, and as plugins those login methods that tests need of them.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tokio::time::Instant;

use super::lock::lock;
use super::progress::report;
use crate::flavor::Flavor;
use crate::probe::stored::{self, PACKAGE};

/// The interval of progress messages during the build.
const REPORT_INTERVAL: Duration = Duration::from_secs(20);

/// The login methods that are built as plugins: their names, which are those of their files too.
const PLUGINS: [&str; 2] = ["aws", "ldap"];

/// Returns the binary, and builds it if it does not exist.
pub(super) async fn built() -> Result<PathBuf> {
    tokio::task::spawn_blocking(build_server).await.context("the build's thread")?
}

/// Returns the directory of the plugins, and builds those that do not exist.
pub(super) async fn plugins() -> Result<PathBuf> {
    tokio::task::spawn_blocking(build_plugins).await.context("the build's thread")?
}

fn build_server() -> Result<PathBuf> {
    let binary = stored::binary(Flavor::Vault).map_err(|why| anyhow!(why))?;
    build_once(&binary, PACKAGE)?;
    Ok(binary)
}

fn build_plugins() -> Result<PathBuf> {
    let binary = stored::binary(Flavor::Vault).map_err(|why| anyhow!(why))?;
    let dir = binary.with_file_name("plugins");
    for name in PLUGINS {
        let package = format!("{PACKAGE}/builtin/credential/{name}/cmd/{name}");
        build_once(&dir.join(name), &package)?;
    }
    Ok(dir)
}

fn build_once(binary: &Path, package: &str) -> Result<()> {
    if binary.is_file() {
        return Ok(());
    }
    let _lock = lock(Flavor::Vault)?;
    if !binary.is_file() {
        // An interrupted build leaves no file of the final name. It is in another directory than
        // the plugins, because the server registers each file of theirs.
        let dir = binary.parent().and_then(Path::parent).context("a program in no directory")?;
        let name = binary.file_name().context("a program without a name")?;
        let unfinished = dir.join(name).with_extension("unfinished");
        fs::create_dir_all(binary.parent().context("a program in no directory")?)?;
        go_build(&unfinished, package)?;
        fs::rename(&unfinished, binary).context("putting the built program in its place")?;
    }
    Ok(())
}

fn go_build(output: &Path, package: &str) -> Result<()> {
    let version = stored::version(Flavor::Vault).map_err(|why| anyhow!(why))?;
    report(&format!(
        "building {package} {version} with Go, once: about 5 minutes, 1 when its modules are there"
    ));
    let mut build = Command::new("go")
        .args([
            "build",
            "-mod=readonly",
            "-tags",
            "minimal",
            "-trimpath",
            "-ldflags",
            "-s -w",
            "-o",
        ])
        .arg(output)
        .arg(package)
        .env("CGO_ENABLED", "0")
        .current_dir(stored::VAULT)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting go (Go 1.25 or later is needed)")?;
    let started = Instant::now();
    let complaints = follow(&lines(&mut build)?, started);
    if !build.wait().context("waiting for go")?.success() {
        bail!("go build {package} failed:\n{}", complaints.join("\n"));
    }
    report(&format!("built in {} s", started.elapsed().as_secs()));
    Ok(())
}

/// Returns the lines of its stderr as they arrive. The channel is closed at the end of stderr.
fn lines(build: &mut Child) -> Result<Receiver<String>> {
    let stderr = build.stderr.take().context("go's stderr is not piped")?;
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(stderr).lines().map_while(Result::ok);
        lines.for_each(|line| drop(sender.send(line)));
    });
    Ok(receiver)
}

/// Prints the progress from time to time. Returns the lines of `go` other than downloads.
fn follow(lines: &Receiver<String>, started: Instant) -> Vec<String> {
    let (mut downloads, mut complaints) = (0_u32, Vec::new());
    let mut next_report = started + REPORT_INTERVAL;
    loop {
        match lines.recv_timeout(next_report.saturating_duration_since(Instant::now())) {
            Ok(line) if line.starts_with("go: downloading") => downloads += 1,
            Ok(line) => complaints.push(line),
            Err(RecvTimeoutError::Timeout) => {
                let elapsed = started.elapsed().as_secs();
                report(&format!("still building: {elapsed} s, {downloads} modules downloaded"));
                next_report += REPORT_INTERVAL;
            }
            Err(RecvTimeoutError::Disconnected) => return complaints,
        }
    }
}
