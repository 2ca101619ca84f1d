//! The time before the program starts, in which a signal prevents its start.

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::signals;
use crate::error::Failure;
use crate::signals::{IgnoredSignals, SignalStreams, Termination, interrupted};

/// The signals that prevent the start of the program.
const PREVENT_START: &[i32] = &[SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// A guard that catches the signals which prevent the start of the program.
pub(super) struct Startup {
    termination: Termination,
    ignored: IgnoredSignals,
}

impl Startup {
    /// Catches the signals from now on.
    pub(super) fn begin() -> Result<Self, Failure> {
        let ignored = IgnoredSignals::now();
        Ok(Self { termination: Termination::catch(PREVENT_START, ignored)?, ignored })
    }

    /// Waits for `step` unless a signal requests the end.
    pub(super) async fn unless_interrupted<T>(
        &mut self,
        step: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            outcome = step => outcome,
            () = self.termination.requested() => Err(not_started()),
        }
    }

    /// Fails if a signal has requested the end.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.termination.is_requested() { Err(not_started()) } else { Ok(()) }
    }

    /// Catches the signals that are forwarded to the program from now on. No signal is lost: each
    /// is either in the returned streams or fails this call.
    pub(super) fn forward_signals(self) -> Result<SignalStreams, Failure> {
        let signals = signals::forwarded(self.ignored)?;
        self.check()?;
        Ok(signals)
    }
}

fn not_started() -> Failure {
    interrupted("the program was not started; run the command again")
}
