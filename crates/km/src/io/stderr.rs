//! Unbuffered writes to stderr that never fail.

use std::io::{self, Write as _};

use super::progress;

/// Writes to stderr. A closed stderr is ignored because the exit code reports the outcome as well.
pub(crate) fn write(text: &str) {
    let _ = progress::suspend(|| io::stderr().lock().write_all(text.as_bytes()));
}
