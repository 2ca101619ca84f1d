//! Which signals are forwarded to the program.

use signal_hook::consts::{
    SIGBUS, SIGCHLD, SIGFPE, SIGILL, SIGINT, SIGKILL, SIGPIPE, SIGSEGV, SIGSTOP, SIGSYS, SIGTERM,
    SIGTRAP,
};

use crate::error::Failure;
use crate::signals::{IgnoredSignals, SignalStreams, not_caught};

/// The signals that stay with this process: those that cannot be caught, those that its own
/// instructions cause (as its own writes cause PIPE), and CHLD, which is about the program.
const NOT_FORWARDED: &[i32] =
    &[SIGKILL, SIGSTOP, SIGCHLD, SIGPIPE, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP];

/// The number of the first real-time signal. The C library keeps the first few for itself.
const FIRST_REALTIME: i32 = 32;

/// The number of the last signal.
const LAST: i32 = if cfg!(target_os = "linux") { 64 } else { 31 };

/// Catches every signal that is forwarded, except those that are `ignored`.
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

/// Whether a signal asks for the end, so that nothing is started after it.
pub(super) fn asks_to_end(signal: i32) -> bool {
    matches!(signal, SIGINT | SIGTERM)
}
