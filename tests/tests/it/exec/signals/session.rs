//! A `km` process that receives signals, and the program that records them.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use testkit::Km;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{sleep, timeout};

use super::{INT, QUIT, TSTP, WINCH};

const RECORDER: &str = env!("CARGO_BIN_EXE_signal-recorder");

/// A real-time signal that no test sends. When it arrives, every signal sent before has arrived.
const MARKER: i32 = 64;

/// Only a failing test reaches it.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The interval at which the terminal is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A way in which a signal is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// To the process of `km`.
    Process,
    /// To the process group of `km`.
    Group,
    /// By the terminal of the session that `km` leads.
    Terminal,
    /// By the hangup of that terminal.
    Hangup,
    /// To the process of `km`, which is PID 1 of its namespace.
    Init,
}

/// A `km` process that runs the recorder.
pub(super) struct Session {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    terminal: Option<OwnedFd>,
    km: u32,
    program: u32,
    received: BTreeMap<i32, usize>,
}

impl Session {
    pub(super) async fn start(delivery: Delivery, mode: &[&str], options: &[&str]) -> Result<Self> {
        let prefix: &[&str] = match delivery {
            Delivery::Process | Delivery::Group => &[],
            Delivery::Terminal | Delivery::Hangup => &["setsid", "--ctty"],
            Delivery::Init => &["unshare", "--pid", "--fork", "--kill-child"],
        };
        let mut command = command(options, prefix, mode).await?;
        command.args(["--", RECORDER]);
        let mut terminal = None;
        if prefix.contains(&"--ctty") {
            let (main, other) = open_terminal()?;
            command.stdin(other);
            terminal = Some(main);
        } else {
            command.process_group(0);
        }
        let mut child = command.spawn().context("starting km")?;
        let mut lines = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        let line = timeout(TIMEOUT, lines.next_line()).await??.context("the process has exited")?;
        let program = line.strip_prefix("ready ").context("no `ready`")?.parse()?;
        let id = child.id().context("the process has exited")?;
        let km = if delivery == Delivery::Init { child_of(id)? } else { id };
        Ok(Self { child, lines, terminal, km, program, received: BTreeMap::new() })
    }

    pub(super) async fn send(&mut self, delivery: Delivery, signal: i32) -> Result<()> {
        match delivery {
            Delivery::Process | Delivery::Init => kill(signal, &self.km.to_string()).await,
            Delivery::Group => kill(signal, &format!("-{}", self.km)).await,
            Delivery::Terminal => press(self.terminal.as_ref().context("no terminal")?, signal),
            Delivery::Hangup => {
                self.terminal = None;
                Ok(())
            }
        }
    }

    /// Waits until the program has received the signal.
    pub(super) async fn wait_for_signal(&mut self, signal: i32) -> Result<()> {
        while !self.received.contains_key(&signal) {
            let line = timeout(TIMEOUT, self.lines.next_line()).await;
            let line = line.context("not received")??.context("the program has exited")?;
            *self.received.entry(line.parse()?).or_default() += 1;
        }
        Ok(())
    }

    /// Ends both processes. Returns each signal that the program received, and how often.
    pub(super) async fn end(mut self) -> Result<Vec<(i32, usize)>> {
        kill(MARKER, &self.km.to_string()).await?;
        self.wait_for_signal(MARKER).await?;
        self.received.remove(&MARKER);
        if self.child.id() == Some(self.km) {
            kill(9, &self.program.to_string()).await?;
            timeout(TIMEOUT, self.child.wait()).await.context("km did not exit in time")??;
        }
        Ok(self.received.into_iter().collect())
    }
}

/// A terminal with a session that a shell leads.
pub(super) struct Screen {
    main: OwnedFd,
    shown: String,
    _shell: Child,
}

impl Screen {
    /// Runs a script whose arguments are the command line of `km` up to the program.
    pub(super) async fn run(script: &str, mode: &[&str]) -> Result<Self> {
        let (main, other) = open_terminal()?;
        let prefix = ["setsid", "--ctty", "sh", "-c", script, "sh"];
        let mut command = command(&[], &prefix, mode).await?;
        command.arg("--").stdin(other.try_clone()?).stdout(other.try_clone()?).stderr(other);
        let shell = command.spawn().context("starting setsid")?;
        rustix::io::ioctl_fionbio(&main, true)?;
        Ok(Self { main, shown: String::new(), _shell: shell })
    }

    pub(super) fn press(&self, signal: i32) -> Result<()> {
        press(&self.main, signal)
    }

    pub(super) fn type_text(&self, text: &str) -> Result<()> {
        rustix::io::write(&self.main, text.as_bytes())?;
        Ok(())
    }

    /// Waits until a line begins with `text`. Returns the rest of the line.
    pub(super) async fn wait_for_line(&mut self, text: &str) -> Result<String> {
        loop {
            let mut lines = self.shown.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            let rest = lines.find_map(|line| line.trim_end().strip_prefix(text));
            if let Some(rest) = rest {
                return Ok(rest.trim().to_owned());
            }
            let read = timeout(TIMEOUT, self.read()).await;
            read.with_context(|| format!("no {text:?}: {:?}", self.shown))??;
        }
    }

    async fn read(&mut self) -> Result<()> {
        let mut bytes = [0; 1024];
        loop {
            match rustix::io::read(&self.main, &mut bytes) {
                Ok(length) => {
                    ensure!(length > 0, "the terminal was closed");
                    let read = bytes.get(..length).unwrap_or_default();
                    self.shown.push_str(&String::from_utf8_lossy(read));
                    return Ok(());
                }
                Err(Errno::AGAIN) => sleep(POLL_INTERVAL).await,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Returns a command that runs `km` through these programs, with the default disposition of every
/// signal.
async fn command(options: &[&str], prefix: &[&str], mode: &[&str]) -> Result<Command> {
    let mut command = Command::new("env");
    command.arg("--default-signal").args(options).args(prefix).arg(Km::program().await?);
    command.args(mode).env_clear().env("HCP_VAULT_TOKEN", "t");
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    Ok(command)
}

/// Returns the signals that the program of `km` ignores, as a bit mask without those that the C
/// library reserves.
pub(super) async fn ignored(mode: &[&str], options: &[&str]) -> Result<u64> {
    const RESERVED_BY_LIBC: u64 = 0b11 << 31;
    let mut command = command(options, &[], mode).await?;
    let output = command.args(["--", "grep", "SigIgn", "/proc/self/status"]).output().await?;
    let mask = String::from_utf8(output.stdout)?;
    let mask = mask.strip_prefix("SigIgn:").context("no SigIgn")?.trim();
    Ok(u64::from_str_radix(mask, 16)? & !RESERVED_BY_LIBC)
}

/// Runs a script as the program of a `km` that is PID 1 of its namespace. Returns the exit code and
/// stdout.
pub(super) async fn as_pid_1(mode: &[&str], script: &str) -> Result<(i32, String)> {
    let prefix = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
    let mut command = command(&[], &prefix, mode).await?;
    let output = command.args(["--", "sh", "-c", script]).output();
    let output = timeout(TIMEOUT, output).await.context("km did not exit in time")??;
    let code = output.status.code().context("unshare was killed")?;
    Ok((code, String::from_utf8(output.stdout)?))
}

/// Returns the state of a process, such as `S` or `T`.
pub(super) fn state(process: &str) -> Result<char> {
    field(process, 0)?.chars().next().context("no state")
}

/// Returns whether a process is in the foreground process group of its terminal.
pub(super) fn is_in_foreground(process: &str) -> Result<bool> {
    Ok(state(process)? != 'T' && field(process, 2)? == field(process, 5)?)
}

/// Returns a field of `/proc/PID/stat`, counted from the state.
fn field(process: &str, index: usize) -> Result<String> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").context("no state")?;
    Ok(fields.split(' ').nth(index).context("no such field")?.to_owned())
}

fn child_of(parent: u32) -> Result<u32> {
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
    Ok(children.split_whitespace().next().context("no child")?.parse()?)
}

fn open_terminal() -> Result<(OwnedFd, OwnedFd)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let main = openpt(flags)?;
    grantpt(&main)?;
    unlockpt(&main)?;
    let other = ioctl_tiocgptpeer(&main, flags)?;
    Ok((main, other))
}

/// Makes the terminal send a signal.
fn press(terminal: &OwnedFd, signal: i32) -> Result<()> {
    let key = match signal {
        INT => 0x03,
        QUIT => 0x1c,
        TSTP => 0x1a,
        WINCH => {
            let size = Winsize { ws_row: 40, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
            return Ok(tcsetwinsize(terminal, size)?);
        }
        _ => anyhow::bail!("no key sends signal {signal}"),
    };
    rustix::io::write(terminal, &[key])?;
    Ok(())
}

async fn kill(signal: i32, target: &str) -> Result<()> {
    let script = r#"kill -"$0" "$1""#;
    let status = Command::new("sh").args(["-c", script, &signal.to_string(), target]).status();
    ensure!(status.await?.success(), "cannot send signal {signal} to {target}");
    Ok(())
}
