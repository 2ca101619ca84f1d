//! A credential together with its last valid content.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use secrecy::{ExposeSecret, SecretString};
use vault_http::{Error, ErrorKind};

use super::file::{Content, failed, read_file, warn_readable_by_others};
use super::last_valid::LastValid;
use super::watch::FileTask;
use super::{Credential, provider};

/// A credential that a login [`Method`](crate::Method) reads at each login.
///
/// It keeps the last valid content of a file or value of a provider, which is used while the file
/// is unusable or the provider fails.
#[derive(Debug)]
pub struct CredentialReader {
    credential: Credential,
    last_valid: LastValid<SecretString>,
    reading: FileTask<Result<Content, Error>>,
    /// Whether the warning about the mode of the file was logged.
    warned: AtomicBool,
}

impl CredentialReader {
    /// Creates a reader. Nothing is read yet.
    pub fn new(credential: Credential) -> Self {
        Self {
            credential,
            last_valid: LastValid::default(),
            reading: FileTask::default(),
            warned: AtomicBool::new(false),
        }
    }

    /// Returns the path, if the credential is a file, in the form that
    /// [`Method::files`](crate::Method::files) returns.
    pub fn file(&self) -> Option<PathBuf> {
        self.credential.file().map(Path::to_owned)
    }

    /// Reads the current secret, or returns the last valid one if the current one cannot be read or
    /// is not complete. Waits at most two seconds for the file system and five for a provider.
    ///
    /// `is_complete` should return `false` for text that is recognizably only a part of a secret.
    /// It is ignored for the first secret that is read.
    ///
    /// # Errors
    /// [`ErrorKind::LoginRefused`] if the credential cannot be read and never was, and
    /// [`ErrorKind::Timeout`] if its provider takes too long and never returned one.
    pub async fn read(&self, is_complete: fn(&str) -> bool) -> Result<SecretString, Error> {
        let read = self.read_now().await;
        self.last_valid.or_last(read, |secret| is_complete(secret.expose_secret()))
    }

    /// Like [`read`](Self::read), without leading and trailing white space, which is never part of
    /// a token or an ID.
    ///
    /// # Errors
    /// The errors of [`CredentialReader::read`].
    pub async fn read_trimmed(&self, is_complete: fn(&str) -> bool) -> Result<SecretString, Error> {
        Ok(self.read(is_complete).await?.expose_secret().trim().into())
    }

    async fn read_now(&self) -> Result<SecretString, Error> {
        let path = match &self.credential {
            Credential::Value(value) => return Ok(value.clone()),
            Credential::File(path) => path,
            Credential::Provider(provider) => {
                let secret = provider.obtain().await?;
                let is_empty = secret.expose_secret().trim().is_empty();
                let empty = || {
                    let error = provider::failed(ErrorKind::LoginRefused);
                    error.with_detail("the credential provider returned an empty credential")
                };
                return if is_empty { Err(empty()) } else { Ok(secret) };
            }
        };
        let file = path.clone();
        let content = self.reading.run(move || read_file(&file)).await;
        let content = content
            .unwrap_or_else(|| Err(failed(path, "timed out: the file system does not respond")))?;
        if content.readable_by_others && !self.warned.swap(true, Relaxed) {
            warn_readable_by_others(path);
        }
        Ok(content.secret)
    }
}

/// Accepts any text, because an incomplete ID or password cannot be recognized.
pub(crate) fn accept_any(_: &str) -> bool {
    true
}
