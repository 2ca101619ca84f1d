//! Credentials: values, files that are read at each login, or functions that are called at each.
//!
//! A file that is temporarily unusable never replaces content that was valid, and a function that
//! fails never replaces a value. [`watch`] detects changes of files without reading them.

mod file;
pub(crate) mod last_valid;
mod provider;
mod reader;
pub(crate) mod variable;
pub(crate) mod watch;

#[cfg(test)]
mod tests;

use std::error::Error as StdError;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use vault_http::{Error, ErrorKind};

pub(crate) use file::{MAX_FILE_BYTES, warn_readable_by_others};
pub use provider::Provider;
pub use reader::CredentialReader;
pub(crate) use reader::accept_any;

/// A secret that a login needs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Credential {
    /// The secret itself.
    Value(SecretString),
    /// A file that contains the secret. It is read at each login and may be replaced at any time.
    ///
    /// One trailing line ending is removed. If the file is empty, partially written or missing, its
    /// last valid content is used.
    File(PathBuf),
    /// A function that obtains the secret at each login.
    Provider(Provider<SecretString>),
}

impl Credential {
    /// Returns a credential that an async function obtains at each login, for example from the
    /// metadata service of a cloud.
    ///
    /// ```
    /// use vault_auth::{Credential, Jwt};
    /// # async fn fetch_identity_token() -> std::io::Result<String> { Ok(String::new()) }
    ///
    /// let token = Credential::provider(|| async { fetch_identity_token().await.map(Into::into) });
    /// let method = Jwt::new("gateway", token);
    /// ```
    ///
    /// It has five seconds. [`Provider`] describes what happens if it fails.
    pub fn provider<F, R, E>(obtain: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<SecretString, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        Self::Provider(Provider::new(obtain))
    }

    /// Reads the current secret. Blocks the thread on the file system.
    ///
    /// # Errors
    /// [`ErrorKind::LoginRefused`](vault_http::ErrorKind::LoginRefused) if the file cannot be read,
    /// is not a regular file, is empty, is larger than 64 KiB, is not UTF-8, or changes while it is
    /// read. The same for a [provider](Self::provider), which only a login calls.
    pub fn read_blocking(&self) -> Result<SecretString, Error> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::File(path) => Ok(file::read_file(path)?.secret),
            Self::Provider(_) => Err(provider::failed(ErrorKind::LoginRefused)
                .with_detail("a credential provider is only called at a login")),
        }
    }

    /// Returns the path, if the credential is a file.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Value(_) | Self::Provider(_) => None,
            Self::File(path) => Some(path),
        }
    }
}
