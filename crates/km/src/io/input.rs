//! Reads the value of a secret from stdin, because arguments are visible to other processes.

use std::io::{self, IsTerminal, Read};

use km_proxy_adapter::{ErrorKind, MAX_VALUE_BYTES};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::cli::ValueArgs;
use crate::error::Failure;

/// Reads the value of a secret from stdin.
///
/// # Errors
///
/// `Usage` if stdin is a terminal or cannot be read, or if the value is too large, not UTF-8, or
/// empty without `--allow-empty`.
pub(crate) async fn value(options: &ValueArgs) -> Result<SecretString, Failure> {
    if io::stdin().is_terminal() {
        return Err(Failure::new(
            ErrorKind::Usage,
            "read the value: stdin is a terminal, which would echo it",
            "pipe the value in, or redirect a file: km write NAME < FILE",
        ));
    }
    let read = tokio::task::spawn_blocking(read).await;
    let bytes = read.map_err(io::Error::other).and_then(|read| read).map_err(|error| {
        Failure::new(
            ErrorKind::Usage,
            format!("read the value: stdin: {error}"),
            "pipe the value in",
        )
    })?;
    text(&bytes, options)
}

fn read() -> io::Result<Zeroizing<Vec<u8>>> {
    // Enough for the largest value, a line ending and one excess byte, so that the buffer never
    // reallocates, which would leave a copy in memory.
    let limit = MAX_VALUE_BYTES + 3;
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit));
    io::stdin().lock().take(limit as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn text(bytes: &[u8], options: &ValueArgs) -> Result<SecretString, Failure> {
    let usage =
        |what: &str, hint: &str| Failure::new(ErrorKind::Usage, format!("the value {what}"), hint);
    let bytes = if options.raw { bytes } else { without_line_ending(bytes) };
    if bytes.len() > MAX_VALUE_BYTES {
        return Err(usage("is larger than 768 KiB", "store a smaller value"));
    }
    if bytes.is_empty() && !options.allow_empty {
        return Err(usage("is empty", "pass a value on stdin, or allow it with --allow-empty"));
    }
    let text = str::from_utf8(bytes)
        .map_err(|_| usage("is not UTF-8", "encode it as text, for example as base64"))?;
    Ok(text.into())
}

fn without_line_ending(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn check(bytes: &[u8], raw: bool, allow_empty: bool, expected: Option<&str>) {
        let actual = text(bytes, &ValueArgs { raw, allow_empty }).ok();
        assert_eq!(actual.as_ref().map(ExposeSecret::expose_secret), expected);
    }

    #[test]
    fn one_line_ending_is_dropped_unless_raw() {
        check(b"value\n", false, false, Some("value"));
        check(b"value\r\n", false, false, Some("value"));
        check(b"value\n\n", false, false, Some("value\n"));
        check(b" value ", false, false, Some(" value "));
        check(b"value\n", true, false, Some("value\n"));
    }

    #[test]
    fn empty_large_and_binary_values_are_rejected() {
        check(b"", false, false, None);
        check(b"\n", false, false, None);
        check(b"", false, true, Some(""));
        check(b"\xff", false, false, None);
        check(&vec![b'a'; MAX_VALUE_BYTES + 1], false, false, None);
        assert!(
            text(&vec![b'a'; MAX_VALUE_BYTES], &ValueArgs { raw: false, allow_empty: false })
                .is_ok()
        );
    }
}
