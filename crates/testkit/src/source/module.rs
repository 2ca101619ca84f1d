//! Builds the pinned Go module (`tests/vault-server`) into the target directory, once.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::Instant;

use super::progress::report;
use crate::environment::target_dir;

const MODULE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vault-server");
const PACKAGE: &str = "github.com/hashicorp/vault";
/// The interval of progress messages during the build.
const REPORT_INTERVAL: Duration = Duration::from_secs(20);

/// Returns the binary, and builds it if it does not exist.
pub(crate) async fn built() -> Result<PathBuf> {
    tokio::task::spawn_blocking(build_once).await.context("the build's thread")?
}

/// Returns the version that `go.mod` pins, such as `v1.21.2`.
pub(crate) fn version() -> Result<String> {
    let path = Path::new(MODULE).join("go.mod");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let mut words = text.lines().map(str::split_whitespace);
    let pinned = words.find_map(|mut line| (line.next() == Some(PACKAGE)).then(|| line.next()));
    Ok(pinned.flatten().with_context(|| format!("{PACKAGE} is not in go.mod"))?.to_owned())
}

/// A lock that is held while one process builds the binary, or an image from it.
pub(crate) fn lock() -> Result<File> {
    let dir = target_dir()?.join("vault-server");
    fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
    let file = File::create(dir.join("lock")).context("the build's lock")?;
    if file.try_lock().is_err() {
        report("another process is building the server: waiting for it");
        file.lock().context("the build's lock")?;
    }
    Ok(file)
}

fn build_once() -> Result<PathBuf> {
    let binary = target_dir()?.join("vault-server").join(version()?).join("vault");
    if binary.is_file() {
        return Ok(binary);
    }
    let _lock = lock()?;
    if !binary.is_file() {
        // An interrupted build leaves no file of the final name.
        let unfinished = binary.with_extension("unfinished");
        go_build(&unfinished)?;
        fs::rename(&unfinished, &binary).context("putting the built server in its place")?;
    }
    Ok(binary)
}

fn go_build(output: &Path) -> Result<()> {
    report(&format!(
        "building {PACKAGE} {} with Go, once: about 5 minutes, 1 when its modules are there",
        version()?
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
        .arg(PACKAGE)
        .env("CGO_ENABLED", "0")
        .current_dir(MODULE)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting go (Go 1.25 or later is needed)")?;
    let started = Instant::now();
    let complaints = follow(&lines(&mut build)?, started);
    if !build.wait().context("waiting for go")?.success() {
        bail!("go build {PACKAGE} failed:\n{}", complaints.join("\n"));
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
