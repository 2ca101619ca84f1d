//! Credentials: values, or files that are read at each login.
//!
//! A file that is temporarily unusable never replaces content that was valid. [`watch`] detects
//! changes of files without reading them.

mod file;
mod reader;
pub(crate) mod watch;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use vault_http::Error;

pub(crate) use file::{MAX_FILE_BYTES, warn_readable_by_others};
pub use reader::CredentialReader;
pub(crate) use reader::accept_any;

/// A secret that a login needs.
#[derive(Debug, Clone)]
pub enum Credential {
    /// The secret itself.
    Value(SecretString),
    /// A file that contains the secret. It is read at each login and may be replaced at any time.
    ///
    /// One trailing line ending is removed. If the file is empty, partially written or missing, its
    /// last valid content is used.
    File(PathBuf),
}

impl Credential {
    /// Reads the current secret. Blocks the thread on the file system.
    ///
    /// # Errors
    /// [`ErrorKind::LoginRefused`](vault_http::ErrorKind::LoginRefused) if the file cannot be read,
    /// is not a regular file, is empty, is larger than 64 KiB, is not UTF-8, or changes while it is
    /// read.
    pub fn read_blocking(&self) -> Result<SecretString, Error> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::File(path) => Ok(file::read_file(path)?.secret),
        }
    }

    /// Returns the path, if the credential is a file.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Value(_) => None,
            Self::File(path) => Some(path),
        }
    }
}
