//! The key of a provider in one version of its secret.

use secrecy::{ExposeSecret as _, SecretString};
use vault_kv::Secret;

use crate::error::{Error, ErrorKind, convert};

/// The key of a provider in one version of its secret.
#[derive(Debug, Clone)]
pub struct StoredKey {
    /// The number of the version.
    pub version: u64,
    /// The key.
    pub value: SecretString,
}

impl StoredKey {
    /// Returns the key in a version.
    ///
    /// # Errors
    /// [`ErrorKind::StoredValue`] if the field is missing, empty or not a string.
    pub(super) fn of(secret: &Secret, field: &str, operation: &str) -> Result<Self, Error> {
        let version = secret.metadata.version;
        let failed = || format!("{operation}: version {version}");
        let value = secret.fields.text(field).map_err(|error| convert::field(failed(), error))?;
        if value.expose_secret().is_empty() {
            let what = format!("{}: the value is empty", failed());
            return Err(Error::new(ErrorKind::StoredValue, what).with_hint("store a key first"));
        }
        Ok(Self { version, value: value.clone() })
    }

    /// Returns whether this is the key.
    pub fn is(&self, key: &SecretString) -> bool {
        self.value.expose_secret() == key.expose_secret()
    }
}
