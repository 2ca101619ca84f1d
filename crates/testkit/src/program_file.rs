//! Programs that tests create and run.
//!
//! Another process writes them. A file that this process has open for writing may also be open in a
//! child that another thread is starting, and running it would fail with `Text file busy`.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

/// Copies a program, which every user may run.
///
/// # Errors
/// It cannot be copied.
pub fn copy_program(from: &Path, to: &Path) -> io::Result<()> {
    let status = Command::new("install").args(["-m", "755"]).args([from, to]).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("install: {status}"))) }
}

/// Writes a script, which every user may run. Its text remains beside it, with the extension
/// `source`.
///
/// # Errors
/// It cannot be written.
pub fn write_program(path: &Path, script: &str) -> io::Result<()> {
    let source = path.with_extension("source");
    fs::write(&source, script)?;
    copy_program(&source, path)
}
