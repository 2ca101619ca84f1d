//! Where a credential comes from: a value, or a file that is read at each login.

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
    /// A file that holds it and may be replaced at any time: it is read at each login. One trailing
    /// line ending is dropped. While the file is empty, half written or gone, the last good content
    /// is used.
    File(PathBuf),
}

impl Credential {
    /// Reads the secret as it is now, on this thread, which waits for the file system.
    ///
    /// # Errors
    /// [`ErrorKind::LoginRefused`] if the file can't be read, or is not a regular file, empty, too large,
    /// not UTF-8, or being written.
    pub fn read_blocking(&self) -> Result<SecretString, Error> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::File(path) => Ok(file::read_file(path)?.secret),
        }
    }

    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Value(_) => None,
            Self::File(path) => Some(path),
        }
    }
}
