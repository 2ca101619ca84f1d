//! What a virtual key is called within its folder.

use std::fmt;

use vault_kv::SecretPath;

use crate::error::Error;
use crate::name;

/// LiteLLM's name for a key that has no alias, before its token id.
const UNNAMED: &str = "virtual-key-";

/// The alias of a virtual key: one or more path segments, without the prefix of all keys.
///
/// Aliases that differ in case or Unicode form are different keys.
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
pub struct KeyAlias(String);

impl KeyAlias {
    /// The alias that a person gave the key.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) when it can't stand in a path.
    pub fn new(alias: &str) -> Result<Self, Error> {
        SecretPath::new(alias).map_err(|why| name::unusable("alias", alias, why))?;
        Ok(Self(alias.to_owned()))
    }

    /// The alias of a key that was given none: it is called by its token id, which is a hash, never
    /// the key itself.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) when it can't stand in a path.
    pub fn from_token_id(id: &str) -> Result<Self, Error> {
        SecretPath::new(id).map_err(|why| name::unusable("token id", id, why))?;
        Self::new(&format!("{UNNAMED}{id}"))
    }

    /// The alias as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyAlias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
