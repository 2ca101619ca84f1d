//! The program as a child: started, told what we are told, and waited for as long as it takes.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use km_proxy_adapter::Kind;
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::low_level::siginfo::Origin;
use tokio::process::{Child, Command};
use tracing::warn;

use super::signals::{Signals, is_of_terminal};
use crate::failure::Failure;

/// The exit codes of a shell that can't start a program.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// What a shell adds to the number of the signal that ended a program.
const SIGNALLED: i32 = 128;

/// Runs it to its end: the exit code.
pub(super) async fn run(mut command: Command, mut signals: Signals) -> Result<u8, Failure> {
    let mut child = command.spawn().map_err(|error| not_started(&command, &error))?;
    // The secrets are the child's now.
    drop(command);
    loop {
        tokio::select! {
            ended = child.wait() => return ended.map(code).map_err(lost),
            signal = signals.next() => pass(&child, &signal),
        }
    }
}

/// A child that has ended has no id any more, so that nobody else is told.
fn pass(child: &Child, signal: &Origin) {
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let (Some(id), Some(number)) = (id, Signal::from_named_raw(signal.signal))
        && !is_of_terminal(signal)
        && let Err(error) = kill_process(id, number)
    {
        warn!(%error, signal = signal.signal, "a signal can't be passed on");
    }
}

fn code(ended: ExitStatus) -> u8 {
    let code = ended.code().or_else(|| ended.signal().map(|signal| SIGNALLED + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

fn not_started(command: &Command, error: &io::Error) -> Failure {
    let program = command.as_std().get_program().to_string_lossy();
    let (code, hint) = match error.kind() {
        io::ErrorKind::NotFound => (NOT_FOUND, "check the name, and PATH"),
        _ => (NOT_EXECUTABLE, "check that it is a program, and may be executed"),
    };
    Failure::new(Kind::Usage, format!("start {program}: {error}"), hint).with_code(code)
}

fn lost(error: io::Error) -> Failure {
    let what = format!("internal: the program can't be waited for: {error}");
    Failure::new(Kind::Internal, what, "report this")
}
