//! The token that each request carries, and the file that holds it.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use km_proxy_adapter::Kind;
use subtle::ConstantTimeEq as _;
use tracing::warn;
use zeroize::Zeroizing;

use super::listen::{Place, runtime_file};
use crate::args::Serve;
use crate::failure::Failure;

/// Where clients of Vault put it.
const VAULT_HEADER: &str = "x-vault-token";

/// Random bytes of a token that is made.
const RANDOM_BYTES: usize = 32;

/// Some orchestrators mount their secrets so, which is for who runs them to judge.
const READABLE_BY_OTHERS: u32 = 0o077;

/// More than any token.
const MAX_FILE_BYTES: u64 = 4096;

/// What is expected of a request.
#[derive(Debug)]
pub(super) enum Token {
    /// Nothing: who reaches us may ask.
    None,
    /// What this file held when it was last read.
    File(PathBuf, RwLock<Zeroizing<Vec<u8>>>),
}

impl Token {
    /// The token of these options. A Unix socket is guarded by its mode, unless a file is named.
    pub(super) fn load(place: &Place, args: &Serve) -> Result<Self, Failure> {
        let file = match (&args.token_file, place) {
            (Some(file), _) => file.clone(),
            (None, Place::Loopback(_)) if !args.danger_no_token => {
                runtime_file("km.token", "--token-file")?
            }
            (None, _) => return Ok(Self::None),
        };
        let token = read_or_make(&file).map_err(|error| {
            let what = format!("settings: --token-file {}: {error}", file.display());
            let hint = "name a file that holds a token, or one that can be made";
            Failure::new(Kind::Settings, what, hint)
        })?;
        Ok(Self::File(file, RwLock::new(token)))
    }

    /// The file, where there is one.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::None => None,
            Self::File(file, _) => Some(file),
        }
    }

    /// Reads the file again. One that can't be used leaves the last token in use.
    pub(super) fn reload(&self) -> io::Result<()> {
        if let Self::File(file, token) = self {
            let new = read(file)?;
            *token.write().unwrap_or_else(PoisonError::into_inner) = new;
        }
        Ok(())
    }

    /// Whether these headers carry it, in a time that doesn't tell how much of it was right.
    pub(super) fn is_in(&self, headers: &HeaderMap) -> bool {
        let Self::File(_, token) = self else {
            return true;
        };
        let token = token.read().unwrap_or_else(PoisonError::into_inner);
        let bearer = headers.get(AUTHORIZATION).and_then(|value| bearer(value.as_bytes()));
        let given = headers.get(VAULT_HEADER).map(http::HeaderValue::as_bytes);
        [given, bearer].into_iter().flatten().any(|given| given.ct_eq(&token).into())
    }
}

/// The credentials of the scheme `Bearer`, whose name is written in any case.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| rest.trim_ascii())
}

fn read_or_make(file: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let made = File::options().write(true).create_new(true).mode(0o600).open(file);
    let mut made = match made {
        Ok(made) => made,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return read(file),
        Err(error) => return Err(error),
    };
    let token = random()?;
    let written = made.write_all(&token).and_then(|()| made.write_all(b"\n"));
    if written.is_err() {
        // A token that is cut off would be no token.
        let _ = fs::remove_file(file);
    }
    written.map(|()| token)
}

fn random() -> io::Result<Zeroizing<Vec<u8>>> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut bytes = Zeroizing::new([0; RANDOM_BYTES]);
    getrandom::fill(bytes.as_mut()).map_err(io::Error::other)?;
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let text = digits.filter_map(|digit| DIGITS.get(usize::from(digit)).copied());
    let mut token = Zeroizing::new(Vec::with_capacity(2 * RANDOM_BYTES));
    token.extend(text);
    Ok(token)
}

fn read(file: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE_BYTES.try_into().unwrap_or(0)));
    let opened = File::open(file)?;
    if opened.metadata()?.mode() & READABLE_BY_OTHERS != 0 {
        warn!("others may read the token's file, {}: set its mode to 0600", file.display());
    }
    opened.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    let token = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let token = token.strip_suffix(b"\r").unwrap_or(token);
    if token.is_empty() || !token.iter().all(u8::is_ascii_graphic) {
        return Err(io::Error::other("it holds no token, which is printable and on one line"));
    }
    Ok(Zeroizing::new(token.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: &str, expected: bool) {
        let token = RwLock::new(Zeroizing::new(b"abc".to_vec()));
        let token = Token::File(PathBuf::new(), token);
        let mut headers = HeaderMap::new();
        let name: http::HeaderName = name.parse().unwrap();
        headers.insert(name, value.parse().unwrap());
        assert_eq!(token.is_in(&headers), expected, "{value}");
    }

    #[test]
    fn the_whole_token_and_nothing_else() {
        check("x-vault-token", "abc", true);
        check("authorization", "Bearer abc", true);
        check("authorization", "bearer  abc", true);
        for value in ["", "ab", "abcd", "ABC", "Bearer abc", "abc, abc"] {
            check("x-vault-token", value, false);
        }
        for value in ["abc", "Bearer", "Bearer ", "Bearer ab", "Basic abc", "Bearerabc"] {
            check("authorization", value, false);
        }
        check("x-other", "abc", false);
    }

    #[test]
    fn a_made_token_is_long_and_another_each_time() {
        let (one, two) = (random().unwrap(), random().unwrap());
        assert_eq!(one.len(), 64);
        assert_ne!(one, two);
    }
}
