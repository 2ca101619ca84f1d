//! The path of a secret within a mount, valid by construction.

use std::fmt;

use vault_http::{ApiPath, PathError};

/// The path of a secret, or of a folder of secrets, within a mount.
///
/// Joining a name never leaves the path, and different names never denote the same secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretPath(ApiPath);

impl SecretPath {
    /// Creates a path of one or more segments.
    ///
    /// # Errors
    /// [`PathError`] if `path` is not a valid path.
    pub fn new(path: &str) -> Result<Self, PathError> {
        Ok(Self(ApiPath::parse(path)?))
    }

    /// Returns `{self}/{name}`.
    ///
    /// # Errors
    /// [`PathError`] if `name` is not a valid path.
    pub fn join(&self, name: &str) -> Result<Self, PathError> {
        Ok(Self(self.0.join(&ApiPath::parse(name)?)))
    }

    /// Returns `self/tail`. Unlike [`join`](Self::join) it parses nothing.
    #[must_use]
    pub fn join_path(&self, tail: &Self) -> Self {
        Self(self.0.join(&tail.0))
    }

    pub(crate) fn as_api_path(&self) -> &ApiPath {
        &self.0
    }

    /// Returns the path as it was given, without percent-encoding.
    pub fn decoded(&self) -> String {
        self.0.decoded().into_owned()
    }
}

impl fmt::Display for SecretPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
