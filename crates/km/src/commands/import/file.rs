//! Reads and validates the file.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use km_proxy_adapter::file::{self, FileError};
use km_proxy_adapter::zeroizing::ZeroizingBytes;
use km_proxy_adapter::{ErrorKind, KeyManager, MAX_VALUE_BYTES};
use km_settings::is_reserved;
use tracing::warn;

use crate::cli::ImportArgs;
use crate::dotenv::{self, Entry, Problem};
use crate::error::Failure;
use crate::io::input;

/// The path that means stdin.
const STDIN: &str = "-";

/// The largest file, in bytes: 4 MiB.
const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;

/// Why a file above [`MAX_FILE_BYTES`] is not read.
const TOO_LARGE: &str = "larger than 4 MiB";

/// Reads the variables to import.
///
/// # Errors
///
/// `Usage` with every problem of the file, `Denied` if the access mode forbids writes.
pub(super) async fn read(keys: &KeyManager, args: &ImportArgs) -> Result<Vec<Entry>, Failure> {
    let content = content(&args.file).await?;
    let text = str::from_utf8(&content.bytes).map_err(|_| failed(&args.file, "not UTF-8"))?;
    let mut parsed = dotenv::parse(text);
    let absent = args.only.iter().filter(|name| !parsed.entries.iter().any(|e| e.name == **name));
    let absent = absent.map(|name| format!("no variable {name}, which --only names"));
    let absent: Vec<_> = absent.map(|why| failed(&args.file, &why)).collect();
    if !args.only.is_empty() {
        parsed.entries.retain(|entry| args.only.contains(&entry.name));
    }
    for entry in &parsed.entries {
        if let Some(why) = refused(keys, entry)? {
            let why = format!("{}: {why}", entry.name);
            parsed.problems.push(Problem { line: entry.line, why });
        }
    }
    parsed.problems.sort_by_key(|problem| problem.line);
    let lines = parsed.problems.iter().map(|Problem { line, why }| {
        let what = format!("import {}: line {line}: {why}", args.file.display());
        Failure::new(ErrorKind::Usage, what, "correct the line, or name other variables by --only")
    });
    if let Some(failure) = lines.chain(absent).reduce(Failure::and) {
        return Err(failure);
    }
    if content.readable_by_others {
        warn!(file = %args.file.display(), "other users can read this file (hint: chmod 600)");
    }
    Ok(parsed.entries)
}

/// Returns why a variable cannot be imported, if it cannot.
///
/// # Errors
///
/// `Denied` if no variable can, because the access mode forbids writes.
fn refused(keys: &KeyManager, entry: &Entry) -> Result<Option<String>, Failure> {
    let why = if entry.value.is_empty() {
        "the value is empty"
    } else if entry.value.len() > MAX_VALUE_BYTES {
        "the value is larger than 768 KiB"
    } else if is_reserved(&entry.name) {
        "a setting or a credential of km or a Vault client, which is not a secret of the gateway"
    } else {
        return match keys.check_write(&entry.name) {
            Ok(()) => Ok(None),
            Err(error) if error.kind() == ErrorKind::Denied => Err(error.into()),
            Err(error) => Ok(Some(error.message())),
        };
    };
    Ok(Some(why.to_owned()))
}

/// The content of the file, and whether other users can read it.
struct Content {
    bytes: ZeroizingBytes,
    readable_by_others: bool,
}

async fn content(path: &Path) -> Result<Content, Failure> {
    if path.as_os_str() == STDIN {
        let bytes = stdin().await.map_err(|error| failed(path, &error.to_string()))?;
        return Ok(Content { bytes, readable_by_others: false });
    }
    let read = file::read(path.to_owned(), MAX_FILE_BYTES).await.map_err(|error| match error {
        FileError::Io(why) => failed(path, &format!("cannot read the file: {why}")),
        FileError::TooLarge { .. } => failed(path, TOO_LARGE),
        other => failed(path, &other.to_string()),
    })?;
    Ok(Content { bytes: read.bytes, readable_by_others: read.readable_by_others })
}

async fn stdin() -> io::Result<ZeroizingBytes> {
    if io::stdin().is_terminal() {
        return Err(io::Error::other("stdin is a terminal, which would echo the values"));
    }
    // One byte beyond the limit shows that the input is too large.
    let bytes = input::stdin(MAX_FILE_BYTES + 1).await?;
    if bytes.len() > MAX_FILE_BYTES { Err(io::Error::other(TOO_LARGE)) } else { Ok(bytes) }
}

fn failed(path: &Path, why: &str) -> Failure {
    let what = format!("import {}: {why}", path.display());
    Failure::new(ErrorKind::Usage, what, "pass a .env file, or - for stdin")
}
