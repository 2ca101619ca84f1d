//! Fails a test whose secrets reach a log, an error or an output.
//!
//! [`secret`] creates values with a mark; Vault's tokens have one by nature. After the first
//! [`watch`], every event of every crate at `TRACE` is searched for the marks in all forms in which
//! a value can leak: plain, as the `Debug` of its bytes, in hexadecimal and in base64.

use std::error::Error;
use std::fmt::Debug;
use std::io;
use std::sync::{Mutex, Once, PoisonError};

use tracing_subscriber::EnvFilter;

use crate::unique::unique;

/// `PLANTED-` in its forms, and the prefixes of Vault's service and batch tokens.
const MARKS: [&str; 6] = [
    "PLANTED-",
    "80, 76, 65, 78, 84, 69, 68, 45",
    "504c414e5445442d",
    "UExBTlRFRC",
    "hvs.",
    "hvb.",
];

/// The number of lines that are kept for [`Watch::logged`].
const KEPT: usize = 100_000;

static LOG: Mutex<Log> = Mutex::new(Log { lines: Vec::new(), leaks: Vec::new() });

#[derive(Default)]
struct Log {
    lines: Vec<String>,
    leaks: Vec<String>,
}

/// Returns a unique value with the mark.
pub fn secret(name: &str) -> String {
    format!("PLANTED-{name}-{}", unique())
}

/// Returns the mark that occurs in `text`, if any.
pub fn mark_in(text: &str) -> Option<&'static str> {
    MARKS.into_iter().find(|mark| text.contains(mark))
}

/// Starts the capture, once per process. Dropping the guard fails the test if a secret was logged
/// since; a line that one test logs can fail several that run at the same time.
///
/// # Panics
/// The process has another global subscriber.
pub fn watch() -> Watch {
    static SUBSCRIBER: Once = Once::new();
    SUBSCRIBER.call_once(|| {
        let everything = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("trace"))
            .with_ansi(false)
            .with_writer(|| Line(Vec::new()));
        // This also captures the records of the `log` crate.
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
    /// Fails if `text`, described as `what`, contains a secret.
    ///
    /// # Panics
    /// It does.
    pub fn text(&self, what: &str, text: &str) {
        let mark = mark_in(text);
        assert!(mark.is_none(), "{what} holds a secret ({}…): {text}", mark.unwrap_or_default());
    }

    /// Fails if an error shows a secret in its `Display`, its `Debug` or those of its sources.
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

    /// Fails if the `Debug` of a value, plain or pretty, shows a secret.
    ///
    /// # Panics
    /// It does.
    pub fn debug(&self, value: &impl Debug) {
        self.text("a Debug output", &format!("{value:?} {value:#?}"));
    }

    /// Returns the lines with this text that any test of this process has logged.
    pub fn logged(&self, text: &str) -> Vec<String> {
        log(|log| log.lines.iter().filter(|line| line.contains(text)).cloned().collect())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let leaks = log(|log| log.leaks.get(self.leaks_before..).unwrap_or_default().to_vec());
        // A second panic would abort the process, and the test has failed already.
        assert!(leaks.is_empty() || std::thread::panicking(), "a secret was logged: {leaks:#?}");
    }
}

fn log<T>(look: impl FnOnce(&mut Log) -> T) -> T {
    look(&mut LOG.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The line of one event. It is complete when it is dropped.
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
