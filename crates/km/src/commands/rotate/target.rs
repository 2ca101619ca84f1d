//! The places that must show a key: sidecars, and the files of `km sync`.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use km_proxy_adapter::file::{self, FileError};
use km_proxy_adapter::{ErrorKind, MAX_VALUE_BYTES, StoredKey};
use secrecy::ExposeSecret as _;

use crate::cli::RotateArgs;
use crate::commands::files::file_name;
use crate::error::Failure;
use crate::sidecar::Sidecar;
use crate::sidecar::secret::{SecretDocument, refreshed_path};

/// A place that must show a key.
#[derive(Debug)]
pub(super) enum Target {
    /// A sidecar, and its address.
    Sidecar(Sidecar, String),
    /// The file of the secret.
    File(PathBuf),
}

/// What a target shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// The expected key.
    Expected,
    /// Something else, for this reason.
    Other(String),
}

impl Target {
    /// Returns the targets of the options. Nothing is sent.
    ///
    /// # Errors
    ///
    /// `Usage` or `Settings` if an address or the file of the token is not valid.
    pub(super) async fn all(args: &RotateArgs) -> Result<Vec<Self>, Failure> {
        let mut targets = Vec::new();
        for address in &args.sidecars {
            targets.push(Self::Sidecar(Sidecar::at(address, "--sidecar").await?, address.clone()));
        }
        for directory in &args.files {
            targets.push(Self::File(directory.join(file_name(&args.name)?)));
        }
        Ok(targets)
    }

    /// Compares what the target shows with a key. A sidecar reads the secret from Vault first.
    ///
    /// # Errors
    ///
    /// A failure that does not pass by itself, such as a wrong token.
    pub(super) async fn check(&self, name: &str, key: &StoredKey) -> Result<Shown, Failure> {
        match self {
            Self::Sidecar(sidecar, _) => match sidecar.get(&refreshed_path(name)).await {
                Ok(document) => Ok(served(&document, key)),
                Err(failure) => self.of_sidecar(failure),
            },
            Self::File(path) => self.of_file(path, key).await,
        }
    }

    fn of_sidecar(&self, failure: Failure) -> Result<Shown, Failure> {
        let message = failure.problems().map(|(message, _)| message).collect::<Vec<_>>().join("; ");
        if failure.kind() == ErrorKind::Unavailable {
            return Ok(Shown::Other(message));
        }
        let hint = "check --sidecar, KM_SERVE_TOKEN_FILE and the settings of that km serve";
        Err(Failure::new(failure.kind(), format!("{self}: {message}"), hint))
    }

    async fn of_file(&self, path: &Path, key: &StoredKey) -> Result<Shown, Failure> {
        match file::read(path.to_owned(), MAX_VALUE_BYTES).await {
            Ok(content) if *content.bytes == *key.value.expose_secret().as_bytes() => {
                Ok(Shown::Expected)
            }
            Ok(_) | Err(FileError::TooLarge { .. }) => {
                Ok(Shown::Other(format!("not the key of version {}", key.version)))
            }
            Err(FileError::Io(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
                let hint = "run km as a user that may read the files of km sync";
                Err(Failure::new(ErrorKind::Denied, format!("{self}: {error}"), hint))
            }
            Err(FileError::Io(error)) => Ok(Shown::Other(error.to_string())),
            Err(error) => Ok(Shown::Other(error.to_string())),
        }
    }
}

/// Compares what a sidecar serves. The value is compared too, because a sidecar of another location
/// has versions with the same numbers.
fn served(document: &SecretDocument, key: &StoredKey) -> Shown {
    match document.version {
        Some(version) if version == key.version && key.is(&document.value) => Shown::Expected,
        Some(version) if version == key.version => {
            Shown::Other(format!("version {version} has another value: it is another location's"))
        }
        Some(version) => {
            let why = document.refresh_error.as_ref().map(|error| format!(": {}", error.message));
            let why = why.unwrap_or_default();
            Shown::Other(format!("version {version} instead of {}{why}", key.version))
        }
        None => Shown::Other("the value is not from Vault".to_owned()),
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sidecar(_, address) => write!(f, "sidecar {address}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sidecar_shows_a_key_by_its_version_and_its_value() {
        let key = StoredKey { version: 5, value: "new".into() };
        for (version, value, expected) in [
            (Some(5), "new", true),
            (Some(5), "other", false),
            (Some(4), "old", false),
            // The same value before it was stored.
            (Some(4), "new", false),
            (Some(6), "newer", false),
            (None, "new", false),
        ] {
            let document = SecretDocument { value: value.into(), version, refresh_error: None };
            let shown = served(&document, &key);
            assert_eq!(shown == Shown::Expected, expected, "{version:?} {value}");
        }
    }
}
