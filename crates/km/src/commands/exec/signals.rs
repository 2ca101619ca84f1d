//! The signals that are forwarded to the program.

use signal_hook::consts::{
    SIGBUS, SIGCHLD, SIGFPE, SIGILL, SIGINT, SIGKILL, SIGPIPE, SIGSEGV, SIGSTOP, SIGSYS, SIGTERM,
    SIGTRAP,
};

use crate::error::Failure;
use crate::signals::{IgnoredSignals, SignalStreams, not_caught};

/// The signals that are not forwarded: those that cannot be caught, those that this process causes
/// itself (a write to a closed pipe causes PIPE), and CHLD, which reports a change of the program.
const NOT_FORWARDED: &[i32] =
    &[SIGKILL, SIGSTOP, SIGCHLD, SIGPIPE, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP];

/// The first real-time signal. The C library reserves the first few of them.
const FIRST_REALTIME: i32 = 32;

/// The last signal.
const LAST: i32 = if cfg!(target_os = "linux") { 64 } else { 31 };

/// Catches every signal that is forwarded, except those that are `ignored`.
///
/// # Errors
///
/// `Internal` if a signal cannot be caught, unless it is a real-time signal.
pub(super) fn forwarded(ignored: IgnoredSignals) -> Result<SignalStreams, Failure> {
    let mut streams = SignalStreams::default();
    for number in (1..=LAST).filter(|number| !NOT_FORWARDED.contains(number)) {
        match streams.add(number, ignored) {
            Err(error) if number < FIRST_REALTIME => return Err(not_caught(&error)),
            _ => {}
        }
    }
    Ok(streams)
}

/// Returns whether a signal requests the end, after which nothing is started any more.
pub(super) fn requests_end(signal: i32) -> bool {
    matches!(signal, SIGINT | SIGTERM)
}
