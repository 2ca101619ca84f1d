//! The path of a secret within a mount.

use std::fmt;

use vault_http::{ApiPath, PathError};

/// The path of a secret, or of a folder of secrets, within a mount.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretPath(ApiPath);

impl SecretPath {
    /// A path of one or more segments.
    ///
    /// # Errors
    /// [`PathError`] when `path` can't stand in a request.
    pub fn new(path: &str) -> Result<Self, PathError> {
        Ok(Self(ApiPath::parse(path)?))
    }

    /// `self/name`.
    ///
    /// # Errors
    /// [`PathError`] when `name` can't stand in a request.
    pub fn join(&self, name: &str) -> Result<Self, PathError> {
        Ok(Self(self.0.join(&ApiPath::parse(name)?)))
    }

    pub(crate) fn as_api_path(&self) -> &ApiPath {
        &self.0
    }

    /// The path as it was given.
    pub fn decoded(&self) -> String {
        self.0.decoded().into_owned()
    }
}

impl fmt::Display for SecretPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
