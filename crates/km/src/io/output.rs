//! Writes the result of a command to stdout, which carries nothing else.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use km_proxy_adapter::ErrorKind;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use zeroize::Zeroizing;

use super::escape;
use super::secret_text::SecretText;
use super::styled::{Colors, Line};
use super::table::Table;
use crate::error::Failure;

/// Prints a value byte for byte, with a line ending only if stdout is a terminal.
pub(crate) fn value(value: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let ending = if stdout.is_terminal() { "\n" } else { "" };
    let written = stdout.write_all(value.as_bytes());
    let written = written.and_then(|()| stdout.write_all(ending.as_bytes()));
    check(written.and_then(|()| stdout.flush())).map(drop)
}

/// Prints the value of a secret like [`value`].
pub(crate) fn secret(secret: &SecretString) -> Result<(), Failure> {
    value(secret.expose_secret())
}

/// Prints text with secrets as it is.
pub(crate) fn secret_text(text: &SecretText) -> Result<(), Failure> {
    write(text.as_bytes()).map(drop)
}

/// Prints escaped lines.
pub(crate) fn lines<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> Result<(), Failure> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&escape::text(line.as_ref()));
        text.push('\n');
    }
    print(&text)
}

/// Prints rows of tab-separated columns. A tab within a column is escaped.
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

/// Whether text has reached what is connected to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    Completely,
    /// Nothing reads stdout any longer.
    Closed,
}

/// Returns lines as text.
pub(crate) fn rendered(lines: &[Line], colors: Colors) -> String {
    lines.iter().map(|line| line.render(colors, None) + "\n").collect()
}

/// Prints a table, in colors if stdout is a terminal.
pub(crate) fn table(table: Table) -> Result<(), Failure> {
    text(&rendered(&table.into_lines(), Colors::of_stdout())).map(drop)
}

/// Prints text that is escaped already.
pub(crate) fn text(text: &str) -> Result<Written, Failure> {
    write(text.as_bytes())
}

fn write(bytes: &[u8]) -> Result<Written, Failure> {
    let mut stdout = io::stdout().lock();
    check(stdout.write_all(bytes).and_then(|()| stdout.flush()))
}

fn print(escaped: &str) -> Result<(), Failure> {
    text(escaped).map(drop)
}

/// Prints one JSON document.
pub(crate) fn json(document: &impl Serialize) -> Result<(), Failure> {
    print(&json_line(document)?)
}

/// Returns one JSON document on a line.
pub(crate) fn json_line(document: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string(document).map_err(|error| not_json(&error))?;
    Ok(escape::json(&text).into_owned() + "\n")
}

/// Prints one JSON document that contains a secret, from memory that is zeroized.
pub(crate) fn secret_json(document: &impl Serialize) -> Result<(), Failure> {
    let bytes = km_proxy_adapter::json::to_vec(document).map_err(|error| not_json(&error))?;
    let text = str::from_utf8(&bytes).unwrap_or_default();
    match escape::json(text) {
        Cow::Borrowed(text) => print(text)?,
        Cow::Owned(text) => print(&Zeroizing::new(text))?,
    }
    print("\n")
}

fn not_json(error: &serde_json::Error) -> Failure {
    let what = format!("write the result as JSON: {error}");
    Failure::new(ErrorKind::Internal, what, "report this bug")
}

/// Ignores a closed pipe, whose reader has read enough. Any other error means that the result is
/// lost.
fn check(written: io::Result<()>) -> Result<Written, Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            ErrorKind::Unavailable,
            format!("write the result to stdout: {error}"),
            "check where stdout is redirected to",
        )),
        Err(_) => Ok(Written::Closed),
        Ok(()) => Ok(Written::Completely),
    }
}
