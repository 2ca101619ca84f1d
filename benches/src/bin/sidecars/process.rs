//! A server as a child process. It ends on drop.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

/// A running process.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts a program whose output goes to the file `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let log = File::create(log).with_context(|| format!("creating {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn();
        let program = command.get_program().display();
        Ok(Self(child.with_context(|| format!("starting {program}"))?))
    }

    /// The process ID.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Fails with the log if the process has ended.
    pub(crate) fn runs(&mut self, log: &Path) -> Result<()> {
        match self.0.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("it ended with {status}:\n{}", fs::read_to_string(log)?),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns a free address. Another process may take it before it is used; then the start fails.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// Returns the resident bytes of a process.
pub(crate) fn resident(process: u32) -> Result<f64> {
    let file = format!("/proc/{process}/status");
    let text = fs::read_to_string(&file).with_context(|| format!("reading {file}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let size = line.and_then(|line| line.trim().strip_suffix("kB"));
    let kibibytes: f64 = size.with_context(|| format!("{file}: no VmRSS"))?.trim().parse()?;
    Ok(kibibytes * 1024.0)
}
