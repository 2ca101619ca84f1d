//! The reason of an error, finer than its kind, for callers that answer in Vault's own terms.

use std::error::Error as _;

use vault_http::ErrorKind as Http;
use vault_kv::{ErrorKind as Stored, VersionMetadata};

use super::Error;

/// The reason that Vault gave for an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason<'a> {
    /// No version was ever stored at the path.
    Missing,
    /// The version is deleted or destroyed.
    Gone(&'a VersionMetadata),
    /// The mount or the namespace does not exist, so the configuration is wrong.
    MountMissing,
    /// Check-and-set failed because another version is stored.
    CasMismatch,
    /// The mount requires check-and-set, and the request named no version.
    CasRequired,
    /// The value is too large.
    TooLarge,
    /// Any other reason; see [`Error::kind`].
    Other,
}

impl Error {
    /// Returns the reason that Vault gave, if it is finer than the [kind](Self::kind).
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
