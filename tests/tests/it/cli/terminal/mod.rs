//! `km` on a terminal: prompts and progress bars.

mod progress;
mod prompt;

use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use testkit::Km;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// Only a failing test reaches it.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The interval at which the terminal is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A terminal, and the process that leads its session.
struct Terminal {
    main: OwnedFd,
    child: Child,
    shown: String,
    /// The length of what was waited for.
    seen: usize,
}

impl Terminal {
    /// Runs `km`, whose stdin, stdout and stderr are the terminal.
    async fn km(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Self> {
        Self::run(&[], arguments, environment).await
    }

    /// Runs a shell script whose arguments are the command line of `km`.
    async fn script(
        script: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Self> {
        Self::run(&["sh", "-c", script, "sh"], arguments, environment).await
    }

    async fn run(
        prefix: &[&str],
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let main = openpt(flags)?;
        grantpt(&main)?;
        unlockpt(&main)?;
        let other = ioctl_tiocgptpeer(&main, flags)?;
        let child = Command::new("setsid")
            .arg("--ctty")
            .args(prefix)
            .arg(Km::program().await?)
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("TERM", "xterm")
            .envs(environment.iter().copied())
            .stdin(Stdio::from(other.try_clone()?))
            .stdout(Stdio::from(other.try_clone()?))
            .stderr(Stdio::from(other))
            .kill_on_drop(true)
            .spawn()
            .context("starting setsid")?;
        rustix::io::ioctl_fionbio(&main, true)?;
        Ok(Self { main, child, shown: String::new(), seen: 0 })
    }

    /// Types a text.
    fn type_text(&self, text: &str) -> Result<()> {
        let written = rustix::io::write(&self.main, text.as_bytes())?;
        ensure!(written == text.len(), "the terminal is full");
        Ok(())
    }

    /// Returns whether the terminal echoes what is typed.
    fn echoes(&self) -> Result<bool> {
        Ok(tcgetattr(&self.main)?.local_modes.contains(LocalModes::ECHO))
    }

    /// Waits until the terminal displays `text` after what was waited for before.
    async fn wait_for(&mut self, text: &str) -> Result<()> {
        loop {
            if let Some(at) = self.shown.get(self.seen..).and_then(|new| new.find(text)) {
                self.seen += at + text.len();
                return Ok(());
            }
            let read = timeout(TIMEOUT, self.read()).await;
            let open = read.with_context(|| format!("no {text:?}: {:?}", self.shown))??;
            ensure!(open, "no {text:?}: {:?}", self.shown);
        }
    }

    /// Waits for the end of the process. Returns its exit code, whether the terminal echoes, and
    /// everything that it displayed.
    async fn finish(mut self) -> Result<(i32, bool, String)> {
        let ended = timeout(TIMEOUT, self.child.wait()).await;
        let ended = ended.with_context(|| format!("it hangs: {:?}", self.shown))??;
        let echoes = self.echoes()?;
        while timeout(TIMEOUT, self.read()).await?? {}
        let code = ended.code().with_context(|| format!("killed: {ended}"))?;
        Ok((code, echoes, self.shown))
    }

    /// Reads what the terminal displays next. Returns false once all processes have closed it.
    async fn read(&mut self) -> Result<bool> {
        let mut bytes = [0; 1024];
        loop {
            match rustix::io::read(&self.main, &mut bytes) {
                Ok(0) | Err(Errno::IO) => return Ok(false),
                Ok(length) => {
                    self.shown.push_str(&String::from_utf8_lossy(&bytes[..length]));
                    return Ok(true);
                }
                Err(Errno::AGAIN) => sleep(POLL_INTERVAL).await,
                Err(error) => return Err(error.into()),
            }
        }
    }
}
