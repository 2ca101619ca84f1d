//! The signals that are passed on to the program.

use std::io;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::backend::Handle;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::siginfo::{Cause, Origin};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::failure::Failure;
use crate::signals::not_caught;

/// What came in, in order. Ends its thread when it is dropped; signals are ignored from then on.
#[derive(Debug)]
pub(super) struct Signals {
    came: UnboundedReceiver<Origin>,
    handle: Handle,
}

impl Signals {
    /// Catches them from now on.
    pub(super) fn catch() -> Result<Self, Failure> {
        Self::start().map_err(|error| not_caught(&error))
    }

    fn start() -> io::Result<Self> {
        let passed = [SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2];
        let mut signals = SignalsInfo::<WithOrigin>::new(passed)?;
        let handle = signals.handle();
        let (sender, came) = unbounded_channel();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            // It ends when the handle is closed.
            signals.forever().try_for_each(|signal| sender.send(signal)).ok();
        })?;
        Ok(Self { came, handle })
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Origin {
        match self.came.recv().await {
            Some(signal) => signal,
            // The thread is gone, which it is not before the handle is closed.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.handle.close();
    }
}

/// Whether the terminal sent it: to the program too, since both are of its foreground group. Passed
/// on, it would come twice, and a second Ctrl-C means something else to many programs.
pub(super) fn is_of_terminal(signal: &Origin) -> bool {
    matches!(signal.cause, Cause::Kernel)
}

/// Whether it asks for the end, whoever sent it: nothing is started after it any more.
pub(super) fn asks_to_end(signal: &Origin) -> bool {
    matches!(signal.signal, SIGINT | SIGTERM)
}
