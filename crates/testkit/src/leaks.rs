//! Fails a test whose secrets reach a log, an error or an output.
//!
//! [`secret`] makes values that carry a mark; Vault's tokens carry one by nature. From the first
//! [`watch`] on, every event of every crate at `TRACE` is searched for marks, in the forms in which
//! a value slips out: as it is, as the `Debug` of its bytes, in hexadecimal, in base64.

use std::error::Error;
use std::fmt::Debug;
use std::io;
use std::sync::{Mutex, Once, PoisonError};

use tracing_subscriber::EnvFilter;

use crate::unique::unique;

/// `PLANTED-` in its forms, and the heads of Vault's service and batch tokens.
const MARKS: [&str; 6] = [
    "PLANTED-",
    "80, 76, 65, 78, 84, 69, 68, 45",
    "504c414e5445442d",
    "UExBTlRFRC",
    "hvs.",
    "hvb.",
];

/// Lines kept for [`Watch::logged`].
const KEPT: usize = 100_000;

static LOG: Mutex<Log> = Mutex::new(Log { lines: Vec::new(), leaks: Vec::new() });

#[derive(Default)]
struct Log {
    lines: Vec<String>,
    leaks: Vec<String>,
}

/// A value that must not be seen: recognisable wherever it appears, and nobody else's.
pub fn secret(name: &str) -> String {
    format!("PLANTED-{name}-{}", unique())
}

/// The mark that stands in a text, if any does.
pub fn mark_in(text: &str) -> Option<&'static str> {
    MARKS.into_iter().find(|mark| text.contains(mark))
}

/// Starts watching (once for the process). The guard fails the test that drops it when a secret
/// was logged meanwhile, by whomever: tests that run beside it may be told of the same line.
///
/// # Panics
/// The process has a global subscriber already: it could not be watched, and must know.
pub fn watch() -> Watch {
    static SUBSCRIBER: Once = Once::new();
    SUBSCRIBER.call_once(|| {
        let everything = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("trace"))
            .with_ansi(false)
            .with_writer(|| Line(Vec::new()));
        // Takes the records of the `log` crate in too.
        everything.init();
    });
    Watch { leaks_before: log(|log| log.leaks.len()) }
}

/// The guard of [`watch`].
#[derive(Debug)]
#[must_use = "it checks when it is dropped"]
pub struct Watch {
    leaks_before: usize,
}

impl Watch {
    /// Fails when the text, named `what`, holds a secret.
    ///
    /// # Panics
    /// It does.
    pub fn text(&self, what: &str, text: &str) {
        let mark = mark_in(text);
        assert!(mark.is_none(), "{what} holds a secret ({}…): {text}", mark.unwrap_or_default());
    }

    /// Fails when an error shows a secret: its `Display`, its `Debug`, and those of its sources.
    ///
    /// # Panics
    /// It does.
    pub fn error(&self, error: &(dyn Error + 'static)) {
        let mut next = Some(error);
        while let Some(error) = next {
            self.text("an error", &format!("{error} {error:?}"));
            next = error.source();
        }
    }

    /// Fails when a value's `Debug`, plain or pretty, shows a secret.
    ///
    /// # Panics
    /// It does.
    pub fn debug(&self, value: &impl Debug) {
        self.text("a Debug output", &format!("{value:?} {value:#?}"));
    }

    /// The lines logged so far, by all tests of this process, that contain the text.
    pub fn logged(&self, text: &str) -> Vec<String> {
        log(|log| log.lines.iter().filter(|line| line.contains(text)).cloned().collect())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let leaks = log(|log| log.leaks.get(self.leaks_before..).unwrap_or_default().to_vec());
        // A test that fails already says why; a second panic would end the process.
        assert!(leaks.is_empty() || std::thread::panicking(), "a secret was logged: {leaks:#?}");
    }
}

fn log<T>(look: impl FnOnce(&mut Log) -> T) -> T {
    look(&mut LOG.lock().unwrap_or_else(PoisonError::into_inner))
}

/// One event's line: complete when it is dropped.
struct Line(Vec<u8>);

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let line = String::from_utf8_lossy(&self.0).into_owned();
        log(|log| log.take(line));
    }
}

impl Log {
    fn take(&mut self, line: String) {
        if mark_in(&line).is_some() {
            self.leaks.push(line.clone());
        }
        if self.lines.len() < KEPT {
            self.lines.push(line);
        }
    }
}
