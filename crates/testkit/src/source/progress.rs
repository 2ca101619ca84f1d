//! Progress messages while a server is made available, which can take minutes.

use std::io::Write as _;

/// Prints a line to stderr. It does not go through the test's captured output, which is printed too
/// late.
pub(crate) fn report(text: &str) {
    // A closed stderr must not fail a test.
    let _ = writeln!(std::io::stderr(), "[server] {text}");
}
