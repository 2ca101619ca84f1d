//! Reading a credential file, with bounds on its size and type.

use std::path::Path;

use secrecy::SecretString;
use vault_http::file::{self, FileError};
use vault_http::{Error, ErrorKind};

use super::watch::fingerprint;

use crate::log::warn;

/// The maximum size of a credential file in bytes. Tokens and certificates are much smaller.
pub(crate) const MAX_FILE_BYTES: usize = 64 * 1024;

/// Logs a warning that every user can read a credential file.
pub(crate) fn warn_readable_by_others(path: &Path) {
    let path = path.display();
    warn!(%path, "credential file is readable by every user; set its mode to 0600 or 0640");
}

/// The content of a credential file, and whether every user can read it.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) secret: SecretString,
    pub(super) readable_by_others: bool,
}

pub(super) fn failed(path: &Path, detail: &'static str) -> Error {
    Error::new(ErrorKind::LoginRefused, format!("read {}", path.display())).with_detail(detail)
}

/// Reads a credential file. Blocks the thread on the file system.
pub(super) fn read_file(path: &Path) -> Result<Content, Error> {
    let failed = |detail| failed(path, detail);
    let before = fingerprint(path);
    let content = file::read_blocking(path, MAX_FILE_BYTES).map_err(|error| match error {
        FileError::NotRegular => failed("the credential file is not a regular file"),
        FileError::TooLarge { .. } => failed("the credential file is larger than 64 KiB"),
        FileError::Io(error) => failed("the credential file cannot be read").with_source(error),
        other => failed("the credential file cannot be read").with_source(other),
    })?;
    if fingerprint(path) != before {
        return Err(failed("the credential file changed while it was read"));
    }
    let text = str::from_utf8(&content.bytes);
    let text = text.map_err(|_| failed("the credential file is not UTF-8"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(failed("the credential file is empty"));
    }
    Ok(Content { secret: text.into(), readable_by_others: content.readable_by_others })
}
