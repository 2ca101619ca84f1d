//! A credential that is read at each login.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use tracing::warn;
use vault_http::{Error, ErrorKind};

use super::Credential;
use super::file::{Content, failed, read_file, warn_readable_by_others};
use super::watch::FileTask;

/// A credential and its last good content, which a method reads at each login.
#[derive(Debug)]
pub struct CredentialReader {
    credential: Credential,
    last_valid: Mutex<Option<SecretString>>,
    reading: FileTask<Result<Content, Error>>,
    /// Whether the warning about the file's mode was logged.
    warned: AtomicBool,
}

impl CredentialReader {
    /// A credential that is not read yet.
    pub fn new(credential: Credential) -> Self {
        let (last, reading, warned) = <_>::default();
        Self { credential, last_valid: last, reading, warned }
    }

    /// The file, if it is one, in the form that [`Method::files`](crate::Method::files) returns.
    pub fn file(&self) -> Option<PathBuf> {
        self.credential.file().map(Path::to_owned)
    }

    /// Returns the secret as it is now, if it `is_whole`; otherwise as it was when it last was. Waits
    /// two seconds for the file system at most.
    ///
    /// # Errors
    /// [`ErrorKind::LoginRefused`] if there is no good content yet.
    pub async fn read(&self, is_complete: fn(&str) -> bool) -> Result<SecretString, Error> {
        let read = self.read_now().await;
        let mut last = self.last_valid.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(secret) if is_complete(secret.expose_secret()) || last.is_none() => {
                *last = Some(secret.clone());
                Ok(secret)
            }
            Ok(_) => {
                last.clone().ok_or_else(|| Error::new(ErrorKind::LoginRefused, "read a credential"))
            }
            Err(error) => {
                let last = last.clone().ok_or_else(|| error.clone())?;
                warn!(%error, "using the last good content of a credential");
                Ok(last)
            }
        }
    }

    /// Like [`read`](Self::read), without the white space around the secret, which is not part of a
    /// token or an ID.
    ///
    /// # Errors
    /// As [`CredentialReader::read`].
    pub async fn read_trimmed(&self, is_complete: fn(&str) -> bool) -> Result<SecretString, Error> {
        Ok(self.read(is_complete).await?.expose_secret().trim().into())
    }

    async fn read_now(&self) -> Result<SecretString, Error> {
        let path = match &self.credential {
            Credential::Value(value) => return Ok(value.clone()),
            Credential::File(path) => path,
        };
        let file = path.clone();
        let content = self.reading.run(move || read_file(&file)).await;
        let content = content.unwrap_or_else(|| {
            Err(failed(path, "timed out: the credential's file system does not respond"))
        })?;
        if content.readable_by_others && !self.warned.swap(true, Relaxed) {
            warn_readable_by_others(path);
        }
        Ok(content.secret)
    }
}

/// Any text: of an id or a password nobody can tell that a part is missing.
pub(crate) fn accept_any(_: &str) -> bool {
    true
}
