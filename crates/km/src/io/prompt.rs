//! Asks for a secret on the terminal, without echo.
//!
//! **Invariant:** the terminal gets its settings back however the prompt ends: by a line, an error, a
//! panic, a signal that ends this process, or one that stops it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::sync::Arc;

use km_proxy_adapter::ErrorKind;
use nix::unistd::{getpgrp, getsid};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGQUIT, SIGTSTP};
use signal_hook::low_level::emulate_default_handler;
use zeroize::Zeroizing;

use crate::error::Failure;
use crate::signals::{IgnoredSignals, SignalStreams, interrupted, not_caught};

/// The path that opens the controlling terminal of a process.
const TERMINAL: &str = "/dev/tty";

/// The length from which a line may be incomplete, without its line ending: a terminal drops what
/// exceeds its buffer (`MAX_CANON`; 4,096 bytes with the line ending on Linux).
const MAX_LINE_BYTES: usize = 4095;

/// A prompt on the controlling terminal, whose echo is off until this is dropped.
pub(crate) struct Prompt {
    echo: EchoOff,
    signals: SignalStreams,
}

impl Prompt {
    /// Turns the echo off.
    ///
    /// # Errors
    ///
    /// `Usage` if there is no terminal.
    pub(crate) fn open() -> Result<Self, Failure> {
        let mut signals = SignalStreams::default();
        let ignored = IgnoredSignals::now();
        // SIGINT and SIGTERM cancel the command, which drops this. These three would end or stop the
        // process before that.
        for signal in [SIGHUP, SIGQUIT, SIGTSTP] {
            signals.add(signal, ignored).map_err(|error| not_caught(&error))?;
        }
        let terminal = OpenOptions::new().read(true).write(true).open(TERMINAL);
        let echo = terminal.and_then(|terminal| EchoOff::new(Arc::new(terminal)));
        Ok(Self { echo: echo.map_err(|error| failed(&error))?, signals })
    }

    /// Asks for a line, and returns it without its line ending. Ctrl-D ends it as well.
    ///
    /// # Errors
    ///
    /// `Usage` if the line cannot be read or may be incomplete, `Unavailable` if a signal ended the
    /// prompt.
    pub(crate) async fn ask(&mut self, question: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let terminal = Arc::clone(&self.echo.terminal);
        let mut line = tokio::task::spawn_blocking(move || read_line(&terminal));
        let line = loop {
            self.echo.begin_line(question).map_err(|error| failed(&error))?;
            tokio::select! {
                line = &mut line => break line,
                signal = self.signals.next() => match signal {
                    SIGTSTP => self.echo.suspend().map_err(|error| failed(&error))?,
                    _ => return Err(interrupted("nothing was changed; run the command again")),
                },
            }
        };
        self.echo.end_line();
        let mut line = line.map_err(io::Error::other).flatten().map_err(|error| failed(&error))?;
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        if line.len() >= MAX_LINE_BYTES {
            let what = "read the value: the line is too long for a terminal, which may have cut it";
            return Err(Failure::new(ErrorKind::Usage, what, "pipe the value in"));
        }
        Ok(line)
    }
}

/// Reads up to a line ending, the end of input, or a length that is too large.
fn read_line(mut terminal: &File) -> io::Result<Zeroizing<Vec<u8>>> {
    // Never reallocated, which would leave a copy in memory.
    let mut line = Zeroizing::new(vec![0; 2 * MAX_LINE_BYTES]);
    let mut length = 0;
    while let Some(free) = line.get_mut(length..).filter(|free| !free.is_empty()) {
        match terminal.read(free) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if line.get(..length).is_some_and(|line| line.ends_with(b"\n")) {
            break;
        }
    }
    line.truncate(length);
    Ok(line)
}

fn failed(error: &io::Error) -> Failure {
    let what = format!("read the value: {TERMINAL}: {error}");
    Failure::new(ErrorKind::Usage, what, "pipe the value in, or redirect a file")
}

/// A terminal whose echo is off. Dropping this restores its settings.
struct EchoOff {
    terminal: Arc<File>,
    original: Termios,
    /// Whether a question was printed, whose line is not ended yet.
    is_asking: bool,
}

impl EchoOff {
    fn new(terminal: Arc<File>) -> io::Result<Self> {
        let original = tcgetattr(&terminal)?;
        let echo = Self { terminal, original, is_asking: false };
        echo.hide()?;
        Ok(echo)
    }

    fn hide(&self) -> io::Result<()> {
        let mut hidden = self.original.clone();
        hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL);
        hidden.local_modes.insert(LocalModes::ICANON | LocalModes::ISIG);
        // Input that was typed before was echoed.
        Ok(tcsetattr(&self.terminal, OptionalActions::Flush, &hidden)?)
    }

    fn restore(&self) -> io::Result<()> {
        // The rest of a text of several lines must not become the next command of the shell.
        Ok(tcsetattr(&self.terminal, OptionalActions::Flush, &self.original)?)
    }

    fn begin_line(&mut self, question: &str) -> io::Result<()> {
        self.is_asking = true;
        (&*self.terminal).write_all(question.as_bytes())
    }

    /// Ends the line of the question, because the user's line ending is not echoed either.
    fn end_line(&mut self) {
        if std::mem::take(&mut self.is_asking) {
            // A terminal that cannot be written to displays nothing anyway.
            let _ = (&*self.terminal).write_all(b"\n");
        }
    }

    /// Stops this process as SIGTSTP does by default, with the original settings.
    fn suspend(&mut self) -> io::Result<()> {
        self.end_line();
        // Without a shell with job control, nothing could continue this process.
        if getsid(None).is_ok_and(|session| session != getpgrp()) {
            self.restore()?;
            emulate_default_handler(SIGTSTP)?;
            self.hide()?;
        }
        Ok(())
    }
}

impl Drop for EchoOff {
    fn drop(&mut self) {
        // Fails only if the terminal is gone.
        let _ = self.restore();
        self.end_line();
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

    use super::*;

    /// Returns both ends of a pseudo-terminal.
    fn terminal() -> (File, Arc<File>) {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
        let main = openpt(flags).unwrap();
        grantpt(&main).unwrap();
        unlockpt(&main).unwrap();
        let other = ioctl_tiocgptpeer(&main, flags).unwrap();
        (main.into(), Arc::new(other.into()))
    }

    fn echoes(terminal: &File) -> bool {
        tcgetattr(terminal).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    #[test]
    fn echo_is_off_until_the_guard_is_dropped_or_a_panic_unwinds() {
        let (_main, terminal) = terminal();
        let echo = EchoOff::new(Arc::clone(&terminal)).unwrap();
        assert!(!echoes(&terminal));
        drop(echo);
        assert!(echoes(&terminal));
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _echo = EchoOff::new(Arc::clone(&terminal)).unwrap();
            panic!("while the echo is off");
        }));
        assert!(panicked.is_err() && echoes(&terminal));
    }

    #[test]
    fn line_is_read_up_to_its_ending_or_the_end_of_input() {
        let (mut main, terminal) = terminal();
        let echo = EchoOff::new(Arc::clone(&terminal)).unwrap();
        for (typed, expected) in [
            ("value\n", "value\n"),
            ("valuf\x7fe\n", "value\n"),
            ("value\x04\x04", "value"),
            ("\x04", ""),
        ] {
            main.write_all(typed.as_bytes()).unwrap();
            assert_eq!(*read_line(&terminal).unwrap(), expected.as_bytes(), "{typed:?}");
        }
        drop(echo);
    }
}
