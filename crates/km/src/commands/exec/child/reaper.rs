//! Reports state changes of the program, and reaps every other child that has ended.
//!
//! There are other children because PID 1 inherits the orphans of its namespace.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use km_proxy_adapter::ErrorKind;
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, wait};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Failure;
use crate::signals::{exit_code, not_caught};

/// A change of the program's state.
pub(super) enum Change {
    /// The program was stopped by this signal.
    Stopped(i32),
    /// The program has ended with this exit code.
    Ended(u8),
}

/// A stream of SIGCHLD, which reaps children.
pub(super) struct Reaper(Signal);

impl Reaper {
    /// Catches SIGCHLD. Must be called before the program is started.
    pub(super) fn catch() -> Result<Self, Failure> {
        signal(SignalKind::child()).map(Self).map_err(|error| not_caught(&error))
    }

    /// Waits for the next change of the program's state. Cancel-safe.
    pub(super) async fn changed(&mut self, program: Pid) -> Result<Change, Failure> {
        loop {
            if let Some(change) = reap(program)? {
                return Ok(change);
            }
            self.0.recv().await;
        }
    }
}

/// Waits for every child that has changed, up to the first change of the program, without blocking.
fn reap(program: Pid) -> Result<Option<Change>, Failure> {
    loop {
        match wait(WaitOptions::NOHANG | WaitOptions::UNTRACED) {
            Ok(None) => return Ok(None),
            Ok(Some((pid, status))) if pid == program => {
                if let Some(change) = change(ExitStatus::from_raw(status.as_raw())) {
                    return Ok(Some(change));
                }
            }
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Err(error) => return Err(wait_failed(&error.into())),
        }
    }
}

fn change(status: ExitStatus) -> Option<Change> {
    let stopped = status.stopped_signal().map(Change::Stopped);
    stopped.or_else(|| exit_code(status).map(Change::Ended))
}

/// Returns the failure of waiting for the program.
pub(super) fn wait_failed(error: &io::Error) -> Failure {
    let what = format!("internal: cannot wait for the program: {error}");
    Failure::new(ErrorKind::Internal, what, "report this bug")
}
