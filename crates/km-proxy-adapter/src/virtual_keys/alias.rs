//! The name of a virtual key within its folder.

use std::fmt;

use vault_kv::SecretPath;

use crate::error::Error;
use crate::name;

/// The prefix of LiteLLM's name for a key without an alias, followed by the key's token id.
const UNNAMED_PREFIX: &str = "virtual-key-";

/// The alias of a virtual key: one or more path segments, without the prefix of all keys.
///
/// Aliases that differ in case or Unicode normalization are different keys.
///
/// ```
/// use km_proxy_adapter::KeyAlias;
///
/// assert_eq!(KeyAlias::new("search-team")?.as_str(), "search-team");
/// assert_eq!(KeyAlias::from_token_id("88dc28d0")?.as_str(), "virtual-key-88dc28d0");
/// assert!(KeyAlias::new("../search-team").is_err());
/// # Ok::<(), km_proxy_adapter::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyAlias {
    text: String,
    path: SecretPath,
}

impl KeyAlias {
    /// Creates an alias from its text.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if it is not a valid path.
    pub fn new(alias: &str) -> Result<Self, Error> {
        let path = SecretPath::new(alias).map_err(|why| name::invalid("alias", alias, &why))?;
        Ok(Self { text: alias.to_owned(), path })
    }

    /// Creates the alias of a key without one, from its token id. The id is a hash of the key,
    /// never the key itself.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if it is not a valid path.
    pub fn from_token_id(id: &str) -> Result<Self, Error> {
        SecretPath::new(id).map_err(|why| name::invalid("token id", id, &why))?;
        Self::new(&format!("{UNNAMED_PREFIX}{id}"))
    }

    /// Returns the alias as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the path of the key below the folder of keys.
    pub(super) fn path(&self) -> &SecretPath {
        &self.path
    }
}

impl fmt::Display for KeyAlias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
