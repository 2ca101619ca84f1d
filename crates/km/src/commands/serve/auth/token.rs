//! The token that authenticates requests.
//!
//! It is compared in constant time. The rules of the file that holds it are in
//! [`super::token_file`].

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use km_proxy_adapter::ErrorKind;
use subtle::ConstantTimeEq as _;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::token_file::{self, TokenBytes};
use crate::cli::ServeArgs;
use crate::commands::serve::listener::address::ListenAddress;
use crate::error::Failure;
use crate::sidecar::address::runtime_file;

/// The header in which clients of Vault send a token.
const VAULT_HEADER: &str = "x-vault-token";

/// The time limit for the file system, because a network file system may hang.
const FILE_TIMEOUT: Duration = Duration::from_secs(2);

/// The token that a request has to carry.
#[derive(Debug)]
pub(crate) enum Token {
    /// No token: every request is served.
    None,
    /// The token in this file when it was last read.
    File(PathBuf, RwLock<TokenBytes>),
}

impl Token {
    /// Loads or creates the token that these options select.
    ///
    /// A Unix socket is protected by its mode, so that a token is needed only if a file is named.
    pub(crate) async fn load(address: &ListenAddress, args: &ServeArgs) -> Result<Self, Failure> {
        let file = match (&args.token_file, address) {
            (Some(file), _) => file.clone(),
            (None, ListenAddress::Loopback(_)) if !args.danger_no_token => {
                runtime_file("km.token", "--token-file")?
            }
            (None, _) => return Ok(Self::None),
        };
        let token = with_timeout(token_file::load_or_create, &file).await.map_err(|error| {
            let what = format!("settings: --token-file {}: {error}", file.display());
            let hint = "use a regular file with mode 0600 and a token of at least 16 bytes, or a \
                        new file, in a directory that only you can write to";
            Failure::new(ErrorKind::Settings, what, hint)
        })?;
        Ok(Self::File(file, RwLock::new(token)))
    }

    /// Returns the path of the file, if there is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::None => None,
            Self::File(file, _) => Some(file),
        }
    }

    /// Reads the file again.
    ///
    /// # Errors
    ///
    /// The current token stays in use if the file cannot be read or does not hold a token.
    pub(crate) async fn reload(&self) -> io::Result<()> {
        if let Self::File(file, token) = self {
            let new = with_timeout(token_file::load, file).await?;
            *token.write().unwrap_or_else(PoisonError::into_inner) = new;
        }
        Ok(())
    }

    /// Returns whether the headers carry the token.
    pub(crate) fn is_in(&self, headers: &HeaderMap) -> bool {
        let Self::File(_, token) = self else {
            return true;
        };
        let token = token.read().unwrap_or_else(PoisonError::into_inner);
        let bearer = headers.get(AUTHORIZATION).and_then(|value| bearer(value.as_bytes()));
        let vault = headers.get(VAULT_HEADER).map(http::HeaderValue::as_bytes);
        [vault, bearer].into_iter().flatten().any(|sent| sent.ct_eq(&token).into())
    }
}

/// Calls `operation` on a blocking thread, for [`FILE_TIMEOUT`] at most.
async fn with_timeout(
    operation: fn(&Path) -> io::Result<TokenBytes>,
    file: &Path,
) -> io::Result<TokenBytes> {
    let file = file.to_owned();
    let task = spawn_blocking(move || operation(&file));
    timeout(FILE_TIMEOUT, task).await.map_err(io::Error::from)?.map_err(io::Error::other)?
}

/// Returns the credentials of the `Bearer` scheme, whose name is case-insensitive.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| rest.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: &str, expected: bool) {
        let token = RwLock::new(b"abc".to_vec().into());
        let token = Token::File(PathBuf::new(), token);
        let mut headers = HeaderMap::new();
        let name: http::HeaderName = name.parse().unwrap();
        headers.insert(name, value.parse().unwrap());
        assert_eq!(token.is_in(&headers), expected, "{value}");
    }

    #[test]
    fn only_the_whole_token_in_a_known_header_is_accepted() {
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
}
