//! Prints the number of each signal it receives, one line per delivery.
//!
//! The first line is `ready` and the process ID. The program exits after a minute, or when nothing
//! reads its output any more.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGCHLD, SIGFPE, SIGILL, SIGKILL, SIGSEGV, SIGSTOP};
use signal_hook::low_level::pipe;

/// Longer than any test that uses the program.
const ENDS_AFTER: Duration = Duration::from_secs(60);

/// The interval at which deliveries are collected. The handler itself counts them.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// Signals that cannot be caught, or that the tests do not send.
const NOT_CAUGHT: [i32; 6] = [SIGKILL, SIGSTOP, SIGILL, SIGFPE, SIGSEGV, SIGCHLD];

#[expect(clippy::disallowed_methods, reason = "not part of the product")]
fn main() -> io::Result<()> {
    let mut deliveries = Vec::new();
    for number in (1..=64).filter(|number| !NOT_CAUGHT.contains(number)) {
        let (received, handler) = UnixStream::pair()?;
        received.set_nonblocking(true)?;
        // The C library reserves the first real-time signals.
        if pipe::register(number, handler).is_ok() {
            deliveries.push((number, received));
        }
    }
    let mut output = io::stdout().lock();
    writeln!(output, "ready {}", std::process::id())?;
    let started = Instant::now();
    while started.elapsed() < ENDS_AFTER {
        for (number, received) in &mut deliveries {
            // One byte is one delivery.
            let mut bytes = [0; 16];
            for _ in 0..received.read(&mut bytes).unwrap_or(0) {
                writeln!(output, "{number}")?;
            }
        }
        output.flush()?;
        std::thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}
