//! Environment variables.

use std::ffi::OsString;

/// Looks a variable up in the environment of the process.
#[expect(clippy::disallowed_methods, reason = "the caller asks for the environment")]
pub(crate) fn of_the_process(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}
