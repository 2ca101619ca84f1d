//! The signals that this process catches.
//!
//! A signal that was ignored when the process started, for example by `nohup`, stays ignored. The
//! signals that `km exec` forwards to its program are chosen in `commands::exec::signals`.

use std::future::poll_fn;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use km_proxy_adapter::{ErrorKind, KeyManager};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{SigId, flag, low_level};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Failure;

/// The signals that request the end of a command.
pub(crate) const TERMINATION: &[i32] = &[SIGINT, SIGTERM];

/// The exit code of a process that a signal ended is this plus the signal's number, as in a shell.
const SIGNAL_EXIT_BASE: i32 = 128;

/// How long a write in flight may take after a signal. The process has to exit within 5 s.
const GRACE: Duration = Duration::from_secs(4);

/// The key manager of this process, which records whether a write was sent.
static KEYS: OnceLock<KeyManager> = OnceLock::new();

/// Returns the exit code of a program that has ended, as a shell reports it.
pub(crate) fn exit_code(status: ExitStatus) -> Option<u8> {
    let code = status.code().or_else(|| status.signal().map(|signal| SIGNAL_EXIT_BASE + signal))?;
    Some(u8::try_from(code).unwrap_or(u8::MAX))
}

/// Registers the key manager that the command uses.
pub(crate) fn register(keys: &KeyManager) {
    // A command connects only once.
    let _ = KEYS.set(keys.clone());
}

/// Runs `command` until it completes or a signal requests its end.
///
/// A command that has sent no write is canceled at once. Otherwise it may complete within
/// [`GRACE`].
///
/// # Errors
///
/// `Unavailable` if the command was canceled, `Conflict` if a write may have been executed.
pub(crate) async fn until_signal(
    command: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let mut termination = Termination::catch(TERMINATION, IgnoredSignals::now())?;
    let mut command = std::pin::pin!(command);
    tokio::select! {
        outcome = &mut command => return outcome,
        () = termination.requested() => {}
    }
    if !KEYS.get().is_some_and(KeyManager::has_sent_change) {
        return Err(interrupted("nothing was changed; run the command again"));
    }
    tokio::time::timeout(GRACE, command).await.unwrap_or_else(|_| {
        let what = "interrupted by a signal: the write may have been executed";
        Err(Failure::new(
            ErrorKind::Conflict,
            what,
            "read the secret, then decide whether to write it again",
        ))
    })
}

/// Returns the failure of a command that a signal ended before it changed anything.
pub(crate) fn interrupted(hint: &str) -> Failure {
    Failure::new(ErrorKind::Unavailable, "interrupted by a signal", hint)
}

/// Returns the failure of a command that cannot catch signals.
pub(crate) fn not_caught(error: &io::Error) -> Failure {
    let what = format!("internal: cannot catch signals: {error}");
    Failure::new(ErrorKind::Internal, what, "check the resource limits of the system")
}

/// The set of signals that this process ignores, as a bit mask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IgnoredSignals(u64);

impl IgnoredSignals {
    /// Reads the set from `/proc`; it is empty if there is no `/proc`.
    ///
    /// Must be called before signals are caught, because a caught signal no longer counts as
    /// ignored.
    pub(crate) fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self(ignored_mask(&status).unwrap_or(0))
    }

    fn contains(self, signal: i32) -> bool {
        u32::try_from(signal - 1).is_ok_and(|bit| self.0.checked_shr(bit).unwrap_or(0) & 1 == 1)
    }
}

fn ignored_mask(status: &str) -> Option<u64> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

/// A merged stream of several signals. Deliveries of the same signal may coalesce.
#[derive(Debug, Default)]
pub(crate) struct SignalStreams(Vec<(i32, Signal)>);

impl SignalStreams {
    /// Catches a signal from now on, unless it is `ignored`.
    ///
    /// # Errors
    ///
    /// The operating system's error if the signal cannot be caught.
    pub(crate) fn add(&mut self, number: i32, ignored: IgnoredSignals) -> io::Result<()> {
        if !ignored.contains(number) {
            self.0.push((number, signal(SignalKind::from_raw(number))?));
        }
        Ok(())
    }

    /// Waits for the next signal and returns its number.
    pub(crate) async fn next(&mut self) -> i32 {
        poll_fn(|context| {
            let mut ready = self.0.iter_mut().filter_map(|(number, stream)| {
                matches!(stream.poll_recv(context), Poll::Ready(Some(()))).then_some(*number)
            });
            ready.next().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// A listener for signals that request the end of this process.
///
/// The second signal ends the process at once, from within the signal handler, even if every thread
/// is blocked.
#[derive(Debug)]
pub(crate) struct Termination {
    streams: SignalStreams,
    requested: Arc<AtomicBool>,
    actions: Vec<SigId>,
}

impl Termination {
    /// Catches `signals` until this is dropped, except those that are `ignored`.
    ///
    /// # Errors
    ///
    /// `Internal` if one of them cannot be caught.
    pub(crate) fn catch(signals: &[i32], ignored: IgnoredSignals) -> Result<Self, Failure> {
        Self::register(signals, ignored).map_err(|error| not_caught(&error))
    }

    fn register(signals: &[i32], ignored: IgnoredSignals) -> io::Result<Self> {
        let (streams, actions) = (SignalStreams::default(), Vec::new());
        let mut termination = Self { streams, requested: Arc::default(), actions };
        for &number in signals.iter().filter(|signal| !ignored.contains(**signal)) {
            termination.streams.add(number, ignored)?;
            // Registered in this order so that the first signal does not see its own flag.
            let (exit, note) = (termination.requested.clone(), termination.requested.clone());
            let exit =
                flag::register_conditional_shutdown(number, SIGNAL_EXIT_BASE + number, exit)?;
            termination.actions.push(exit);
            termination.actions.push(flag::register(number, note)?);
        }
        Ok(termination)
    }

    /// Waits until the end is requested.
    pub(crate) async fn requested(&mut self) {
        self.streams.next().await;
    }

    /// Returns whether the end was requested. Unlike [`requested`](Self::requested), this sees a
    /// signal before the runtime has dispatched it.
    pub(crate) fn is_requested(&self) -> bool {
        self.requested.load(Ordering::SeqCst)
    }
}

impl Drop for Termination {
    fn drop(&mut self) {
        for action in self.actions.drain(..) {
            low_level::unregister(action);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_the_mask() {
        let status = "Name:\tkm\nSigBlk:\t0000000000000001\nSigIgn:\t8000000000001001\n";
        let ignored = IgnoredSignals(ignored_mask(status).unwrap());
        for (signal, expected) in [(1, true), (2, false), (13, true), (15, false), (64, true)] {
            assert_eq!(ignored.contains(signal), expected, "{signal}");
        }
        for signal in [0, -1, 65] {
            assert!(!ignored.contains(signal), "{signal}");
        }
        assert_eq!(ignored_mask("Name:\tkm\n"), None);
    }
}
