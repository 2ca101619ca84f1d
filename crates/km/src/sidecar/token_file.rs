//! The token that a command sends to the sidecar.
//!
//! The file follows the rules of credentials that this process reads: it may be a symbolic link to
//! a regular file, and a warning is logged if every user can read it. The stricter rules of the file
//! that authenticates others are those of `km serve`.

use std::path::PathBuf;

use http::HeaderValue;
use km_proxy_adapter::ErrorKind;
use km_proxy_adapter::file::{self, FileError};
use tracing::warn;

use crate::config::variable;
use crate::error::Failure;
use crate::io::input::without_line_ending;

const VARIABLE: &str = "KM_SERVE_TOKEN_FILE";

/// The largest file that is read, in bytes, as at `km serve`.
const MAX_FILE_BYTES: usize = 4096;

/// Returns the token in the file that `KM_SERVE_TOKEN_FILE` names, or `None` if it is not set.
///
/// # Errors
///
/// `Settings` if the file cannot be read or does not hold a token.
pub(super) async fn load() -> Result<Option<HeaderValue>, Failure> {
    let Some(path) = variable(VARIABLE)?.map(PathBuf::from) else {
        return Ok(None);
    };
    let failed = |why: &str| {
        let what = format!("settings: {VARIABLE} {}: {why}", path.display());
        Failure::new(ErrorKind::Settings, what, "set it to the --token-file of km serve")
    };
    let content = file::read(path.clone(), MAX_FILE_BYTES).await.map_err(|error| match error {
        FileError::Io(error) => failed(&error.to_string()),
        error => failed(&error.to_string()),
    })?;
    if content.readable_by_others {
        warn!(path = %path.display(), "{VARIABLE} is readable by every user; set its mode to 0600");
    }
    let token = parse(&content.bytes);
    token.map(Some).ok_or_else(|| failed("does not hold a token: one line of printable ASCII"))
}

/// Returns the value of the header that carries the token, without one trailing line ending.
fn parse(bytes: &[u8]) -> Option<HeaderValue> {
    let token = without_line_ending(bytes);
    if token.is_empty() || !token.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let mut value = HeaderValue::from_bytes(token).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_line_of_printable_ascii_is_a_token() {
        for (bytes, expected) in [
            (&b"0123456789abcdef"[..], Some("0123456789abcdef")),
            (b"0123456789abcdef\n", Some("0123456789abcdef")),
            (b"0123456789abcdef\r\n", Some("0123456789abcdef")),
            (b"", None),
            (b"\n", None),
            (b"one\ntwo\n", None),
            (b"one two", None),
            (b"one\0", None),
            ("cl\u{e9}".as_bytes(), None),
        ] {
            let token = parse(bytes);
            assert_eq!(token.as_ref().map(|token| token.to_str().unwrap()), expected, "{bytes:?}");
            assert!(token.is_none_or(|token| token.is_sensitive()));
        }
    }
}
