//! Notifies the reader of the files of a change: by a shell command, or by a signal.

use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use km_proxy_adapter::ErrorKind;
use tokio::process::Child;
use tracing::{info, warn};

use super::pid_file;
use crate::cli::SyncArgs;
use crate::commands::shell;
use crate::error::Failure;
use crate::io::log::WATCH;
use crate::signals::exit_code;

/// What notifies the reader.
enum Action {
    Nothing,
    Run(String),
    Signal { signal: i32, pid_file: PathBuf },
}

/// Notifies the reader of changes. At most one command runs at a time; changes meanwhile cause one
/// more run.
pub(super) struct Notification {
    action: Action,
    running: Option<Child>,
    is_due: bool,
}

impl Notification {
    pub(super) fn new(args: &SyncArgs) -> Self {
        let action = match (&args.run, args.signal, &args.pid_file) {
            (Some(command), _, _) => Action::Run(command.clone()),
            (None, Some(signal), Some(pid_file)) => {
                Action::Signal { signal, pid_file: pid_file.clone() }
            }
            _ => Action::Nothing,
        };
        Self { action, running: None, is_due: false }
    }

    /// Notifies the reader at once, or after the command that is running. Failures are logged.
    pub(super) fn send(&mut self) {
        let outcome = match &self.action {
            Action::Nothing => Ok(()),
            Action::Run(_) if self.running.is_some() => {
                self.is_due = true;
                Ok(())
            }
            Action::Run(command) => start(command).map(|child| self.running = Some(child)),
            Action::Signal { signal, pid_file } => pid_file::signal(pid_file, *signal),
        };
        if let Err(failure) = outcome {
            log(&failure);
        }
    }

    /// Waits for commands that are running, and starts those that are due. Never returns.
    /// Cancel-safe.
    pub(super) async fn drive(&mut self) {
        loop {
            let Some(child) = &mut self.running else {
                return pending().await;
            };
            let outcome = child.wait().await;
            self.running = None;
            match outcome.map_err(|error| failed(&error.to_string())).and_then(check) {
                Ok(()) => info!(target: WATCH, "the command of --run has completed"),
                Err(failure) => log(&failure),
            }
            if std::mem::take(&mut self.is_due) {
                self.send();
            }
        }
    }

    /// Notifies the reader and waits for the command.
    ///
    /// # Errors
    ///
    /// The command fails, with its exit code, or the signal cannot be sent.
    pub(super) async fn send_and_wait(&mut self) -> Result<(), Failure> {
        match &self.action {
            Action::Nothing => Ok(()),
            Action::Signal { signal, pid_file } => pid_file::signal(pid_file, *signal),
            Action::Run(command) => {
                let child = self.running.insert(start(command)?);
                let status = child.wait().await.map_err(|error| failed(&error.to_string()));
                self.running = None;
                check(status?)
            }
        }
    }

    /// Ends a command that is running.
    pub(super) async fn stop(mut self) {
        if let Some(child) = &mut self.running {
            shell::end(child).await;
        }
    }
}

/// Starts a shell command without access to stdin and stdout of this process.
fn start(command: &str) -> Result<Child, Failure> {
    let mut shell = shell::shell(command);
    shell.stdin(Stdio::null()).stdout(io::stderr());
    shell::spawn(&mut shell).map_err(|error| failed(&error.to_string()))
}

fn check(status: ExitStatus) -> Result<(), Failure> {
    if status.success() {
        return Ok(());
    }
    let failure = failed(&status.to_string());
    Err(match exit_code(status) {
        Some(code) => failure.with_code(code),
        None => failure,
    })
}

fn failed(why: &str) -> Failure {
    let hint = "the files are up to date: run the command yourself";
    Failure::new(ErrorKind::Usage, format!("run the command of --run: {why}"), hint)
}

fn log(failure: &Failure) {
    for (error, hint) in failure.problems() {
        warn!(target: WATCH, hint, "cannot notify the reader of the files: {error}");
    }
}
