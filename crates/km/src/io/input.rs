//! Reads the value of a secret from stdin or the terminal, because arguments are visible to other
//! processes.

use std::io::{self, IsTerminal, Read};

use km_proxy_adapter::zeroizing::ZeroizingBytes;
use km_proxy_adapter::{ErrorKind, MAX_VALUE_BYTES};
use secrecy::SecretString;

use super::escape;
use super::prompt::Prompt;
use crate::cli::ValueArgs;
use crate::error::Failure;

/// Reads the value of a secret from stdin. If that is a terminal, asks for the value of `name`
/// twice, without echo.
///
/// # Errors
///
/// `Usage` if it cannot be read, if the two entries differ, or if the value is too large, not UTF-8,
/// or empty without `--allow-empty`. Also if stdin is a terminal and the caller is a program, which
/// `json` means.
pub(crate) async fn value(
    options: &ValueArgs,
    name: &str,
    json: bool,
) -> Result<SecretString, Failure> {
    if io::stdin().is_terminal() {
        if json {
            let what = "read the value: stdin is a terminal, and --json does not prompt";
            return Err(usage(what, "pipe the value in, or redirect a file: km write NAME < FILE"));
        }
        return entered(options, name).await;
    }
    // Enough for the largest value, a line ending and one excess byte.
    let bytes = stdin(MAX_VALUE_BYTES + 3)
        .await
        .map_err(|error| usage(&format!("read the value: stdin: {error}"), "pipe the value in"))?;
    text(&bytes, options)
}

/// Asks for a value twice, because a typing error in it would not be seen.
async fn entered(options: &ValueArgs, name: &str) -> Result<SecretString, Failure> {
    let mut prompt = Prompt::open()?;
    let value = prompt.ask(&format!("Value of {}: ", escape::text(name))).await?;
    // Arrow keys and other editing keys would become part of the value.
    if value.iter().any(u8::is_ascii_control) {
        return Err(usage("the value contains a control character", "pipe the value in"));
    }
    let text = text(&value, options)?;
    if *prompt.ask("Repeat the value: ").await? != *value {
        let hint = "run the command again; pipe in a value of several lines";
        return Err(usage("read the value: the two entries differ", hint));
    }
    Ok(text)
}

/// Reads at most `limit` bytes from stdin.
pub(crate) async fn stdin(limit: usize) -> io::Result<ZeroizingBytes> {
    let read = move || {
        // Never reallocated, which would leave a copy in memory.
        let mut bytes = ZeroizingBytes::new(Vec::with_capacity(limit));
        io::stdin().lock().take(limit as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    tokio::task::spawn_blocking(read).await.map_err(io::Error::other).flatten()
}

fn text(bytes: &[u8], options: &ValueArgs) -> Result<SecretString, Failure> {
    let bytes = if options.raw { bytes } else { without_line_ending(bytes) };
    if bytes.len() > MAX_VALUE_BYTES {
        return Err(usage("the value is larger than 768 KiB", "store a smaller value"));
    }
    if bytes.is_empty() && !options.allow_empty {
        return Err(usage("the value is empty", "pass a value, or allow it with --allow-empty"));
    }
    let text = str::from_utf8(bytes)
        .map_err(|_| usage("the value is not UTF-8", "encode it as text, for example as base64"))?;
    Ok(text.into())
}

fn usage(what: &str, hint: &str) -> Failure {
    Failure::new(ErrorKind::Usage, what, hint)
}

/// Removes one trailing line ending.
pub(crate) fn without_line_ending(bytes: &[u8]) -> &[u8] {
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
