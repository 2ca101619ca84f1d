//! A server as a process of this machine.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::time::{Instant, sleep};

use super::plan::{Place, Plan};
use crate::environment::var;
use crate::reaper::Reaper;

/// Starts the server when a line arrives on stdin. By then the reaper knows the process; if this
/// process ends before, the server never starts.
const GATE: &str = r#"read -r go && exec "$@""#;
const STOPS_WITHIN: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(crate) struct Process {
    // Dropped first: it kills the child and removes the directory.
    reaper: Reaper,
    child: Reaped,
    binary: PathBuf,
    arguments: Vec<String>,
    directory: PathBuf,
}

/// A child that is waited for on drop.
#[derive(Debug)]
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        // Both fail only if the child was waited for already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    pub(crate) fn launch(binary: &Path, plan: &Plan, port: u16) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("km-test-").tempdir()?.keep();
        let mut reaper = Reaper::start(Some(&directory), None)?;
        let root = directory.to_str().context("the temporary directory's name is not UTF-8")?;
        let place = Place { root, interface: "127.0.0.1", port };
        for (name, content) in plan.files(place) {
            let file = directory.join(name);
            fs::create_dir_all(file.parent().context("a file in no directory")?)?;
            fs::write(&file, content).with_context(|| format!("writing {}", file.display()))?;
        }
        let arguments = plan.arguments(place);
        let child = spawn(binary, &arguments, &directory, &mut reaper)?;
        Ok(Self { reaper, child, binary: binary.to_owned(), arguments, directory })
    }

    /// Starts the server again.
    pub(crate) fn start(&mut self) -> Result<()> {
        ensure!(!self.is_running()?, "the server runs already");
        self.child = spawn(&self.binary, &self.arguments, &self.directory, &mut self.reaper)?;
        Ok(())
    }

    /// Sends `signal` and waits until the process has ended.
    pub(crate) async fn end(&mut self, signal: &str) -> Result<()> {
        self.signal(signal)?;
        let deadline = Instant::now() + STOPS_WITHIN;
        while self.is_running()? {
            ensure!(Instant::now() < deadline, "the server outlives SIG{signal}");
            sleep(Duration::from_millis(20)).await;
        }
        self.reaper.watch(None)
    }

    pub(crate) fn signal(&self, signal: &str) -> Result<()> {
        signal_process(self.child.0.id(), signal)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.0.id()
    }

    pub(crate) fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.0.try_wait().context("asking after the server")?.is_none())
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.join("server.log")).unwrap_or_default()
    }

    pub(crate) fn cli(&self, address: &str, tls: bool) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(&self.binary);
        command.env_clear().env("VAULT_ADDR", address).env("HOME", &self.directory);
        if tls {
            command.env("VAULT_CACERT", self.directory.join("ca.pem"));
        }
        command
    }
}

fn spawn(binary: &Path, arguments: &[String], dir: &Path, reaper: &mut Reaper) -> Result<Reaped> {
    let log = File::options().create(true).append(true).open(dir.join("server.log"))?;
    let child = Command::new("sh")
        .args(["-c", GATE, "gate"])
        .arg(binary)
        .args(arguments)
        .env_clear()
        .env("PATH", var("PATH").unwrap_or_default())
        .env("HOME", dir)
        .stdin(Stdio::piped())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn();
    let mut child = Reaped(child.with_context(|| format!("starting {}", binary.display()))?);
    reaper.watch(Some(child.0.id()))?;
    let mut gate = child.0.stdin.take().context("the gate has no pipe")?;
    writeln!(gate, "go").context("letting the server start")?;
    Ok(child)
}

/// Sends a signal by name, such as `TERM`, with the shell's `kill`.
pub(crate) fn signal_process(pid: u32, signal: &str) -> Result<()> {
    let pid = pid.to_string();
    let kill =
        Command::new("sh").args(["-c", r#"kill -s "$1" "$2""#, "kill", signal, &pid]).status();
    if !kill.context("starting sh")?.success() {
        bail!("SIG{signal} can't be sent to process {pid}");
    }
    Ok(())
}
