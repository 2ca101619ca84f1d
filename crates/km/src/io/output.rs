//! What stands on stdout: the result, and nothing else.

use std::io::{self, IsTerminal, Write};

use km_proxy_adapter::ErrorKind;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::error::Failure;
use crate::io::escape;

/// A value, byte for byte; with a line ending only on a terminal.
pub(crate) fn value(value: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let ending = if stdout.is_terminal() { "\n" } else { "" };
    let written = stdout.write_all(value.as_bytes());
    check(written.and_then(|()| stdout.write_all(ending.as_bytes())).and_then(|()| stdout.flush()))
}

/// The value of a secret.
pub(crate) fn secret(secret: &SecretString) -> Result<(), Failure> {
    value(secret.expose_secret())
}

/// Lines of text for people.
pub(crate) fn lines<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> Result<(), Failure> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&escape::text(line.as_ref()));
        text.push('\n');
    }
    print(&text)
}

/// Rows of columns for people and scripts, with a tab between the columns and in none of them.
pub(crate) fn rows<T: AsRef<str>>(
    rows: impl IntoIterator<Item = impl IntoIterator<Item = T>>,
) -> Result<(), Failure> {
    let mut text = String::new();
    for row in rows {
        let columns: Vec<_> =
            row.into_iter().map(|column| escape::text(column.as_ref()).into_owned()).collect();
        text.push_str(&columns.join("\t"));
        text.push('\n');
    }
    print(&text)
}

fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    check(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// One JSON document.
pub(crate) fn json(document: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(document).map_err(|error| {
        Failure::new(
            ErrorKind::Internal,
            format!("write the result as JSON: {error}"),
            "report this",
        )
    })?;
    print(&(escape::json(&text).into_owned() + "\n"))
}

/// A reader that went away has what it wanted; anything else means that the result is lost.
fn check(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            ErrorKind::Unavailable,
            format!("write the result to stdout: {error}"),
            "see where stdout goes",
        )),
        _ => Ok(()),
    }
}
