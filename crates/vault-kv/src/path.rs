//! The path of a secret within a mount, valid by construction.

use std::fmt;
use std::str::FromStr;

use vault_http::{ApiPath, PathError};

/// The path of a secret, or of a folder of secrets, within a mount.
///
/// Joining a name never leaves the path, and different names never denote the same secret. So a
/// path neither begins nor ends with a slash: `app/` would be a second spelling of `app`. A listing
/// marks folders by [`ListEntry::is_folder`](crate::ListEntry::is_folder) instead.
///
/// ```
/// use vault_kv::SecretPath;
///
/// let path: SecretPath = "app/database".parse()?;
/// assert_eq!(path, SecretPath::new("app")?.join("database")?);
/// assert!(SecretPath::new("app/").is_err());
/// # Ok::<(), vault_http::PathError>(())
/// ```
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

/// Like [`SecretPath::new`].
impl FromStr for SecretPath {
    type Err = PathError;

    fn from_str(path: &str) -> Result<Self, PathError> {
        Self::new(path)
    }
}

/// Like [`SecretPath::new`].
impl TryFrom<&str> for SecretPath {
    type Error = PathError;

    fn try_from(path: &str) -> Result<Self, PathError> {
        Self::new(path)
    }
}

/// Displays the path as it is sent, percent-encoded. [`decoded`](Self::decoded) returns the text
/// that can be parsed again.
impl fmt::Display for SecretPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
