//! What stands behind an error, finer than its kind: for who has to say it in Vault's own words.

use std::error::Error as _;

use vault_http::ErrorKind as Http;
use vault_kv::{ErrorKind as Stored, VersionMetadata};

use crate::error::Error;

/// What Vault said, where it said something of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason<'a> {
    /// Nothing was ever stored there.
    Missing,
    /// The version is deleted or destroyed.
    Gone(&'a VersionMetadata),
    /// There is no such mount or namespace: somebody's configuration is wrong.
    MountMissing,
    /// Check-and-set: another version is stored.
    CasMismatch,
    /// A check-and-set version is demanded.
    CasRequired,
    /// The value is too large.
    TooLarge,
    /// The kind of the error says all there is.
    Other,
}

impl Error {
    /// What stands behind it.
    pub fn reason(&self) -> Reason<'_> {
        let source = self.source().and_then(|source| source.downcast_ref::<vault_kv::Error>());
        let Some(error) = source else {
            return Reason::Other;
        };
        match error.kind() {
            Stored::NotFound => Reason::Missing,
            Stored::Deleted | Stored::Destroyed => {
                error.version_metadata().map_or(Reason::Missing, Reason::Gone)
            }
            Stored::Exchange(Http::NoMount | Http::NoNamespace) => Reason::MountMissing,
            Stored::CasMismatch => Reason::CasMismatch,
            Stored::CasRequired => Reason::CasRequired,
            Stored::TooLarge => Reason::TooLarge,
            _ => Reason::Other,
        }
    }
}
